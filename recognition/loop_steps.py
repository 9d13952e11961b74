"""The later steps of the loop strip: freeze, train, evaluate."""

from django.urls import reverse

from datasets.models import Version, VersionState
from labelling.loop import Step, step
from labelling.models import Project
from labelling.progress import Standing
from recognition.models import Run, RunKind, RunState


def later_steps(project: Project, now: Standing) -> list[Step]:
    versions, runs = reverse("versions", args=[project.slug]), reverse("runs", args=[project.slug])
    last = Version.objects.filter(project=project).defer("statistics").first()
    frozen = Version.objects.filter(project=project, state=VersionState.READY).count()
    done = Run.objects.filter(project=project).defer("metrics", "curves")
    trained = done.filter(kind=RunKind.TRAIN, state=RunState.DONE).count()
    evaluated = done.filter(kind=RunKind.EVALUATE, state=RunState.DONE).count()
    return [
        step("Freeze", frozen, "versions", versions, _freezing(last, now), _freeze_hint(last, now)),
        step("Train", trained, "models", runs, _running(done, RunKind.TRAIN, trained, frozen),
             "Models trained on a version" if trained else "Train on a frozen version"),
        step("Evaluate", evaluated, "reports", runs, _running(done, RunKind.EVALUATE, evaluated, frozen),
             "Reports per person" if evaluated else "See how well each person is recognised"),
    ]  # fmt: skip


def _freezing(last: Version | None, now: Standing) -> str:
    if last is None:
        return "stuck" if now.faces_named else "empty"
    return "busy" if last.state == VersionState.FREEZING else "ok"


def _freeze_hint(last: Version | None, now: Standing) -> str:
    if last is not None:
        return f"Newest: version {last.number}"
    return "Freeze the labels into a first version" if now.faces_named else "Name some faces first"


def _running(runs, kind: RunKind, done: int, frozen: int) -> str:
    if runs.filter(kind=kind, state=RunState.WAITING).exists():
        return "busy"
    return "ok" if done else "stuck" if frozen else "empty"
