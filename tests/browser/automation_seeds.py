"""Pipelines in every state and rules of every kind, for the page about them."""

from tests.browser import registry_seeds


def make_pipelines(name: str) -> dict:
    """A project in which one pipeline is being trained, and others have ended in each way there is."""
    from datetime import timedelta

    from django.utils import timezone

    from jobs.models import Job, State
    from labelling.models import Project
    from recognition.models import Model, Pipeline, PipelineState, Rule, Run, RunKind, RunState, Step
    from recognition.pipelines import Asked
    from recognition.rules import When, add_rule, switch

    made = registry_seeds.make_models(name, [(0.86, 0.80), (0.70, 0.80)])
    project = Project.objects.get(slug=made["slug"])
    rules = [
        add_rule(project, When("labels", threshold=200), Asked()),
        add_rule(project, When("imbalance", threshold=0.05), Asked(trains=False)),
        add_rule(project, When("schedule", hour=3, weekday=6), Asked(promotes=True)),
    ]
    Rule.objects.filter(pk=rules[0].pk).update(fired_at=timezone.now())
    said = "Passed over on 1 Nov, 03:00 UTC: nothing has changed since version 1."
    Rule.objects.filter(pk=rules[2].pk).update(said=said)
    switch(rules[1], on=False)

    def ended(**fields) -> Pipeline:
        asked = Asked(promotes=bool(fields.get("promoted"))).as_fields()
        return Pipeline.objects.create(project=project, finished_at=timezone.now(), **(asked | fields))

    for model_id, run_id, passed in zip(made["models"], made["runs"], (True, False), strict=True):
        model, evaluation = Model.objects.get(pk=model_id), Run.objects.get(pk=run_id)
        training = Run.objects.create(
            project=project, kind=RunKind.TRAIN, version=model.version, model=model, state=RunState.DONE
        )
        told = (
            "86.0% against 80.0% of the frozen embedding." if passed else "70.0%: below it by more than the interval."
        )
        condition = {"name": "mean_ap", "title": "mAP is not below what serves now", "passed": passed, "said": told}
        message = "The model is in production." if passed else "The model stays a candidate."
        ended(
            why="204 new labels since version 1.", rule=rules[0], state=PipelineState.DONE, step=Step.GATE,
            version=model.version, training=training, evaluation=evaluation, promoted=passed,
            verdict={"passed": passed, "conditions": [condition]},
            message=f"The gate is {'open' if passed else 'closed'}. {message}",
        )  # fmt: skip
    version = Model.objects.get(pk=made["models"][0]).version
    ended(
        why="Started by hand.", state=PipelineState.FAILED, step=Step.TRAIN, version=version,
        message="Version 1 has training faces of 1 people; at least 2 are needed. Name more people and freeze again.",
    )  # fmt: skip
    ended(why="Started by hand.", state=PipelineState.CANCELLED, step=Step.FREEZE, message="Cancelled before it began.")
    job = Job.objects.create(
        kind="train", title="ArcFace head over frozen embeddings on version 1", project_id=project.pk, done=12,
        total=60, state=State.RUNNING, lease_until=timezone.now() + timedelta(hours=1),
        started_at=timezone.now(), message="Epoch 12, loss 3.214",
    )  # fmt: skip
    training = Run.objects.create(project=project, kind=RunKind.TRAIN, version=version, job=job)
    running = Pipeline.objects.create(
        project=project, why="231 new labels since version 1.", rule=rules[0], step=Step.TRAIN, version=version,
        training=training, job=job, **Asked().as_fields(),
    )  # fmt: skip
    return {"slug": project.slug, "running": running.pk}
