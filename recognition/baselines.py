"""The best simple way that was measured on a version: what a model on the same test faces is held against."""

from recognition.enrolment import Enrolment
from recognition.models import Run, RunKind, RunState
from recognition.recipe_list import BASELINES, TITLES


def best_baseline(run: Run) -> dict | None:
    """Its name, run, figures and curves; None where the built-in one (in the run's own metrics) is as good or better.

    One query for the figures, one more for the curves of the best.
    """
    rows = Run.objects.filter(
        version_id=run.version_id, kind=RunKind.EVALUATE, state=RunState.DONE, model__kind__in=BASELINES
    ).exclude(pk=run.pk)
    protocol = Enrolment.of(run.params)
    best, standing = None, standing_of(run.metrics.get("baseline") or {})
    for pk, kind, params, metrics in rows.order_by("pk").values_list("pk", "model__kind", "params", "metrics"):
        if Enrolment.of(params) == protocol and standing_of(metrics) > standing:
            best, standing = (pk, kind, metrics), standing_of(metrics)
    if best is None:
        return None
    pk, kind, metrics = best
    curves = Run.objects.values_list("curves", flat=True).get(pk=pk)
    return {"name": TITLES[kind], "run": pk, "metrics": metrics, "curves": curves}


def standing_of(figures: dict) -> tuple[float, float]:
    """By mAP, then by recognition rate; what could not be measured stands last."""
    mean, rate = (figures.get("map") or {}).get("macro"), (figures.get("recognition_rate") or {}).get("value")
    return (-1.0 if mean is None else mean, -1.0 if rate is None else rate)


def is_baseline(run: Run) -> bool:
    return run.model is not None and run.model.kind in BASELINES
