"""Pipelines as people see them: a chain of steps, each with its state and the way to what it made."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.urls import reverse

from jobs.models import State
from labelling.models import Project
from recognition.models import Pipeline, PipelineState, Rule, Step
from recognition.recipe_list import TITLES
from recognition.rules import in_words

HEAVY = ("curves", "environment", "preflight", "checkpoint", "trials")


@dataclass(frozen=True)
class Link:
    """One step. state: suffix of the chip; words: what it made."""

    title: str
    state: str
    label: str
    words: str = ""
    url: str = ""


def pipelines_of(project: Project) -> QuerySet[Pipeline]:
    """With all that their chains show, in one query."""
    rows = Pipeline.objects.filter(project=project).select_related(
        "project", "version", "training__model", "evaluation", "comparison", "job", "by", "rule", "like"
    )
    heavy = [f"{run}__{name}" for run in ("training", "evaluation", "comparison") for name in HEAVY]
    return rows.defer("version__statistics", "like__statistics", "training__metrics", "comparison__metrics", *heavy)


def with_chain(pipelines: Iterable[Pipeline]) -> list[Pipeline]:
    """Tells each, as `chain`, its steps, and as `recipe` the title of its recipe."""
    pipelines = list(pipelines)
    for pipeline in pipelines:
        pipeline.recipe = title_of(pipeline)
        pipeline.chain = chain_of(pipeline)
    return pipelines


def title_of(plan: Pipeline | Rule) -> str:
    """Of its recipe, which may be gone since."""
    name = plan.params.get("recipe", "")
    return TITLES.get(name, name)


def chain_of(pipeline: Pipeline) -> list[Link]:
    steps = [step for step in Step if _belongs(step, pipeline)]
    at = steps.index(Step(pipeline.step))
    return [_link(pipeline, step, place - at) for place, step in enumerate(steps)]


def _belongs(step: Step, pipeline: Pipeline) -> bool:
    """Without training there is nothing to judge; what serves is compared only where that is needed."""
    if step == Step.COMPARE:
        return pipeline.comparison is not None or pipeline.step == Step.COMPARE
    return pipeline.trains or step in (Step.FREEZE, Step.EVALUATE)


def _link(pipeline: Pipeline, step: Step, ahead: int) -> Link:
    words, url = _made(pipeline, step)
    if ahead > 0:
        return Link(step.label, "new", "to come")
    if ahead < 0 or pipeline.state == PipelineState.DONE:
        if step == Step.GATE:
            is_open = bool(pipeline.verdict.get("passed"))
            return Link(step.label, "ok" if is_open else "warn", "open" if is_open else "closed", words, url)
        return Link(step.label, "done", "done", words, url)
    if pipeline.state == PipelineState.RUNNING:
        state = pipeline.job.state if pipeline.job else State.QUEUED
        shown = state if state in (State.QUEUED, State.PAUSED) else State.RUNNING
        return Link(step.label, shown, State(shown).label, words, url)
    return Link(step.label, pipeline.state, pipeline.get_state_display(), words, url)


def _made(pipeline: Pipeline, step: Step) -> tuple[str, str]:
    slug = pipeline.project.slug
    if step == Step.FREEZE and pipeline.version:
        return f"version {pipeline.version.number}", reverse("version", args=[slug, pipeline.version.number])
    runs = {Step.TRAIN: pipeline.training, Step.EVALUATE: pipeline.evaluation, Step.COMPARE: pipeline.comparison}
    if run := runs.get(step):
        return f"{run.get_kind_display()} {run.pk}", reverse("run", args=[slug, run.pk])
    if step == Step.GATE and pipeline.training and pipeline.training.model:
        model = pipeline.training.model
        return f"model {model.pk}", reverse("model", args=[slug, model.pk])
    return "", ""


def running_pipeline(project: Project) -> Pipeline | None:
    """The one under way, with its chain."""
    return next(iter(with_chain(pipelines_of(project).filter(state=PipelineState.RUNNING))), None)


def rules_of(project: Project) -> list[Rule]:
    """With `words`, when each fires, and `recipe`, its title."""
    rules = list(Rule.objects.filter(project=project).select_related("like", "created_by").defer("like__statistics"))
    for rule in rules:
        rule.words, rule.recipe = in_words(rule), title_of(rule)
    return rules
