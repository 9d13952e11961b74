"""A worker is killed in the middle of a training: the next one goes on from the checkpoint, to the same bits."""

import signal

import pytest

from jobs.models import Job, State
from labelling import fsck, storage
from recognition.models import Run, RunState
from recognition.runs import TrainParams, start_training
from tests.plain_worker import workers
from tests.together import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
HARD = 4.0
LONG = {"epochs": 120, "options": {"patience": 1000, "learning_rate": 0.003}}


@pytest.fixture
def start_worker(transactional_db, tmp_path):
    with workers("tests.recognition.training_jobs", tmp_path, lease_s=2) as start:
        yield start


@pytest.fixture
def version(add_faces, project, freeze_now):
    for person, name in enumerate(("Ana", "Ben", "Cem", "Dee")):
        for photo in range(14):
            add_faces(f"{name}-{photo}", ((person, photo), name), spread=HARD)
    return freeze_now(project)


def ended(run: Run) -> Run:
    wait_until(lambda: not Job.objects.get(pk=run.job_id).is_active, f"{run} ends", 120)
    run.refresh_from_db()
    assert Job.objects.get(pk=run.job_id).state == State.DONE and run.state == RunState.DONE, run.message
    return run


def kill_in_the_middle(worker, run: Run) -> int:
    """Returns the epoch of the checkpoint that was left."""

    def stands() -> int:
        return Run.objects.values_list("checkpoint", flat=True).get(pk=run.pk).get("epoch", 0)

    wait_until(lambda: stands() >= 3, f"{run} is under way", 120)
    worker.send_signal(signal.SIGKILL)
    worker.wait(10)
    assert stands() < LONG["epochs"], "It had ended, so nothing was tested."
    return stands()


def left_behind(run: Run) -> list[str]:
    return [one.key for one in storage.listed(f"{storage.project_prefix(run.project_id)}runs/")]


@pytest.mark.parametrize("recipe", ["arcface_head", "triplet_head"])
def test_a_killed_training_goes_on_and_ends_as_if_nothing_had_happened(start_worker, version, recipe):
    asked = TrainParams(recipe=recipe, **LONG)
    worker = start_worker()
    whole = ended(start_training(version, params=asked))
    cut = start_training(version, params=asked)
    epoch = kill_in_the_middle(worker, cut)
    assert len(left_behind(cut)) in (1, 2)
    assert not [found for found in fsck.check(version.project) if "runs/" in str(found)]
    start_worker()
    ended(cut)
    job = Job.objects.get(pk=cut.job_id)
    assert job.fence > 1 and f"Going on after epoch {epoch}," in job.log
    assert cut.model.artifact_sha256 == whole.model.artifact_sha256
    assert (cut.metrics, cut.curves) == (whole.metrics, whole.curves)
    assert len(cut.preflight) == 10 and all(check["passed"] for check in cut.preflight)
    reports = [ended(run.children.get()) for run in (whole, cut)]
    assert reports[0].metrics == reports[1].metrics
    assert cut.checkpoint == {} and left_behind(cut) == []


def test_a_killed_search_goes_on_to_the_same_trials_and_the_same_model(start_worker, version):
    asked = TrainParams(epochs=8, trials=6, then_evaluate=False, options={"patience": 1000})
    worker = start_worker()
    whole = ended(start_training(version, params=asked))
    cut = start_training(version, params=asked)
    wait_until(lambda: len(Run.objects.get(pk=cut.pk).trials) >= 2, "two trials ended", 120)
    worker.send_signal(signal.SIGKILL)
    worker.wait(10)
    before = Run.objects.get(pk=cut.pk).trials
    assert len(before) < 6, "It had ended, so nothing was tested."
    start_worker()
    ended(cut)
    assert Job.objects.get(pk=cut.job_id).fence > 1
    assert cut.trials == whole.trials and cut.trials[: len(before)] == before
    assert cut.model.artifact_sha256 == whole.model.artifact_sha256
    assert (cut.metrics, cut.curves) == (whole.metrics, whole.curves)
    assert left_behind(cut) == []
