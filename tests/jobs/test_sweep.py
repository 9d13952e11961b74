"""The sweeper brings back what dead workers and lost messages left, and stops what kills its workers."""

import threading
from datetime import timedelta

import pytest
from django.db import InterfaceError
from django.utils import timezone

from jobs import sweep as sweeping
from jobs.models import MAX_ATTEMPTS, Job, State
from jobs.signals import job_stopped
from jobs.sweep import WAKE_AGAIN_AFTER, every_round, sweep, sweep_for_ever
from jobs.work import claim
from tests.together import together, wait_until


@pytest.fixture
def woken(monkeypatch):
    """Ids of the jobs that were woken, instead of waking them."""
    ids: list[int] = []

    def note(job):
        ids.append(job.pk)
        Job.objects.filter(pk=job.pk).update(woken_at=timezone.now())

    monkeypatch.setattr(sweeping, "wake", note)
    return ids


def ago(seconds: float):
    return timezone.now() - timedelta(seconds=seconds)


def make_job(**fields) -> Job:
    return Job.objects.create(**{"kind": "test", "title": "A test", **fields})


def lapsed(**fields) -> Job:
    return make_job(**{"state": State.RUNNING, "lease_until": ago(1), "attempt": 1, "fence": 1, **fields})


def test_a_job_whose_worker_died_waits_again_and_is_woken(db, woken):
    job = lapsed(done=3, total=9)
    assert sweep() == 1
    job.refresh_from_db()
    assert (job.state, job.lease_until, job.done) == (State.QUEUED, None, 3)
    assert woken == [job.pk]
    work = claim(job.pk)
    assert (work.job.fence, work.job.done) == (2, 3)


def test_a_job_with_a_live_lease_is_left_alone(db, woken):
    job = make_job(state=State.RUNNING, lease_until=timezone.now() + timedelta(seconds=60), attempt=1, fence=1)
    assert sweep() == 0
    job.refresh_from_db()
    assert (job.state, woken) == (State.RUNNING, [])


def test_a_job_that_keeps_killing_its_worker_is_stopped_after_three_attempts(
    db, woken, django_capture_on_commit_callbacks
):
    stopped = []

    def hear(job, **kwargs):
        stopped.append(job.pk)

    job_stopped.connect(hear)
    job = make_job()
    runs = 0
    with django_capture_on_commit_callbacks(execute=True):
        while claim(job.pk) is not None:
            runs += 1
            Job.objects.filter(pk=job.pk).update(lease_until=ago(1))
            sweep()
    job_stopped.disconnect(hear)
    job.refresh_from_db()
    assert (runs, job.state) == (MAX_ATTEMPTS, State.ERRORED)
    assert "3 times" in job.message and job.finished_at is not None
    assert stopped == [job.pk]


def test_a_job_that_was_to_stop_anyway_is_not_begun_again(db, woken):
    job = lapsed(cancel_requested=True, done=3)
    sweep()
    job.refresh_from_db()
    assert (job.state, job.done, woken) == (State.CANCELLED, 3, [])
    assert job.finished_at is not None


def test_a_lost_message_is_sent_again_but_not_all_the_time(db, woken):
    lost, fresh = make_job(), make_job(woken_at=timezone.now())
    old = make_job(woken_at=timezone.now() - 2 * WAKE_AGAIN_AFTER)
    sweep()
    assert sorted(woken) == [lost.pk, old.pk]
    sweep()
    assert fresh.pk not in woken and len(woken) == 2


def test_a_job_that_pauses_is_woken_when_its_time_has_come(db, woken):
    early = make_job(not_before=timezone.now() + timedelta(seconds=60))
    due = make_job(not_before=ago(1))
    sweep()
    assert woken == [due.pk]
    assert claim(early.pk) is None and claim(due.pk) is not None


@pytest.mark.django_db(transaction=True)
def test_two_sweepers_at_once_put_each_job_back_once(woken):
    jobs = [lapsed() for _ in range(10)]
    counts = together(sweep, sweep, sweep)
    assert sum(counts) == len(jobs)
    assert set(Job.objects.values_list("state", flat=True)) == {State.QUEUED}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", [InterfaceError("connection already closed"), RuntimeError("anything")])
def test_the_sweeper_outlives_a_round_that_fails(monkeypatch, fault):
    rounds = []

    def stumbling():
        rounds.append(1)
        raise fault

    monkeypatch.setattr(sweeping, "sweep", stumbling)
    monkeypatch.setattr(sweeping, "EVERY_S", 0.001)
    stop = threading.Event()
    thread = threading.Thread(target=sweep_for_ever, args=(stop,), daemon=True)
    thread.start()
    try:
        wait_until(lambda: len(rounds) > 1, "a second round")
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


@pytest.mark.django_db(transaction=True)
def test_each_round_does_what_layers_above_handed_in_and_a_fault_in_one_holds_up_no_other(monkeypatch):
    calls = []

    def broken():
        calls.append("broken")
        raise RuntimeError("anything")

    def fine():
        calls.append("fine")

    monkeypatch.setattr(sweeping, "_rounds", [])
    monkeypatch.setattr(sweeping, "EVERY_S", 0.001)
    for function in (broken, fine, fine):  # asked for twice, called once a round
        every_round(function)
    stop = threading.Event()
    thread = threading.Thread(target=sweep_for_ever, args=(stop,), daemon=True)
    thread.start()
    try:
        wait_until(lambda: len(calls) >= 4, "a second round")
    finally:
        stop.set()
        thread.join(10)
    assert calls[:4] == ["broken", "fine", "broken", "fine"]
