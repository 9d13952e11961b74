"""A job's life inside one worker: claimed by one, committed in chunks, ended once."""

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from jobs import work as working
from jobs.enqueue import enqueue
from jobs.errors import Cancelled, JobFailed, LostLease, TryLater
from jobs.models import MAX_ATTEMPTS, MAX_SETBACKS, Job, State
from jobs.signals import job_stopped
from jobs.steer import request_cancel
from jobs.work import claim, handles, perform
from labelling.models import Project
from tests.together import together, wait_until


@pytest.fixture
def doing(monkeypatch):
    """Make the function what jobs of kind “test” do, for this test only."""
    monkeypatch.setattr(working, "_handlers", dict(working._handlers))
    return handles("test")


@pytest.fixture
def stopped():
    """The states of jobs that were announced as stopped."""
    heard: list[str] = []

    def hear(job, **kwargs):
        heard.append(job.state)

    job_stopped.connect(hear)
    yield heard
    job_stopped.disconnect(hear)


def make_job(**fields) -> Job:
    return Job.objects.create(**{"kind": "test", "title": "A test", **fields})


def taken_over(job_id: int) -> None:
    """As if this worker had been silent, and another had claimed the job since."""
    Job.objects.filter(pk=job_id).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert claim(job_id) is not None


def rows() -> list[str]:
    return sorted(Project.objects.filter(slug__startswith="row-").values_list("slug", flat=True))


def add_row(number: int) -> None:
    Project.objects.create(slug=f"row-{number}", name="row")


@pytest.mark.django_db(transaction=True)
def test_a_job_is_claimed_by_one_of_many_workers_at_once():
    job = make_job()
    claims = together(*[lambda: claim(job.pk)] * 6)
    winners = [work for work in claims if work is not None]
    assert len(winners) == 1
    job.refresh_from_db()
    assert (job.state, job.fence, job.attempt) == (State.RUNNING, 1, 1)
    assert job.worker == winners[0].job.worker


@pytest.mark.django_db(transaction=True)
def test_a_lapsed_job_is_taken_over_by_one_of_many_workers_at_once():
    job = make_job(state=State.RUNNING, lease_until=timezone.now() - timedelta(seconds=1), attempt=1, fence=1)
    claims = together(*[lambda: claim(job.pk)] * 6)
    assert sum(work is not None for work in claims) == 1
    job.refresh_from_db()
    assert job.fence == 2


def test_a_running_job_is_not_claimed_again(db):
    job = make_job()
    assert claim(job.pk) is not None
    assert claim(job.pk) is None


@pytest.mark.parametrize("state", [State.DONE, State.FAILED, State.ERRORED, State.CANCELLED])
def test_a_job_that_has_ended_is_not_done_again(db, doing, state):
    runs = []
    doing(lambda work: runs.append(1))
    job = make_job(state=state)
    perform(job.pk)
    job.refresh_from_db()
    assert (runs, job.state, job.fence) == ([], state, 0)


def test_a_doubled_message_does_nothing(db, doing):
    runs = []

    @doing
    def twice_woken(work):
        runs.append(1)
        perform(work.job.pk)  # the second message comes while the first is being worked on

    job = make_job()
    perform(job.pk)
    perform(job.pk)  # and the third when all is done
    job.refresh_from_db()
    assert (runs, job.state, job.fence) == ([1], State.DONE, 1)


def test_a_message_about_no_job_does_nothing(db):
    perform(987_654_321)
    assert not Job.objects.exists()


def test_the_answer_of_the_work_becomes_the_result(db, doing):
    doing(lambda work: {"faces": 7})
    job = make_job()
    perform(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result, job.lease_until) == (State.DONE, {"faces": 7}, None)
    assert job.finished_at is not None


def test_a_chunk_and_its_progress_are_kept_or_lost_together(db, doing):
    @doing
    def three_rows_then_trouble(work):
        work.progress(total=3)
        for number in range(3):
            with work.chunk():
                add_row(number)
                if number == 2:
                    raise JobFailed("The third row is bad.")

    job = make_job()
    perform(job.pk)
    job.refresh_from_db()
    assert rows() == ["row-0", "row-1"]
    assert (job.state, job.done, job.total, job.message) == (State.FAILED, 2, 3, "The third row is bad.")


@pytest.mark.django_db(transaction=True)
def test_others_see_a_chunk_as_soon_as_it_is_done(doing):
    seen = []

    @doing
    def two_rows(work):
        for number in range(2):
            with work.chunk():
                add_row(number)
            seen.append(together(lambda: (rows(), Job.objects.get(pk=work.job.pk).done))[0])

    perform(make_job().pk)
    assert seen == [(["row-0"], 1), (["row-0", "row-1"], 2)]


