"""The best simple way that was measured on a version: what a model on the same test faces is held against."""

from django.db.models import F, OuterRef, QuerySet, Subquery

from recognition.enrolment import Enrolment
from recognition.models import IdentityMetric, Run, RunKind, RunState
from recognition.recipe_list import BASELINES, TITLES


def best_baseline(run: Run) -> dict | None:
    """Its name, run, figures and curves; None where the built-in one (in the run's own metrics) is as good or better.

    One query for the figures, one more for the curves of the best.
    """
    best = _best(run, _measured([run]))
    if best is None:
        return None
    curves = Run.objects.values_list("curves", flat=True).get(pk=best["pk"])
    return {"name": TITLES[best["model__kind"]], "run": best["pk"], "metrics": best["metrics"], "curves": curves}


def hold_against_best(runs: list[Run]) -> None:
    """Gives each evaluation `simple`, the figures of the best baseline on its version, and `is_behind`: whether it is
    known to do no better. One query for all.
    """
    evaluations = [run for run in runs if run.kind == RunKind.EVALUATE and run.state == RunState.DONE]
    measured = _measured(evaluations) if evaluations else []
    for run in evaluations:
        best = _best(run, measured)
        run.simple = best["metrics"] if best else run.metrics.get("baseline") or {}
        beats = None if is_baseline(run) else run.metrics.get("beats_baseline")
        run.is_behind = beats is not None and (not beats or standing_of(run.metrics) <= standing_of(run.simple))


def people_beside(run: Run, best: dict | None) -> QuerySet:
    """The run's figures per person with `simple_ap`: the person's AP by the best baseline, as best_baseline gave it."""
    rows = IdentityMetric.objects.filter(run=run)
    if best is None:
        return rows.annotate(simple_ap=F("baseline_ap"))
    theirs = IdentityMetric.objects.filter(run=best["run"], class_id=OuterRef("class_id")).values("ap")
    return rows.annotate(simple_ap=Subquery(theirs[:1]))


def _measured(runs: list[Run]) -> list[dict]:
    """Evaluations of baselines on the versions of these runs, oldest first."""
    rows = Run.objects.filter(
        version_id__in={run.version_id for run in runs},
        kind=RunKind.EVALUATE,
        state=RunState.DONE,
        model__kind__in=BASELINES,
    )
    return list(rows.order_by("pk").values("pk", "version_id", "model__kind", "params", "metrics"))


def _best(run: Run, measured: list[dict]) -> dict | None:
    """Of those with the same enrolment; None where the one inside the run is as good."""
    protocol = Enrolment.of(run.params)
    best, standing = None, standing_of(run.metrics.get("baseline") or {})
    for row in measured:
        if row["version_id"] != run.version_id or row["pk"] == run.pk or Enrolment.of(row["params"]) != protocol:
            continue
        if standing_of(row["metrics"]) > standing:
            best, standing = row, standing_of(row["metrics"])
    return best


def standing_of(figures: dict) -> tuple[float, float]:
    """By mAP, then by recognition rate; what could not be measured stands last."""
    mean, rate = (figures.get("map") or {}).get("macro"), (figures.get("recognition_rate") or {}).get("value")
    return (-1.0 if mean is None else mean, -1.0 if rate is None else rate)


def is_baseline(run: Run) -> bool:
    return run.model is not None and run.model.kind in BASELINES
