"""What an erasure does to what was measured and learnt: figures about the person go, their models are marked."""

from django.utils import timezone

from datasets.models import Version, VersionState
from jobs.work import Work
from labelling.erase_words import Names, Texts, register
from labelling.models import Erasure
from recognition.models import CalibrationFit, IdentityMetric, LookAlike, Model, PromotionEvent, Run, Suspicion

REGISTERED = (
    Texts(Run, "project_id", ("message",), ("params", "environment", "metrics", "curves")),
    Texts(Model, "project_id", ("name",), ("threshold",)),
    Texts(PromotionEvent, "project_id", ("reason",), ("verdict",)),
    Texts(IdentityMetric, "run__project_id", (), ("confusions",)),
    Texts(Suspicion, "project_id", (), ("detail",)),
    Texts(CalibrationFit, "project_id", (), ("params",)),
)


def listen() -> None:
    from labelling.erase import add_step

    register(*REGISTERED)
    add_step("recognition", erase_recognition)


def erase_recognition(erasure: Erasure, people: list[int], class_ids: list[int], names: Names, work: Work) -> dict:
    """The step of this layer; done again, it marks what is marked already."""
    held = [
        version.pk
        for version in Version.objects.filter(project=erasure.project, state=VersionState.READY).defer("statistics")
        if any(record["erasure"] == erasure.pk and record["faces"] for record in version.erasures)
    ]
    models = Model.objects.filter(version__in=held)
    runs = Run.objects.filter(version__in=held)
    now = timezone.now()
    with work.chunk():
        LookAlike.objects.filter(identity__in=people).delete()
        LookAlike.objects.filter(other__in=people).delete()
        Suspicion.objects.filter(identity__in=people).delete()
        figures, _ = IdentityMetric.objects.filter(run__project=erasure.project, class_id__in=class_ids).delete()
        models.filter(erased_at=None).update(erased_at=now)
        runs.filter(erased_at=None).update(erased_at=now)
    for run in runs.exclude(curves={}):
        mistakes = run.curves.get("mistakes")
        kept = [row for row in mistakes or [] if not _speaks_of(row, names)]
        if mistakes and kept != mistakes:
            with work.chunk(0):
                Run.objects.filter(pk=run.pk).update(curves={**run.curves, "mistakes": kept})
    return {
        "models": [
            {"model": model.pk, "version": model.version.number, "stage": model.stage, "sha256": model.artifact_sha256}
            for model in models.select_related("version").order_by("pk")
        ],
        "runs": sorted(runs.values_list("pk", flat=True)),
        "figures": figures,
    }


def _speaks_of(mistake: dict, names: Names) -> bool:
    return any(names.without(mistake.get(side) or "") != (mistake.get(side) or "") for side in ("truth", "predicted"))
