"""Figures per person of one evaluation: searched, filtered, sorted and looked at in pages."""

from dataclasses import dataclass

from django.db.models import F, Q, QuerySet
from django.http import QueryDict

from datasets.paged_table import Column, Head, Slice, chosen_sort, cut, sortable_heads
from recognition.baselines import people_beside
from recognition.models import IdentityMetric, Run

PAGE_SIZE = 25
WEAKEST_FIRST = "ap"
COLUMNS = (
    Column("identity_name", "Person", is_number=False),
    Column("ap", "AP", hint="Average precision with its 95 % interval; the tick is the baseline"),
    Column("simple_ap", "Baseline AP", hint="By the best simple way that was measured on this version"),
    Column("probes", "Probes", hint="Test faces of the person"),
    Column("gallery", "Gallery", hint="Enrolled faces of the person"),
    Column(
        "recognition_rate",
        "Recognised",
        hint="Recall: share of the probes that were given their own name",
    ),
    Column("precision", "Precision", hint="Of the probes taken for this person, the share that shows them"),
)
SHOWN = {
    "": ("Everybody", Q()),
    "measured": ("Measured", Q(ap__isnull=False)),
    "worse": ("Worse than the baseline", Q(ap__lt=F("simple_ap"))),
    "confused": ("Taken for somebody else", Q(recognition_rate__lt=1)),
    "too_few": ("Too few probes", Q(ap__isnull=True)),
}


@dataclass(frozen=True)
class IdentityPage:
    rows: list[IdentityMetric]
    slice: Slice
    heads: list[Head]
    q: str
    sort: str
    show: str
    choices: list[tuple[str, str]]

    @property
    def is_filtered(self) -> bool:
        return bool(self.q or self.show)


def identity_page(run: Run, asked: QueryDict, best: dict | None = None) -> IdentityPage:
    """Two queries. People without a figure come last in either direction: nothing is known of them.

    best: the best baseline on the version, where it is better than the run's own.
    """
    q, show = asked.get("q", "").strip(), asked.get("show", "")
    show = show if show in SHOWN else ""
    sort = chosen_sort(asked, COLUMNS, WEAKEST_FIRST)
    rows = people_beside(run, best).filter(SHOWN[show][1], identity_name__icontains=q)
    slice_ = cut(rows.count(), asked, PAGE_SIZE)
    return IdentityPage(
        rows=list(_ordered(rows, sort)[slice_.start : slice_.stop]),
        slice=slice_,
        heads=sortable_heads(COLUMNS, sort, asked),
        q=q,
        sort=sort,
        show=show,
        choices=[(value, words) for value, (words, _) in SHOWN.items()],
    )


def _ordered(rows: QuerySet, sort: str) -> QuerySet:
    column = F(sort.removeprefix("-"))
    first = column.desc(nulls_last=True) if sort.startswith("-") else column.asc(nulls_last=True)
    return rows.order_by(first, "identity_name", "class_id")
