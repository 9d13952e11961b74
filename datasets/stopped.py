"""What a job was to make and did not says so, and why. The tag of a version that failed is free again."""

from datasets import import_files, tags
from datasets.models import (
    Comparison,
    ComparisonState,
    Export,
    ExportState,
    Import,
    LeakReport,
    LeakState,
    PairList,
    PairListState,
    Version,
    VersionState,
)


def mark_failed(sender, job, **kwargs) -> None:
    message = job.message or f"The job was {job.get_state_display()}."
    for version in Version.objects.filter(job=job, state=VersionState.FREEZING).defer("statistics"):
        version.state, version.message = VersionState.FAILED, message
        version.save(update_fields=["state", "message"])
        tags.let_go(version)
    Export.objects.filter(job=job, state=ExportState.WAITING).update(state=ExportState.FAILED, message=message)
    PairList.objects.filter(job=job, state=PairListState.WAITING).update(state=PairListState.FAILED, message=message)
    LeakReport.objects.filter(job=job, state=LeakState.WAITING).update(state=LeakState.FAILED, message=message)
    Comparison.objects.filter(job=job, state=ComparisonState.WAITING).update(
        state=ComparisonState.FAILED, message=message
    )
    import_files.stop(Import.objects.filter(job=job), message)
