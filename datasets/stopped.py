"""A version, export or comparison whose job ended early says so, and why. The version's tag is free again."""

from datasets.models import Comparison, ComparisonState, Export, ExportState, Version, VersionState


def mark_failed(sender, job, **kwargs) -> None:
    message = job.message or f"The job was {job.get_state_display()}."
    Version.objects.filter(job=job, state=VersionState.FREEZING).update(
        state=VersionState.FAILED, message=message, tag=""
    )
    Export.objects.filter(job=job, state=ExportState.WAITING).update(state=ExportState.FAILED, message=message)
    Comparison.objects.filter(job=job, state=ComparisonState.WAITING).update(
        state=ComparisonState.FAILED, message=message
    )
