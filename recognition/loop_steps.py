"""The later steps of the loop strip: freeze, train, evaluate."""

from django.db.models import Count, Max, Q
from django.urls import reverse

from datasets.models import Version, VersionState
from labelling.loop import Step, step
from labelling.models import Project
from labelling.progress import Standing
from recognition.models import Run, RunKind, RunState


def later_steps(project: Project, now: Standing) -> list[Step]:
    """In two queries, as the strip is on every page of a project."""
    versions, runs = reverse("versions", args=[project.slug]), reverse("runs", args=[project.slug])
    held = Version.objects.filter(project=project).aggregate(
        newest=Max("number"),
        ready=Count("pk", filter=Q(state=VersionState.READY)),
        freezing=Count("pk", filter=Q(state=VersionState.FREEZING)),
    )
    rows = Run.objects.filter(project=project).order_by().values("kind", "state").annotate(runs=Count("pk"))
    counts = {(row["kind"], row["state"]): row["runs"] for row in rows}
    trained = counts.get((RunKind.TRAIN, RunState.DONE), 0)
    evaluated = counts.get((RunKind.EVALUATE, RunState.DONE), 0)
    return [
        step("Freeze", held["ready"], "versions", versions, _freezing(held, now), _freeze_hint(held, now)),
        step("Train", trained, "models", runs, _running(counts, RunKind.TRAIN, held["ready"]),
             "Models trained on a version" if trained else "Train on a frozen version"),
        step("Evaluate", evaluated, "reports", runs, _running(counts, RunKind.EVALUATE, held["ready"]),
             "Reports per person" if evaluated else "See how well each person is recognised"),
    ]  # fmt: skip


def _freezing(held: dict, now: Standing) -> str:
    if held["newest"] is None:
        return "stuck" if now.faces_named else "empty"
    return "busy" if held["freezing"] else "ok"


def _freeze_hint(held: dict, now: Standing) -> str:
    if held["newest"] is not None:
        return f"Newest: version {held['newest']}"
    return "Freeze the labels into a first version" if now.faces_named else "Name some faces first"


def _running(counts: dict, kind: RunKind, frozen: int) -> str:
    if counts.get((kind, RunState.WAITING)):
        return "busy"
    return "ok" if counts.get((kind, RunState.DONE)) else "stuck" if frozen else "empty"
