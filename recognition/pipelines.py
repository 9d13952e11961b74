"""The chain freeze → train → evaluate → gate as one thing. Each step is a job of its own.

How far a pipeline is, its version and runs say: whatever asks it to go on asks for the first step that is not done. A
step asks for the next in the transaction that ends it, so a worker that is killed leaves either the step or its
successor, never nothing. Lines of locks: job, project, pipeline.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from rest_framework import status

from datasets.filters import Filters
from datasets.freeze import start_freeze
from datasets.models import Version, VersionState
from datasets.splits import SplitPolicy
from datasets.tags import hold
from jobs.enqueue import enqueue
from jobs.models import ENDED_EARLY, Job, State
from jobs.steer import request_cancel
from labelling.errors import Refused
from labelling.models import Project
from recognition.gate_evidence import Evidence, could_start, production_of, start_missing, weigh
from recognition.models import Model, Pipeline, PipelineState, Rule, Run, RunState, Step
from recognition.recipe_list import recipe_named, settled, to_search
from recognition.runs import MAX_TRIALS, TrainParams, has_test_faces, start_evaluation, start_training

BY_HAND = "Started by hand."
# Between looking and cancelling a pipeline may have gone on to its next job.
TRIES_TO_CANCEL = 5


class UnderWay(Refused):
    """A project has one running pipeline at most."""

    code = "under_way"
    status = status.HTTP_409_CONFLICT


@dataclass(frozen=True)
class Asked:
    """What a pipeline is to do. like: whose splits and filters to take, the last version's where it is None.

    Without `trains`, what serves now is evaluated on the new version.
    """

    trains: bool = True
    params: TrainParams = field(default_factory=TrainParams)
    like: Version | None = None
    promotes: bool = False

    def as_fields(self) -> dict:
        """As rules and pipelines keep it. Raises Refused for a recipe or parameter that is not there."""
        recipe, trials = recipe_named(self.params.recipe), self.params.trials
        known = settled(recipe, self.params.options)
        if not 0 <= trials <= MAX_TRIALS:
            raise Refused(f"A search makes 1 to {MAX_TRIALS} trials; 0 means none.", fields={"trials": [trials]})
        if trials:
            to_search(recipe, self.params.options)
        params = {
            "recipe": recipe.name,
            "seed": self.params.seed,
            "epochs": self.params.epochs,
            "options": {name: known[name] for name in self.params.options},  # a search leaves these alone
            "trials": trials,
        }
        if self.promotes and not self.trains:
            raise Refused("Only a model that is trained here can be promoted.", fields={"promotes": ["Train as well."]})
        return {"trains": self.trains, "params": params, "like": self.like, "promotes": self.promotes}


@transaction.atomic
def start_pipeline(
    project: Project, asked: Asked | None = None, *, by=None, rule: Rule | None = None, why: str = BY_HAND
) -> Pipeline:
    """A pipeline and the job of its first step. Refused when nothing can be frozen, UnderWay when one runs."""
    hold(project)
    _must_rest(project)
    pipeline = Pipeline.objects.create(
        project=project, rule=rule, why=why[:200], by=by, **(asked or Asked()).as_fields()
    )
    _ask_for_next(pipeline)
    return pipeline


@transaction.atomic
def go_on(pipeline: Pipeline) -> Pipeline:
    """From the step at which it failed or was cancelled; those before are not done again. Raises Refused, UnderWay."""
    hold(pipeline.project)
    row = _locked(Pipeline.objects.filter(pk=pipeline.pk)).get()
    if row.state not in (PipelineState.FAILED, PipelineState.CANCELLED):
        raise Refused(f"Pipeline {row.pk} is {row.get_state_display()}; there is nothing to go on with.")
    _must_rest(row.project)
    row.state, row.message, row.finished_at = PipelineState.RUNNING, "", None
    _ask_for_next(row)
    return row


def _must_rest(project: Project) -> None:
    if running := Pipeline.objects.filter(project=project, state=PipelineState.RUNNING).first():
        raise UnderWay(f"Pipeline {running.pk} of this project is under way. Wait for its end, or cancel it.")


def cancel(pipeline: Pipeline) -> None:
    """The job of its step is cancelled, and the pipeline with it."""
    for _ in range(TRIES_TO_CANCEL):
        pipeline.refresh_from_db(fields=["state", "job"])
        if pipeline.state != PipelineState.RUNNING or pipeline.job is None:
            return
        seen = pipeline.job_id
        request_cancel(pipeline.job)
        pipeline.refresh_from_db(fields=["state", "job"])
        if pipeline.job_id == seen:
            return


def version_is_ready(sender, version: Version, **kwargs) -> None:
    """Hears that a version is frozen, in the transaction that says so."""
    _go_on_with(Pipeline.objects.filter(version=version))


def run_done(run: Run) -> None:
    """Call it in the transaction in which a training or an evaluation ends well."""
    _go_on_with(Pipeline.objects.filter(Q(training=run) | Q(evaluation=run) | Q(comparison=run)))


def _go_on_with(pipelines: QuerySet) -> None:
    for pipeline in _locked(pipelines.filter(state=PipelineState.RUNNING)):
        next_or_fail(pipeline)


def _locked(pipelines: QuerySet) -> QuerySet:
    rows = pipelines.select_for_update(of=("self",)).order_by("pk")
    return rows.select_related("project", "version__project", "training__model", "evaluation", "like", "by")


def next_or_fail(pipeline: Pipeline) -> None:
    """Ask for the next step of a locked pipeline; where it is refused, the pipeline fails there, with the sentence."""
    try:
        with transaction.atomic():
            _ask_for_next(pipeline)
    except Refused as error:
        end(pipeline, PipelineState.FAILED, error.message)


def end(pipeline: Pipeline, state: PipelineState, message: str = "") -> None:
    pipeline.state, pipeline.message, pipeline.finished_at = state, message[:500], timezone.now()
    pipeline.save()


def _ask_for_next(pipeline: Pipeline) -> None:
    step = _first_not_done(pipeline)
    if step is None:
        end(pipeline, PipelineState.DONE)
        return
    pipeline.step = step
    pipeline.job = _ASK[step](pipeline)
    pipeline.save()


def _first_not_done(pipeline: Pipeline) -> Step | None:
    if pipeline.version is None or pipeline.version.state != VersionState.READY:
        return Step.FREEZE
    if pipeline.trains and (not _is_done(pipeline.training) or pipeline.training.model is None):
        return Step.TRAIN
    if not _is_done(pipeline.evaluation):
        return Step.EVALUATE
    if not pipeline.trains or pipeline.verdict:
        return None
    return Step.COMPARE if lacks_comparison(weigh(model_of(pipeline), look_at_file=False)) else Step.GATE


def _is_done(run: Run | None) -> bool:
    return run is not None and run.state == RunState.DONE


def model_of(pipeline: Pipeline) -> Model:
    """With its project and version, as the gate wants it."""
    return Model.objects.select_related("project", "version").get(pk=pipeline.training.model_id)


def lacks_comparison(evidence: Evidence) -> bool:
    """Whether what serves has to be evaluated first; where that cannot be done the gate says so."""
    return bool(evidence.missing) and not could_start(evidence)


def _freeze(pipeline: Pipeline) -> Job:
    like = pipeline.like or last_version(pipeline.project)
    policy = SplitPolicy.from_dict(like.split_policy) if like else None
    note = f"Pipeline {pipeline.pk}. {pipeline.why}"
    version = start_freeze(pipeline.project, by=pipeline.by, note=note, policy=policy, filters=filters_like(like))
    pipeline.version = version
    return version.job


def last_version(project: Project) -> Version | None:
    return Version.objects.filter(project=project, state=VersionState.READY).defer("statistics").first()


def filters_like(version: Version | None) -> Filters:
    """What a new version asks for that is to be like this one. Consents are those that run today."""
    filters = Filters.from_dict(version.filters) if version else Filters()
    return replace(filters, consent_on=timezone.now().date().isoformat()) if filters.consent_on else filters


def _train(pipeline: Pipeline) -> Job:
    if not has_test_faces(pipeline.version):  # better known before the training than after it
        raise Refused(f"Version {pipeline.version.number} has no named test faces to evaluate on; name more.")
    params = TrainParams(**pipeline.params, then_evaluate=False)
    pipeline.training = start_training(pipeline.version, by=pipeline.by, params=params)
    return pipeline.training.job


def _evaluate(pipeline: Pipeline) -> Job:
    model = pipeline.training.model if pipeline.trains else production_of(pipeline.project)
    pipeline.evaluation = start_evaluation(pipeline.version, model, by=pipeline.by, parent=pipeline.training)
    return pipeline.evaluation.job


def _compare(pipeline: Pipeline) -> Job:
    pipeline.comparison, *_ = start_missing(weigh(model_of(pipeline), look_at_file=False), by=pipeline.by)
    return pipeline.comparison.job


def _gate(pipeline: Pipeline) -> Job:
    pipeline.tries += 1
    return enqueue(
        "gate",
        title=f"Gate of pipeline {pipeline.pk}",
        project_id=pipeline.project_id,
        params={"pipeline": pipeline.pk},
        key=f"gate:{pipeline.pk}:{pipeline.tries}",
        by=pipeline.by,
        result_url=f"/p/{pipeline.project.slug}/automation/{pipeline.pk}/",
    )


_ASK: dict[Step, Callable[[Pipeline], Job]] = {
    Step.FREEZE: _freeze,
    Step.TRAIN: _train,
    Step.EVALUATE: _evaluate,
    Step.COMPARE: _compare,
    Step.GATE: _gate,
}


def mark_stopped(sender, job: Job, **kwargs) -> None:
    """A pipeline whose job ended without finishing ends at that step, and says why."""
    state = PipelineState.CANCELLED if job.state == State.CANCELLED else PipelineState.FAILED
    Pipeline.objects.filter(job=job, state=PipelineState.RUNNING).update(
        state=state, finished_at=timezone.now(), message=job.message or f"The job was {job.get_state_display()}."
    )


def settle_stopped() -> None:
    """No pipeline waits for a job that is over: a process may end right after its commit, before it told anybody."""
    left = Pipeline.objects.filter(state=PipelineState.RUNNING, job__state__in=ENDED_EARLY).select_related("job")
    for pipeline in left:
        mark_stopped(None, pipeline.job)
