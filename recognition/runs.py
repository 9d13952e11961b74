"""Starts trainings and evaluations. The work itself is in train.py and evaluate.py, which only workers import."""

from dataclasses import asdict, dataclass, field

from django.db import transaction

from datasets.models import Version, VersionState
from jobs.enqueue import enqueue
from labelling.errors import Refused
from recognition.enrolment import Enrolment, checked
from recognition.models import Model, Run, RunKind, RunState
from recognition.recipe_list import BY_NAME, DEFAULT, SUREST, recipe_named, settled, to_search

MAX_TRIALS = 100


@dataclass(frozen=True)
class TrainParams:
    """options: parameters of the recipe (recipe_list.py); those left out have their defaults.

    trials: how many sets of parameters a search tries before it trains with the best; 0 for no search. Those in
    `options` stay as they are.
    """

    recipe: str = DEFAULT
    seed: int = 1
    epochs: int = 60
    then_evaluate: bool = True
    options: dict = field(default_factory=dict)
    trials: int = 0


@transaction.atomic
def start_training(version: Version, *, by=None, params: TrainParams | None = None) -> Run:
    """A training run on a ready version, and the job that does it. Refused when nobody could be told apart."""
    params = params or TrainParams()
    recipe = recipe_named(params.recipe)
    options = settled(recipe, params.options)
    if not 0 <= params.trials <= MAX_TRIALS:
        raise Refused(f"A search makes 1 to {MAX_TRIALS} trials; 0 means none.", fields={"trials": [params.trials]})
    asked = asdict(params) | {"options": options}
    if params.trials:
        asked["searched"] = to_search(recipe, params.options)
    _must_be_ready(version)
    trainable = [person for person in version.statistics["people"] if person["train"]]
    if len(trainable) < 2:
        raise Refused(
            f"Version {version.number} has training faces of {len(trainable)} people; at least 2 are needed. "
            "Name more people and freeze again."
        )
    run = Run.objects.create(
        project=version.project, kind=RunKind.TRAIN, version=version, seed=params.seed, created_by=by,
        params=asked,
    )  # fmt: skip
    search = f", the best of {params.trials} trials" if params.trials else ""
    return _with_job(run, f"{recipe.title} on version {version.number}{search}", by)


@transaction.atomic
def start_evaluation(
    version: Version,
    model: Model | None,
    *,
    by=None,
    parent: Run | None = None,
    enrolment: Enrolment | None = None,
) -> Run:
    """Evaluate a model, or with None the frozen embedding alone, on the version's test faces.

    enrolment: who is in the gallery and what may be compared; as usual when None.
    """
    by_classes = model is not None and model.kind in BY_NAME and BY_NAME[model.kind].named_by == SUREST
    enrolment = checked(enrolment or Enrolment(), by_classes)
    _must_be_ready(version)
    if model is not None and model.project_id != version.project_id:
        raise Refused("That model belongs to another project.", fields={"model": [str(model.pk)]})
    if not has_test_faces(version):
        raise Refused(f"Version {version.number} has no named test faces to evaluate on; name more and freeze again.")
    run = Run.objects.create(
        project=version.project, kind=RunKind.EVALUATE, version=version, model=model, parent=parent, created_by=by,
        params=enrolment.params(),
    )  # fmt: skip
    return _with_job(run, f"Evaluate on version {version.number}", by)


def best_trial(trials: list[dict]) -> dict | None:
    """The first of those with the highest mAP on validation; None where none could be trained."""
    judged = [row for row in trials if row["val_map"] is not None]
    return max(judged, key=lambda row: row["val_map"], default=None)


def has_test_faces(version: Version) -> bool:
    """Whether anybody named can be tested on; only for a ready version."""
    return any(person["test"] for person in version.statistics["people"])


def _must_be_ready(version: Version) -> None:
    if version.state != VersionState.READY:
        raise Refused(f"Version {version.number} is {version.get_state_display()}; wait until it is ready.")


def _with_job(run: Run, title: str, by) -> Run:
    run.job = enqueue(
        run.kind,
        title=title,
        project_id=run.project_id,
        params={"run": run.pk},
        key=f"run:{run.pk}",
        by=by,
        result_url=f"/p/{run.project.slug}/runs/{run.pk}/",
    )
    run.save(update_fields=["job"])
    return run


def mark_failed(sender, job, **kwargs) -> None:
    """A run whose job ended without finishing says so, and why."""
    Run.objects.filter(job=job, state=RunState.WAITING).update(
        state=RunState.FAILED, message=job.message or f"The job was {job.get_state_display()}."
    )
