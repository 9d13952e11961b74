"""Pausing, resuming and retrying: what is done stays done, and no chunk is done twice."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from jobs import steer
from jobs import work as working
from jobs.enqueue import enqueue_unless_waiting
from jobs.errors import JobFailed, Paused, TryLater
from jobs.models import Job, Queue, State
from jobs.steer import request_cancel, request_pause, resume, retry
from jobs.sweep import sweep
from jobs.work import claim, handles, perform
from labelling.models import Project

CHUNKS = 5


@pytest.fixture
def doing(monkeypatch):
    monkeypatch.setattr(working, "_handlers", dict(working._handlers))
    return handles("test")


@pytest.fixture(autouse=True)
def woken(monkeypatch):
    ids: list[int] = []
    monkeypatch.setattr(steer, "wake", lambda job: ids.append(job.pk))
    return ids


def make_job(**fields) -> Job:
    return Job.objects.create(**{"kind": "test", "title": "A test", **fields})


def rows() -> list[str]:
    return sorted(Project.objects.filter(slug__startswith="row-").values_list("slug", flat=True))


def numbered(work, *, at=None, then=None):
    """A row for each number; `then` happens once, behind number `at`."""
    work.progress(total=CHUNKS)
    for number in range(work.job.done, CHUNKS):
        with work.chunk():
            Project.objects.create(slug=f"row-{number}", name="row")
        if number == at:
            then(Job.objects.get(pk=work.job.pk))


def test_a_paused_job_keeps_its_progress_and_goes_on_where_it_was(db, doing, woken, django_capture_on_commit_callbacks):
    doing(lambda work: numbered(work, at=1, then=request_pause))
    job = make_job()
    perform(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.total, rows()) == (State.PAUSED, 2, CHUNKS, ["row-0", "row-1"])
    assert job.is_active and job.lease_until is None and job.finished_at is None
    perform(job.pk)
    assert len(rows()) == 2, "A worker that is woken all the same leaves it alone."
    with django_capture_on_commit_callbacks(execute=True):
        resume(job)
    job.refresh_from_db()
    assert (job.state, job.paused_at, woken) == (State.QUEUED, None, [job.pk])
    perform(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done) == (State.DONE, CHUNKS)
    assert rows() == [f"row-{number}" for number in range(CHUNKS)]


def test_a_waiting_job_rests_at_once_and_is_not_claimed_or_woken(db, monkeypatch):
    job = make_job()
    request_pause(job)
    job.refresh_from_db()
    assert job.state == State.PAUSED
    assert claim(job.pk) is None
    monkeypatch.setattr("jobs.sweep.wake", lambda job: pytest.fail("It rests."))
    sweep()


def test_a_job_that_is_resumed_before_it_came_to_rest_does_not_stop(db, doing):
    doing(lambda work: numbered(work, at=1, then=lambda job: (request_pause(job), resume(job))))
    job = make_job()
    perform(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done) == (State.DONE, CHUNKS)


def test_a_job_that_is_resumed_while_it_comes_to_rest_waits_again(db, doing, monkeypatch):
    rest = working._rest

    def resumed_at_the_last_moment(work):
        resume(work.job)
        rest(work)

    monkeypatch.setattr(working, "_rest", resumed_at_the_last_moment)
    doing(lambda work: numbered(work, at=1, then=request_pause))
    job = make_job()
    perform(job.pk)
    job.refresh_from_db()
    assert (job.state, job.paused_at, job.message) == (State.QUEUED, None, "")


def test_a_progress_report_notices_the_pause(db):
    work = claim(make_job().pk)
    request_pause(work.job)
    with pytest.raises(Paused):
        work.progress(message="Still busy")


def test_a_paused_job_whose_worker_died_rests(db):
    lapsed = timezone.now() - timedelta(seconds=1)
    job = make_job(state=State.RUNNING, lease_until=lapsed, attempt=1, fence=1, done=3, total=9, paused_at=lapsed)
    sweep()
    job.refresh_from_db()
    assert (job.state, job.lease_until, job.done) == (State.PAUSED, None, 3)


def test_a_setback_of_a_job_that_was_to_pause_lets_it_rest(db, doing):
    @doing
    def away(work):
        request_pause(work.job)
        raise TryLater("Away.")

    job = make_job()
    perform(job.pk)
    job.refresh_from_db()
    assert (job.state, job.setbacks) == (State.PAUSED, 0)


def test_a_paused_job_can_be_cancelled_and_keeps_what_is_done(db):
    job = make_job(state=State.PAUSED, paused_at=timezone.now(), done=3, total=9)
    request_cancel(job)
    job.refresh_from_db()
    assert job.state == State.CANCELLED and "is kept" in job.message


def test_pausing_what_has_ended_or_is_being_cancelled_changes_nothing(db):
    running = {"state": State.RUNNING, "lease_until": timezone.now() + timedelta(minutes=1), "cancel_requested": True}
    for job in (make_job(state=State.DONE), make_job(**running)):
        request_pause(job)
        resume(job)
        before = job.state
        job.refresh_from_db()
        assert (job.state, job.paused_at) == (before, None)


def test_new_work_rests_with_the_paused_job(db, project):
    first = enqueue_unless_waiting("test", title="A test", project_id=project.pk)
    request_pause(first)
    assert enqueue_unless_waiting("test", title="A test", project_id=project.pk) == first


def test_rests_do_not_count_as_work(db, django_capture_on_commit_callbacks):
    now = timezone.now()
    began, paused = now - timedelta(seconds=1100), now - timedelta(seconds=1000)
    job = make_job(state=State.PAUSED, started_at=began, paused_at=paused, done=50, total=200)
    assert job.rate == pytest.approx(0.5)
    resume(job)
    job.refresh_from_db()
    assert job.rate == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("state", [State.FAILED, State.ERRORED, State.CANCELLED])
def test_what_ended_early_is_tried_again_from_where_it_was(db, doing, woken, state, django_capture_on_commit_callbacks):
    def stop(job):
        if state == State.CANCELLED:
            return request_cancel(job)
        raise JobFailed("No model here.") if state == State.FAILED else ValueError

    doing(lambda work: numbered(work, at=1, then=stop))
    job = make_job()
    perform(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.may_be_retried) == (state, 2, True)
    with django_capture_on_commit_callbacks(execute=True):
        assert retry(job)
    job.refresh_from_db()
    assert (job.state, job.message, job.finished_at, job.cancel_requested) == (State.QUEUED, "", None, False)
    assert (job.attempt, job.setbacks, woken) == (0, 0, [job.pk])
    doing(numbered)
    perform(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, rows()) == (State.DONE, CHUNKS, [f"row-{number}" for number in range(CHUNKS)])


def test_only_what_ended_early_and_stands_for_itself_is_tried_again(db):
    refused = [make_job(), make_job(state=State.DONE), make_job(state=State.FAILED, key="freeze:1")]
    for job in refused:
        assert not job.may_be_retried and not retry(job)
        before = job.state
        job.refresh_from_db()
        assert job.state == before


STEPS = [("pause", State.PAUSED), ("resume", State.QUEUED), ("cancel", State.CANCELLED), ("retry", State.QUEUED)]


@pytest.mark.parametrize("who", ["annotator", "reviewer"])
def test_those_who_may_cancel_a_job_may_pause_resume_and_retry_it(project, who, annotator, request, api_for):
    user = request.getfixturevalue(who)
    job = make_job(project_id=project.pk, created_by=annotator)
    for word, state in STEPS:
        answer = api_for(user).post(reverse(f"api-job-{word}", args=[job.pk]))
        assert (answer.status_code, answer.json()["state"]) == (200, state)


def test_an_annotator_steers_nobody_elses_job_and_reading_steers_none(
    project, annotator, reviewer, api_for, client_for
):
    job = make_job(project_id=project.pk, created_by=reviewer)
    for word, _ in STEPS:
        assert api_for(annotator).post(reverse(f"api-job-{word}", args=[job.pk])).status_code == 404
        assert client_for(annotator).post(reverse(f"job-{word}", args=[job.pk])).status_code == 404
        assert client_for(reviewer).get(reverse(f"job-{word}", args=[job.pk])).status_code == 405
    job.refresh_from_db()
    assert (job.state, job.paused_at) == (State.QUEUED, None)


def test_the_page_offers_what_can_be_done_now(project, reviewer, client_for):
    job = make_job(project_id=project.pk, created_by=reviewer)
    client, fragment = client_for(reviewer), {"headers": {"HX-Request": "true"}}

    def offers(word, *after):
        url = reverse(f"job-{word}", args=[job.pk])
        text = client.post(url, **fragment).text if word != "progress" else client.get(url, **fragment).text
        return [button for button in ("Pause", "Resume", "Cancel", "Try again") if f">{button}</button>" in text]

    assert offers("progress") == ["Pause", "Cancel"]
    assert offers("pause") == ["Resume", "Cancel"]
    assert offers("resume") == ["Pause", "Cancel"]
    assert offers("cancel") == ["Try again"]
    assert offers("retry") == ["Pause", "Cancel"]


def test_a_paused_quick_job_can_be_resumed_from_its_page(project, reviewer, client_for):
    job = make_job(project_id=project.pk, queue=Queue.INTERACTIVE)
    url = reverse("job-progress", args=[job.pk])
    assert "Pause</button>" not in client_for(reviewer).get(url).text
    request_pause(job)
    assert "Resume</button>" in client_for(reviewer).get(url).text
