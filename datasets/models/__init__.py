"""What is frozen, what is known about it, and what left Facet."""

from datasets.models.checks import (
    Comparison,
    ComparisonQuerySet,
    ComparisonState,
    LeakReport,
    LeakState,
    PairList,
    PairListState,
)
from datasets.models.handed_out import Export, ExportState, Pull
from datasets.models.imports import Import, ImportState
from datasets.models.versions import (
    LATEST,
    OfVersionQuerySet,
    ScopedQuerySet,
    Tag,
    TagMove,
    Version,
    VersionQuerySet,
    VersionState,
)

__all__ = [
    "LATEST",
    "Comparison",
    "ComparisonQuerySet",
    "ComparisonState",
    "Export",
    "ExportState",
    "Import",
    "ImportState",
    "LeakReport",
    "LeakState",
    "OfVersionQuerySet",
    "PairList",
    "PairListState",
    "Pull",
    "ScopedQuerySet",
    "Tag",
    "TagMove",
    "Version",
    "VersionQuerySet",
    "VersionState",
]
