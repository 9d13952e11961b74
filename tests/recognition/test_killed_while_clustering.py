"""A worker is killed while it puts faces together or suggests names: what is shown is always whole."""

import signal
import subprocess
from contextlib import contextmanager

import pytest
from django.db import connection

from jobs.enqueue import enqueue
from jobs.models import Job, Queue, State
from labelling.clusters import newest_run
from labelling.models import ClusterFace, ClusterRun, Event, Face, Suggestion
from tests.plain_worker import workers
from tests.together import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def start_worker(transactional_db, tmp_path):
    with workers("tests.recognition.sorting_jobs", tmp_path, lease_s=2) as start:
        yield start


@pytest.fixture
def people(add_faces):
    """Ann is named in two of six photos; four of somebody nobody knows."""
    for number in range(6):
        add_faces(f"ann {number}", ((1, number), "Ann" if number < 2 else None))
    for number in range(4):
        add_faces(f"new {number}", ((3, number), None))


def ask(project, kind: str) -> Job:
    return enqueue(kind, title=kind, project_id=project.pk, queue=Queue.BULK)


def ended(job: Job) -> Job:
    wait_until(lambda: not Job.objects.get(pk=job.pk).is_active, f"{job} ends", 60)
    job.refresh_from_db()
    assert job.state == State.DONE, job.message
    return job


@contextmanager
def nobody_may_write(table: str):
    """Who writes to `table` has to wait, for the length of a `with` block. Gives what tells whether somebody does."""
    other = connection.copy()
    other.set_autocommit(False)
    try:
        with other.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN SHARE MODE")
        yield lambda: _is_waited_for(table)
    finally:
        other.rollback()
        other.close()


def _is_waited_for(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted", [table])
        return cursor.fetchone()[0] > 0


def kill_in_the_middle(worker: subprocess.Popen, job: Job, is_waited_for) -> None:
    wait_until(is_waited_for, f"{job} has begun to write", 60)
    worker.send_signal(signal.SIGKILL)
    worker.wait(10)


def words_of_people() -> tuple[list, int]:
    fields = ("id", "x", "y", "w", "h", "state", "who", "identity", "version")
    return list(Face.objects.order_by("id").values_list(*fields)), Event.objects.count()


def test_a_clustering_whose_worker_is_killed_is_made_once_by_another(start_worker, people, project):
    worker = start_worker()
    ended(ask(project, "cluster"))
    said = words_of_people()
    with nobody_may_write("labelling_clusterface") as is_waited_for:
        job = ask(project, "cluster")
        kill_in_the_middle(worker, job, is_waited_for)
        assert newest_run(project).number == 1  # half of the second was written; nobody sees it
        assert ClusterRun.objects.count() == 1
    start_worker()
    assert ended(job).fence > 1, "Nobody took it over, so nothing was tested."
    assert list(ClusterRun.objects.order_by("number").values_list("number", "faces")) == [(1, 8), (2, 8)]
    assert newest_run(project).number == 2 and newest_run(project).finished_at
    gathered = ClusterFace.objects.filter(cluster__run=newest_run(project)).order_by("face_id")
    waiting = Face.objects.waiting().order_by("pk")
    assert list(gathered.values_list("face_id", flat=True)) == list(waiting.values_list("pk", flat=True))
    assert words_of_people() == said


def test_suggestions_whose_worker_is_killed_are_made_once_by_another(start_worker, people, project):
    said = words_of_people()
    with nobody_may_write("labelling_suggestion") as is_waited_for:
        job = ask(project, "suggest")
        kill_in_the_middle(start_worker(), job, is_waited_for)
        assert not Suggestion.objects.exists()
    start_worker()
    assert ended(job).fence > 1, "Nobody took it over, so nothing was tested."
    anns = Face.objects.waiting().filter(image__name__startswith="ann").order_by("pk")
    first = Suggestion.objects.filter(rank=1, face__in=anns).order_by("face_id")
    assert list(first.values_list("face_id", "identity__name")) == [(face.pk, "Ann") for face in anns]
    assert words_of_people() == said