def test_a_worker_that_was_overtaken_cannot_write(db):
    work = claim(make_job().pk)
    taken_over(work.job.pk)
    with pytest.raises(LostLease), work.chunk():
        add_row(1)
    with pytest.raises(LostLease):
        work.progress(done=5)
    with pytest.raises(LostLease):
        work.check()
    work.log("late")
    assert work.end(State.DONE) is False
    job = Job.objects.get(pk=work.job.pk)
    assert (job.state, job.done, job.log, rows()) == (State.RUNNING, 0, "", [])


def test_an_overtaken_worker_leaves_the_ending_to_the_new_one(db, doing, stopped, django_capture_on_commit_callbacks):
    @doing
    def overtaken(work):
        taken_over(work.job.pk)
        raise JobFailed("This must not be written over the other worker's claim.")

    job = make_job()
    with django_capture_on_commit_callbacks(execute=True):
        perform(job.pk)
    job.refresh_from_db()
    assert (job.state, job.fence, job.message, stopped) == (State.RUNNING, 2, "", [])


@pytest.mark.django_db(transaction=True)
def test_while_a_chunk_is_open_nobody_takes_the_job_over():
    """Its lease may lapse in the middle, but the row is locked, and the commit renews the lease."""
    work = claim(make_job().pk)
    Job.objects.filter(pk=work.job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    is_open = threading.Event()

    def long_chunk():
        with work.chunk():
            is_open.set()
            wait_until(somebody_waits_for_a_lock, "the other worker asks for the row")
            add_row(1)

    def other_worker():
        is_open.wait(10)
        return claim(work.job.pk)

    failure, other = together(long_chunk, other_worker)
    assert (failure, other, rows()) == (None, None, ["row-1"])
    assert work.end(State.DONE)


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_the_lease_is_renewed_while_the_work_goes_on(doing, monkeypatch):
    monkeypatch.setattr(working, "LEASE", timedelta(seconds=0.4))

    @doing
    def patient(work):
        lease = work.job.lease_until
        wait_until(lambda: Job.objects.get(pk=work.job.pk).lease_until > lease + timedelta(seconds=0.2), "a renewal")

    job = make_job()
    perform(job.pk)
    job.refresh_from_db()
    assert (job.state, job.fence) == (State.DONE, 1)


def test_a_total_never_falls_behind_what_is_done(db):
    work = claim(make_job(done=5).pk)
    work.progress(total=3)
    with work.chunk(4):
        pass
    job = Job.objects.get(pk=work.job.pk)
    assert (job.done, job.total) == (9, 9)
    work.progress(done=12)
    assert Job.objects.get(pk=job.pk).total == 12


def test_an_unknown_total_stays_unknown(db):
    work = claim(make_job().pk)
    with work.chunk(4):
        pass
    work.progress(done=6, message="Reading")
    job = Job.objects.get(pk=work.job.pk)
    assert (job.done, job.total, job.percent, job.message) == (6, 0, None, "Reading")


def test_a_cancelled_waiting_job_ends_at_once(db, doing, stopped, django_capture_on_commit_callbacks):
    runs = []
    doing(lambda work: runs.append(1))
    job = make_job()
    with django_capture_on_commit_callbacks(execute=True):
        request_cancel(job)
    perform(job.pk)
    job.refresh_from_db()
    assert (job.state, runs, stopped) == (State.CANCELLED, [], [State.CANCELLED])
    assert job.finished_at is not None


def test_a_cancelled_running_job_stops_before_its_next_chunk(db, doing, stopped, django_capture_on_commit_callbacks):
    @doing
    def cancelled_in_the_middle(work):
        for number in range(5):
            with work.chunk():
                add_row(number)
            if number == 1:
                request_cancel(Job.objects.get(pk=work.job.pk))

    job = make_job()
    with django_capture_on_commit_callbacks(execute=True):
        perform(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, rows()) == (State.CANCELLED, 2, ["row-0", "row-1"])
    assert stopped == [State.CANCELLED]


def test_a_progress_report_also_notices_the_cancelling(db):
    work = claim(make_job().pk)
    request_cancel(work.job)
    with pytest.raises(Cancelled):
        work.progress(message="Still busy")


def test_cancelling_a_finished_job_changes_nothing(db, doing):
    doing(lambda work: {"kept": True})
    job = make_job()
    perform(job.pk)
    request_cancel(job)
    job.refresh_from_db()
    assert (job.state, job.cancel_requested, job.result) == (State.DONE, False, {"kept": True})


def due_now(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(not_before=timezone.now() - timedelta(seconds=1))


def test_what_is_away_is_tried_again_after_a_growing_pause_and_given_up_in_the_end(db, doing):
    @doing
    def store_is_away(work):
        raise TryLater("The object store does not answer.")

    job = make_job()
    pauses = []
    for _ in range(MAX_SETBACKS):
        before = timezone.now()
        perform(job.pk)
        job.refresh_from_db()
        assert (job.state, job.attempt, job.lease_until) == (State.QUEUED, 0, None)
        pauses.append(round((job.not_before - before).total_seconds()))
        assert claim(job.pk) is None  # not before its time
        due_now(job)
    assert pauses == sorted(pauses) and pauses[0] < pauses[-1] <= 60
    perform(job.pk)
    job.refresh_from_db()
    assert job.state == State.FAILED
    assert job.message.startswith("The object store does not answer.")


def test_a_job_that_gets_on_between_setbacks_is_never_given_up(db, doing):
    rounds = MAX_SETBACKS + 3

    @doing
    def one_chunk_then_away(work):
        with work.chunk():
            pass
        if work.job.done + 1 < rounds:
            raise TryLater("Away.")

    job = make_job()
    for _ in range(rounds):
        perform(job.pk)
        due_now(job)
    job.refresh_from_db()
    assert (job.state, job.done) == (State.DONE, rounds)


def test_a_setback_of_a_job_that_was_to_stop_anyway_ends_it(db, doing):
    @doing
    def away(work):
        request_cancel(work.job)
        raise TryLater("Away.")

    job = make_job()
    perform(job.pk)
    job.refresh_from_db()
    assert (job.state, job.lease_until) == (State.CANCELLED, None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", [OperationalError("gone"), ConnectionError("gone")])
def test_a_broken_connection_is_a_setback_not_a_fault(doing, fault):
    @doing
    def breaks(work):
        raise fault

    job = make_job()
    perform(job.pk)
    job.refresh_from_db()
    assert (job.state, job.setbacks, job.attempt) == (State.QUEUED, 1, 0)


def test_a_bug_ends_the_job_as_broken_and_says_nothing_of_its_inside(db, doing, stopped, caplog,
                                                                    django_capture_on_commit_callbacks):  # fmt: skip
    @doing
    def buggy(work):
        with work.chunk():
            add_row(1)
            raise ZeroDivisionError("secret inside")

    job = make_job()
    with django_capture_on_commit_callbacks(execute=True):
        perform(job.pk)
    job.refresh_from_db()
    assert (job.state, rows(), stopped) == (State.ERRORED, [], [State.ERRORED])
    assert "secret" not in job.message
    assert "secret inside" in caplog.text


def test_a_kind_nobody_knows_fails_with_a_sentence(db):
    job = make_job(kind="never heard of")
    perform(job.pk)
    job.refresh_from_db()
    assert (job.state, "never heard of" in job.message) == (State.FAILED, True)


def test_only_committed_chunks_give_new_attempts(db):
    """Telling of a start before dying would otherwise keep a poisonous job alive for ever."""
    job = make_job()
    for attempt in range(1, MAX_ATTEMPTS + 1):
        work = claim(job.pk)
        work.progress(done=0, total=4, message="Starting")
        work.progress(done=1)
        assert Job.objects.get(pk=job.pk).attempt == attempt
        Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert claim(job.pk) is None


def test_a_committed_chunk_gives_new_attempts(db):
    job = make_job(attempt=MAX_ATTEMPTS - 1)
    work = claim(job.pk)
    assert work.job.attempt == MAX_ATTEMPTS
    with work.chunk():
        pass
    assert Job.objects.get(pk=job.pk).attempt == 1


def test_the_log_keeps_its_last_lines(db):
    work = claim(make_job().pk)
    for number in range(600):
        work.log(f"line {number} " + "x" * 20)
    log = Job.objects.get(pk=work.job.pk).log
    assert log.endswith(f"line 599 {'x' * 20}\n")
    assert "line 0 " not in log and len(log) <= working.LOG_TAIL


def test_enqueue_inside_a_rolled_back_change_leaves_no_job(db):
    with pytest.raises(RuntimeError), transaction.atomic():
        enqueue("test", title="Never")
        raise RuntimeError
    assert not Job.objects.exists()
