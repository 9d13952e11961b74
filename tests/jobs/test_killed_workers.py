"""Real Celery workers are killed in the middle of a job, and nothing is lost or done twice."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection

from config.celery import app
from jobs.enqueue import enqueue
from jobs.models import MAX_ATTEMPTS, Job, State
from jobs.steer import request_cancel, request_pause, resume
from jobs.sweep import sweep
from labelling.models import Event, Project
from tests.together import wait_until

REPO = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "tests.jobs.worker_settings",
    "FACET_JOB_LEASE_S": "2",
    "PYTHONPATH": str(REPO),
}
CHUNKS = 60
pytestmark = pytest.mark.django_db(transaction=True)


class Crew:
    """Workers of their own process groups, on the database of this test run."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._workers: list[subprocess.Popen] = []

    def bring_to(self, size: int) -> None:
        """Let that many workers run, and wait until all of them take messages."""
        self._workers = [worker for worker in self._workers if worker.poll() is None]
        while len(self._workers) < size:
            self._workers.append(self._start())
        wait_until(lambda: all(map(self._is_ready, self._workers)), f"workers get ready\n{self.logs()}", 60)

    def _start(self) -> subprocess.Popen:
        name = f"worker-{len(list(self._folder.iterdir()))}"
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + connection.settings_dict["NAME"])
        command = [
            sys.executable, "-m", "celery", "-A", "config", "worker", "-Q", "bulk", "-c", "1", "-P", "prefork",
            "--include", "tests.jobs.kinds", "-n", f"{name}@%h", "--loglevel", "info",
            "--without-gossip", "--without-mingle",
        ]  # fmt: skip
        with open(self._folder / f"{name}.log", "wb") as log:
            worker = subprocess.Popen(
                command, cwd=REPO, env=os.environ | {"DATABASE_URL": url.geturl(), **ENVIRONMENT},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        worker.log = self._folder / f"{name}.log"
        return worker

    def _is_ready(self, worker: subprocess.Popen) -> bool:
        assert worker.poll() is None, f"A worker ended by itself.\n{self.logs()}"
        return b" ready." in worker.log.read_bytes()

    def kill_group_of(self, process: int) -> None:
        """SIGKILL to the worker that `process` belongs to, and to all of its children, at once."""
        group = os.getpgid(process)
        worker = next(worker for worker in self._workers if worker.pid == group)
        os.killpg(group, signal.SIGKILL)
        worker.wait(10)

    def logs(self) -> str:
        return "\n".join(path.read_text()[-2000:] for path in sorted(self._folder.iterdir()))

    def end(self) -> None:
        for worker in self._workers:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait(10)


@pytest.fixture(scope="module")
def crew(tmp_path_factory, django_db_setup):
    app.control.purge()  # messages of earlier tests
    crew = Crew(tmp_path_factory.mktemp("workers"))
    try:
        yield crew
    finally:
        crew.end()


@pytest.fixture
def two_workers(crew):
    crew.bring_to(2)
    return crew


def write_numbers(chunks: int = CHUNKS) -> Job:
    project = Project.objects.create(slug=f"numbers-{chunks}", name="Numbers")
    return enqueue("test.numbered", title="Write numbers", project_id=project.pk, params={"chunks": chunks})


def numbers(job: Job) -> list[int]:
    rows = Event.objects.filter(project_id=job.project_id)
    return sorted(rows.values_list("after__number", flat=True))


def in_the_middle(job: Job) -> int:
    """Wait until some chunks are committed; the number of the process that writes them."""
    wait_until(lambda: len(numbers(job)) >= 5, f"{job} gets going")
    job.refresh_from_db()
    assert job.state == State.RUNNING and job.done < CHUNKS, "It is too late to kill anything."
    return int(job.worker.split(":")[1])


def ended(job: Job, crew: Crew) -> Job:
    wait_until(lambda: not Job.objects.get(pk=job.pk).is_active, f"{job} ends\n{crew.logs()}", 60)
    job.refresh_from_db()
    return job


def assert_done_exactly_once(job: Job) -> None:
    assert (job.state, job.done, job.total) == (State.DONE, CHUNKS, CHUNKS), job.message
    assert numbers(job) == list(range(CHUNKS))
    assert job.fence > 1, "Nobody took it over, so nothing was tested."


def test_a_job_outlives_the_process_that_does_it(two_workers):
    job = write_numbers()
    os.kill(in_the_middle(job), signal.SIGKILL)
    assert_done_exactly_once(ended(job, two_workers))


def test_a_job_that_kills_each_process_is_stopped_and_the_workers_go_on(two_workers):
    poison = enqueue("test.poison", title="Open a file that crashes")
    wait_until(lambda: sweep() is not None and not Job.objects.get(pk=poison.pk).is_active, "it is stopped", 60)
    poison.refresh_from_db()
    assert (poison.state, poison.fence) == (State.ERRORED, MAX_ATTEMPTS)
    assert ended(write_numbers(1), two_workers).state == State.DONE


def test_a_running_job_is_stopped_by_cancelling(two_workers):
    job = write_numbers()
    in_the_middle(job)
    request_cancel(job)
    job = ended(job, two_workers)
    assert job.state == State.CANCELLED
    assert numbers(job) == list(range(job.done)) and job.done < CHUNKS


def test_another_worker_finishes_what_a_killed_one_began(two_workers):
    job = write_numbers()
    two_workers.kill_group_of(in_the_middle(job))
    assert_done_exactly_once(ended(job, two_workers))


def test_a_job_is_paused_and_resumed_under_way(two_workers):
    job = write_numbers()
    in_the_middle(job)
    request_pause(job)
    wait_until(lambda: Job.objects.get(pk=job.pk).state == State.PAUSED, "it rests", 30)
    job.refresh_from_db()
    assert numbers(job) == list(range(job.done)) and job.done < CHUNKS
    resume(job)
    assert_done_exactly_once(ended(job, two_workers))
