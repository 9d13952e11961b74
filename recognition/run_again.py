"""A run once more, and whether it came out the same to the last digit."""

from dataclasses import dataclass

from django.db import transaction

from labelling.errors import Refused
from recognition.enrolment import Enrolment
from recognition.models import IdentityMetric, Run, RunKind, RunState
from recognition.runs import TrainParams, start_evaluation, start_training

# What is about people's opinions and not about the run.
LEFT_OUT = {"human"}
SHOWN = 8
FIGURES = ("class_id", "gallery", "probes", "ap", "ap_low", "ap_high", "recognition_rate", "precision", "recall")


@transaction.atomic
def run_again(run: Run, *, by) -> Run:
    """The same version, model or recipe, parameters and seed. The new run says which one it repeats."""
    if run.state == RunState.WAITING:
        raise Refused("This run is not finished yet; it can be repeated afterwards.")
    if run.kind == RunKind.TRAIN:
        known = {name: run.params[name] for name in TrainParams.__dataclass_fields__ if name in run.params}
        again = start_training(run.version, by=by, params=TrainParams(**known | {"seed": run.seed}))
    else:
        if run.model is None and run.metrics.get("model"):
            raise Refused(f"The model “{run.metrics['model']}” is gone; train it again and evaluate that.")
        again = start_evaluation(run.version, run.model, by=by, enrolment=Enrolment.of(run.params))
    again.seed, again.params = run.seed, {**again.params, "repeats": run.pk}
    again.save(update_fields=["seed", "params"])
    return again


@dataclass(frozen=True)
class Repetition:
    """figures: how many numbers and words were held against each other; differing: where some of those that differ are.

    elsewhere: what differs between the places they were made in: packages, machine, code.
    """

    first: Run
    figures: int
    differing: list[str]
    count: int
    elsewhere: list[str]

    @property
    def is_identical(self) -> bool:
        return self.count == 0


def repetition(run: Run) -> Repetition | None:
    """What came of a repeated run; None of a run that repeats none, or is not finished. Three queries at most."""
    if not run.params.get("repeats"):
        return None
    first = Run.objects.filter(project=run.project_id, pk=run.params.get("repeats")).select_related("model").first()
    if first is None or run.state != RunState.DONE or first.state != RunState.DONE:
        return None
    mine, theirs = _leaves(_told(run)), _leaves(_told(first))
    paths = sorted(path for path in mine.keys() | theirs.keys() if mine.get(path, _leaves) != theirs.get(path, _leaves))
    places = _leaves(_place(run)), _leaves(_place(first))
    elsewhere = sorted(
        path for path in places[0].keys() | places[1].keys() if places[0].get(path) != places[1].get(path)
    )
    return Repetition(first, len(mine.keys() | theirs.keys()), paths[:SHOWN], len(paths), elsewhere)


def _told(run: Run) -> dict:
    people = [] if run.kind == RunKind.TRAIN else IdentityMetric.objects.filter(run=run).order_by("class_id")
    return {
        "metrics": {name: value for name, value in run.metrics.items() if name not in LEFT_OUT},
        "curves": run.curves,
        "model": run.model.artifact_sha256 if run.model else None,
        "people": [[getattr(person, name) for name in FIGURES] for person in people],
    }


def _place(run: Run) -> dict:
    return {name: value for name, value in run.environment.items() if name != "latency"}


def _leaves(value, path: str = "") -> dict:
    """Each number and word by the way to it; a list that is empty is one as well."""
    if isinstance(value, dict) and value:
        parts = ((f"{path}.{key}" if path else str(key), one) for key, one in value.items())
    elif isinstance(value, list) and value:
        parts = ((f"{path}[{place}]", one) for place, one in enumerate(value))
    else:
        return {path: value} if path else {}
    return {leaf: one for name, part in parts for leaf, one in _leaves(part, name).items()}
