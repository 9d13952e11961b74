"""Asking for work: once per key, harmless without a broker."""

import threading

import pytest
from django.db import connection, transaction
from kombu import Connection

from jobs.enqueue import enqueue, enqueue_unless_waiting, wake
from jobs.models import Job, Queue, State
from jobs.sweep import sweep
from jobs.tasks import run_job
from jobs.work import claim
from tests.together import PATIENCE_S, together, wait_until


@pytest.fixture
def sent(monkeypatch):
    """(job id, queue) of each message sent, instead of sending it."""
    messages: list[tuple[int, str]] = []
    monkeypatch.setattr(run_job, "apply_async", lambda args, queue, **options: messages.append((*args, queue)))
    return messages


@pytest.fixture
def broker_away(monkeypatch):
    """Send through a connection to a port where nothing listens."""
    really_send = run_job.apply_async
    nowhere = Connection("redis://127.0.0.1:1/0", transport_options={"max_retries": 0})

    def send(*args, **options):
        return really_send(*args, connection=nowhere, **options)

    monkeypatch.setattr(run_job, "apply_async", send)
    return monkeypatch


def test_a_worker_is_woken_once_the_job_is_committed(db, sent, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        job = enqueue("test", title="A test", queue=Queue.INTERACTIVE)
        assert sent == []
    for callback in callbacks:
        callback()
    assert sent == [(job.pk, "interactive")]
    job.refresh_from_db()
    assert job.woken_at is not None


def test_asking_twice_with_one_key_makes_one_job(db, sent, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        first = enqueue("test", title="A test", key="freeze 1")
        again = enqueue("test", title="A test", key="freeze 1")
        other = enqueue("test", title="A test", key="freeze 2")
    assert first.pk == again.pk != other.pk
    assert sent == [(first.pk, "bulk"), (other.pk, "bulk")]


def test_a_key_stands_for_its_job_even_when_that_has_ended(db):
    first = enqueue("test", title="A test", key="once")
    Job.objects.filter(pk=first.pk).update(state=State.DONE)
    assert enqueue("test", title="A test", key="once").pk == first.pk


@pytest.mark.django_db(transaction=True)
def test_asking_with_one_key_from_many_requests_at_once_makes_one_job(sent):
    jobs = together(*[lambda: enqueue("test", title="A test", key="same").pk] * 6)
    assert len(set(jobs)) == 1 and isinstance(jobs[0], int)
    assert [job_id for job_id, _ in sent] == [jobs[0]]


def test_one_waiting_job_is_enough(db):
    first = enqueue_unless_waiting("test", project_id=1, title="A test")
    assert enqueue_unless_waiting("test", project_id=1, title="A test").pk == first.pk
    assert enqueue_unless_waiting("test", project_id=2, title="A test").pk != first.pk
    assert enqueue_unless_waiting("other", project_id=1, title="A test").pk != first.pk
    assert enqueue_unless_waiting("test", project_id=1, title="A test", params={"deep": True}).pk != first.pk


def test_a_running_job_does_not_count_as_waiting(db):
    first = enqueue_unless_waiting("test", project_id=1, title="A test")
    Job.objects.filter(pk=first.pk).update(state=State.RUNNING, lease_until="2100-01-01T00:00Z")
    assert enqueue_unless_waiting("test", project_id=1, title="A test").pk != first.pk


@pytest.mark.django_db(transaction=True)
def test_a_waiting_job_is_begun_no_sooner_than_the_new_work_for_it_is_there(sent):
    job = enqueue_unless_waiting("test", project_id=1, title="A test")
    asked, happened = threading.Event(), []

    def add_work():
        with transaction.atomic():
            assert enqueue_unless_waiting("test", project_id=1, title="A test").pk == job.pk
            asked.set()
            wait_until(_somebody_waits_for_a_row, "the worker waits for the job")
            happened.append("work added")

    def begin():
        assert asked.wait(PATIENCE_S)
        assert claim(job.pk)
        happened.append("begun")

    assert together(add_work, begin) == [None, None]
    assert happened == ["work added", "begun"]


@pytest.mark.django_db(transaction=True)
def test_a_job_that_is_just_being_begun_is_not_waited_for(sent):
    job = enqueue_unless_waiting("test", project_id=1, title="A test")
    with transaction.atomic():
        assert claim(job.pk)
        (other,) = together(lambda: enqueue_unless_waiting("test", project_id=1, title="A test").pk)
    assert isinstance(other, int) and other != job.pk


def _somebody_waits_for_a_row() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0


def test_a_broker_that_is_away_costs_nothing_but_time(db, broker_away, caplog, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        job = enqueue("test", title="A test")
    job.refresh_from_db()
    assert (job.state, job.woken_at) == (State.QUEUED, None)
    assert "broker is away" in caplog.text
    broker_away.undo()  # it is back, and the next round of any sweeper sends the message
    sweep()
    job.refresh_from_db()
    assert job.woken_at is not None


def test_waking_reaches_the_real_broker(db):
    job = Job.objects.create(kind="test", title="A test")
    wake(job)
    job.refresh_from_db()
    assert job.woken_at is not None
