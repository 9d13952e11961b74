"""A worker is killed in each step of a pipeline: the next one goes on, and every step is done once.

FACET_KILLS says how often each is tried, at moments drawn anew.
"""

import os
import random
import signal
import time

import pytest

from datasets.models import Version, VersionState
from jobs.models import Job, State
from recognition.models import Model, Pipeline, PipelineState, PromotionEvent, Run, RunKind, Step
from recognition.pipelines import Asked, start_pipeline
from recognition.runs import TrainParams
from tests.plain_worker import workers
from tests.together import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
KILLS = int(os.environ.get("FACET_KILLS", "1"))
ASKED = Asked(params=TrainParams(epochs=25, options={"patience": 1000}), promotes=True)


@pytest.fixture
def start_worker(transactional_db, tmp_path):
    with workers("tests.recognition.pipeline_jobs", tmp_path, lease_s=1.5) as start:
        yield start


@pytest.fixture
def labels(add_faces, project):
    project.stored_settings = {"gate_max_fall": 1.0}
    project.save()
    for person, name in enumerate(("Ana", "Ben", "Cem")):
        for photo in range(14):
            add_faces(f"{name}-{photo}", ((person, photo), name), spread=4.0)
    return project


def begun(pipeline: Pipeline, step: Step) -> bool:
    """A worker has that step, or it is over already."""
    row = Pipeline.objects.select_related("job").get(pk=pipeline.pk)
    order = list(Step)
    is_later = order.index(Step(row.step)) > order.index(step) or row.state != PipelineState.RUNNING
    return is_later or (row.step == step and row.job.state == State.RUNNING)


def kill_in_each_step(start_worker, pipeline: Pipeline) -> None:
    for step in (Step.FREEZE, Step.TRAIN, Step.EVALUATE, Step.GATE):
        worker = start_worker()
        wait_until(lambda step=step: begun(pipeline, step), f"{step} has begun", 120)
        time.sleep(random.uniform(0, 0.15))
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)


def ended(pipeline: Pipeline) -> Pipeline:
    wait_until(lambda: Pipeline.objects.get(pk=pipeline.pk).state != PipelineState.RUNNING, f"{pipeline} ends", 120)
    return Pipeline.objects.get(pk=pipeline.pk)


def test_a_pipeline_whose_worker_is_killed_in_every_step_ends_as_if_nothing_had_happened(start_worker, labels):
    for number in range(1, KILLS + 1):
        pipeline = start_pipeline(labels, ASKED)
        kill_in_each_step(start_worker, pipeline)
        start_worker()
        done = ended(pipeline)
        assert (done.state, done.step) == (PipelineState.DONE, Step.GATE), done.message
        assert done.verdict["passed"] and done.promoted
        states = Version.objects.filter(project=labels).values_list("state", flat=True)
        assert list(states) == [VersionState.READY] * number
        assert Model.objects.filter(project=labels).count() == number
        assert Run.objects.filter(project=labels, kind=RunKind.TRAIN).count() == number
        assert PromotionEvent.objects.filter(project=labels).count() == number
        assert Job.objects.filter(project_id=labels.pk, kind="gate", state=State.DONE).count() == number
    steps = Job.objects.filter(project_id=labels.pk, kind__in=("freeze", "train", "evaluate", "gate"))
    assert steps.filter(fence__gt=1).exists(), "No step was ever taken over, so nothing was tested."
