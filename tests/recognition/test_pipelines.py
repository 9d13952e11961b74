"""Freeze, train, evaluate and gate as one chain, which goes on at the step where it stopped."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from datasets.filters import Filters
from datasets.models import Version, VersionState
from datasets.splits import SplitPolicy
from jobs.models import Job, State
from jobs.steer import request_cancel
from labelling.errors import Refused
from labelling.models import Face, Identity
from recognition.models import (
    Model,
    Pipeline,
    PipelineState,
    PromotionEvent,
    Run,
    RunKind,
    RunState,
    Stage,
    Step,
)
from recognition.pipelines import Asked, UnderWay, cancel, go_on, settle_stopped, start_pipeline
from recognition.promotion import promote
from recognition.runs import TrainParams, start_training

KINDS = ("freeze", "train", "evaluate", "gate")
QUICK = Asked(params=TrainParams(epochs=4))
AND_PROMOTE = Asked(params=TrainParams(epochs=4), promotes=True)
PHOTOS = {"Ana": 15, "Ben": 15, "Cem": 6}


@pytest.fixture
def labels(add_faces, project):
    for person, (name, count) in enumerate(PHOTOS.items()):
        for photo in range(count):
            add_faces(f"{name}-{photo}", ((person, photo), name), spread=4.0)
    return project


@pytest.fixture
def work(work_off):
    """Until no step of a chain waits; jobs may ask for others."""

    def run(project, *kinds):
        ended = []
        while done := work_off(project, *(kinds or KINDS)):
            ended += done
        return ended

    return run


def fresh(pipeline) -> Pipeline:
    return Pipeline.objects.select_related("version", "training__model", "evaluation", "comparison", "job").get(
        pk=pipeline.pk
    )


def break_job(pipeline, message="The disk is full."):
    """Its worker gave up."""
    job = fresh(pipeline).job
    Job.objects.filter(pk=job.pk).update(state=State.FAILED, message=message, finished_at="2026-01-01T00:00Z")
    settle_stopped()
    return job


# ── to the end ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pipeline_goes_from_labels_to_the_verdict_of_the_gate(labels, work, owner):
    pipeline = start_pipeline(labels, QUICK, by=owner)
    assert (pipeline.state, pipeline.step, pipeline.version.number) == (PipelineState.RUNNING, Step.FREEZE, 1)
    jobs = work(labels)
    assert [job.kind for job in jobs] == list(KINDS)
    assert {job.state for job in jobs} == {State.DONE} and {job.created_by for job in jobs} == {owner}
    done = fresh(pipeline)
    assert (done.state, done.step, done.comparison) == (PipelineState.DONE, Step.GATE, None)
    assert done.version.state == VersionState.READY
    assert (done.training.version, done.training.params["epochs"]) == (done.version, 4)
    assert (done.evaluation.model, done.evaluation.parent) == (done.training.model, done.training)
    assert done.verdict["evaluation"] == done.evaluation.pk
    assert {one["name"] for one in done.verdict["conditions"]} >= {"serves", "mean_ap", "people", "preflight"}
    assert done.finished_at and not done.promoted
    assert Run.objects.filter(project=labels, kind=RunKind.EVALUATE).count() == 1


def test_an_open_gate_promotes_when_that_was_asked_for(labels, work):
    labels.stored_settings = {"gate_max_fall": 1.0}
    labels.save()
    pipeline = start_pipeline(labels, AND_PROMOTE)
    work(labels)
    done = fresh(pipeline)
    assert done.verdict["passed"] and done.promoted
    assert done.training.model.stage == Stage.PRODUCTION
    assert PromotionEvent.objects.get(project=labels).new == done.training.model


def test_without_promotion_the_model_stays_a_candidate(labels, work):
    done = start_pipeline(labels, QUICK)
    work(labels)
    assert fresh(done).training.model.stage == Stage.CANDIDATE
    assert not PromotionEvent.objects.filter(project=labels).exists()


def test_a_closed_gate_ends_the_pipeline_and_promotes_nothing(labels, work):
    pipeline = start_pipeline(labels, Asked(params=TrainParams(recipe="chance"), promotes=True))
    work(labels)
    done = fresh(pipeline)
    assert (done.state, done.promoted, done.verdict["passed"]) == (PipelineState.DONE, False, False)
    assert "closed" in done.message and done.training.model.stage == Stage.CANDIDATE


def test_what_serves_is_evaluated_on_the_new_version_before_the_gate_is_asked(labels, work):
    first = start_pipeline(labels, QUICK)
    work(labels)
    served = fresh(first).training.model
    promote(served, reason="To have something in production.")
    second = start_pipeline(labels, QUICK)
    assert [job.kind for job in work(labels)] == ["freeze", "train", "evaluate", "evaluate", "gate"]
    done = fresh(second)
    assert (done.comparison.model, done.comparison.version) == (served, done.version)
    assert (done.verdict["served"], done.verdict["served_evaluation"]) == (served.pk, done.comparison.pk)


def test_a_model_that_goes_into_production_meanwhile_is_compared_before_the_verdict(labels, work, work_off):
    first = start_pipeline(labels, QUICK)
    work(labels)
    pipeline = start_pipeline(labels, QUICK)
    for kind in ("freeze", "train", "evaluate"):
        work_off(labels, kind)
    assert fresh(pipeline).step == Step.GATE
    promote(fresh(first).training.model, reason="Just now.")
    assert [job.kind for job in work(labels)] == ["gate", "evaluate", "gate"]
    assert fresh(pipeline).verdict["served"] == fresh(first).training.model_id


def test_without_training_what_serves_is_evaluated_on_a_new_version(labels, work):
    pipeline = start_pipeline(labels, Asked(trains=False))
    assert [job.kind for job in work(labels)] == ["freeze", "evaluate"]
    done = fresh(pipeline)
    assert (done.state, done.training, done.verdict) == (PipelineState.DONE, None, {})
    assert (done.evaluation.model, done.evaluation.state) == (None, RunState.DONE)


def test_the_new_version_is_split_and_filtered_like_the_last(labels, work, freeze_now):
    policy = SplitPolicy(0.5, 0.25, 0.25, seed=7)
    first = freeze_now(labels, policy=policy, filters=Filters(min_face=20.0))
    freeze_now(labels)
    as_last = start_pipeline(labels, QUICK)
    assert (as_last.version.split_policy, as_last.version.filters) == (SplitPolicy().as_dict(), {})
    cancel(as_last)
    followed = start_pipeline(labels, Asked(like=first)).version
    assert (followed.split_policy, followed.filters) == (policy.as_dict(), {"min_face": 20.0})


def test_consents_are_those_that_run_on_the_day_of_the_pipeline(labels, freeze_now):
    Identity.objects.filter(project=labels).update(consent_basis="signed", consent_date="2020-01-01")
    freeze_now(labels, filters=Filters(consent_on="2024-02-29"))
    pipeline = start_pipeline(labels, QUICK)
    assert pipeline.version.filters == {"consent_on": timezone.now().date().isoformat()}


# ── refused ───────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_to_freeze_starts_nothing(project):
    with pytest.raises(Refused, match="confirm some faces"):
        start_pipeline(project)
    assert not Pipeline.objects.exists() and not Version.objects.exists()


def test_a_project_has_one_running_pipeline(labels):
    running = start_pipeline(labels, QUICK)
    with pytest.raises(UnderWay, match=f"Pipeline {running.pk}"):
        start_pipeline(labels, QUICK)
    with pytest.raises(IntegrityError), transaction.atomic():
        Pipeline.objects.create(project=labels, why="behind its back")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked(params=TrainParams(recipe="magic")), "no recipe"),
        (Asked(params=TrainParams(options={"margin": 999})), "margin"),
        (Asked(trains=False, promotes=True), "trained"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_starts(labels, asked, words):
    with pytest.raises(Refused, match=words):
        start_pipeline(labels, asked)
    assert not Version.objects.filter(project=labels).exists()


# ── failing, and going on ─────────────────────────────────────────────────────────────────────────────────


def test_labels_that_cannot_be_trained_on_fail_at_the_training_with_the_sentence(add_faces, project, work):
    for photo in range(10):
        add_faces(f"Ana-{photo}", ((0, photo), "Ana"))
    pipeline = start_pipeline(project, QUICK)
    work(project)
    failed = fresh(pipeline)
    assert (failed.state, failed.step) == (PipelineState.FAILED, Step.TRAIN)
    assert "at least 2" in failed.message and failed.finished_at
    assert failed.version.state == VersionState.READY, "The version is there all the same."
    with pytest.raises(Refused, match="at least 2"):
        go_on(failed)
    assert fresh(pipeline).state == PipelineState.FAILED


def test_a_job_that_fails_fails_the_pipeline_at_its_step_and_says_why(labels, work_off):
    pipeline = start_pipeline(labels, QUICK)
    work_off(labels, "freeze")
    break_job(pipeline)
    failed = fresh(pipeline)
    assert (failed.state, failed.step, failed.message) == (PipelineState.FAILED, Step.TRAIN, "The disk is full.")


@pytest.mark.parametrize("done_before", [0, 1, 2, 3])
def test_going_on_does_the_failed_step_again_and_none_before_it(labels, work, work_off, done_before):
    pipeline = start_pipeline(labels, QUICK)
    for kind in KINDS[:done_before]:
        work_off(labels, kind)
    failed_job = break_job(pipeline)
    before = fresh(pipeline)
    assert before.step == KINDS[done_before]
    go_on(pipeline)
    assert [job.kind for job in work(labels)] == list(KINDS[done_before:])
    after = fresh(pipeline)
    assert (after.state, after.message != before.message) == (PipelineState.DONE, True)
    assert after.job_id != failed_job.pk
    kept = {1: "version_id", 2: "training_id", 3: "evaluation_id"}
    for number, name in kept.items():
        assert (getattr(after, name) == getattr(before, name)) is (number <= done_before)


def test_going_on_with_what_did_not_stop_is_refused(labels, work):
    pipeline = start_pipeline(labels, QUICK)
    with pytest.raises(Refused, match="running"):
        go_on(pipeline)
    work(labels)
    with pytest.raises(Refused, match="done"):
        go_on(pipeline)


def test_nothing_goes_on_beside_another_pipeline(labels, work_off):
    first = start_pipeline(labels, QUICK)
    cancel(first)
    second = start_pipeline(labels, QUICK)
    with pytest.raises(UnderWay, match=f"Pipeline {second.pk}"):
        go_on(first)


def test_cancelling_stops_the_step_and_the_rest_and_keeps_what_was_done(labels, work, work_off):
    pipeline = start_pipeline(labels, QUICK)
    work_off(labels, "freeze")
    cancel(pipeline)
    stopped = fresh(pipeline)
    assert (stopped.state, stopped.step, stopped.job.state) == (PipelineState.CANCELLED, Step.TRAIN, State.CANCELLED)
    assert stopped.version.state == VersionState.READY and work(labels) == []
    go_on(stopped)
    work(labels)
    assert fresh(pipeline).state == PipelineState.DONE
    assert Version.objects.filter(project=labels).count() == 1


def test_cancelling_the_job_of_a_step_cancels_the_pipeline(labels):
    pipeline = start_pipeline(labels, QUICK)
    request_cancel(pipeline.job)
    assert fresh(pipeline).state == PipelineState.CANCELLED


def test_what_nobody_was_told_of_is_noticed_by_the_sweeper(labels):
    pipeline = start_pipeline(labels, QUICK)
    Job.objects.filter(pk=pipeline.job_id).update(state=State.ERRORED, message="Stopped.", finished_at="2026-01-01T00Z")
    assert fresh(pipeline).state == PipelineState.RUNNING
    settle_stopped()
    assert (fresh(pipeline).state, fresh(pipeline).message) == (PipelineState.FAILED, "Stopped.")


def test_a_gate_that_is_asked_for_twice_answers_once(labels, work, work_off):
    pipeline = start_pipeline(labels, AND_PROMOTE)
    for kind in KINDS[:3]:
        work_off(labels, kind)
    Job.objects.create(kind="gate", title="again", project_id=labels.pk, params={"pipeline": pipeline.pk})
    ended = work(labels)
    assert [job.state for job in ended] == [State.DONE] * 2
    assert PromotionEvent.objects.filter(project=labels).count() <= 1
    assert fresh(pipeline).state == PipelineState.DONE


def test_runs_outside_of_a_pipeline_start_no_gate(labels, work, freeze_now):
    start_training(freeze_now(labels), params=TrainParams(epochs=2))
    assert [job.kind for job in work(labels)] == ["train", "evaluate"]
    assert Model.objects.filter(project=labels).count() == 1 and not Pipeline.objects.exists()
    assert Face.objects.filter(project=labels).exists()
