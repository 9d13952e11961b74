"""Jobs as members see them: over the API, as a page, as a live fragment; seen and stopped only by those who may."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import Job, State

START = timezone.now() - timedelta(seconds=100)


@pytest.fixture
def job(project, annotator):
    return Job.objects.create(
        kind="embed", title="Describe new faces", project_id=project.pk, created_by=annotator,
        state=State.RUNNING, lease_until=timezone.now() + timedelta(minutes=5), started_at=START, done=20, total=80,
    )  # fmt: skip


def url(name: str, job: Job) -> str:
    return reverse(name, args=[job.pk])


def test_a_member_reads_how_far_a_job_is(job, reviewer, api_for):
    answer = api_for(reviewer).get(url("api-job", job))
    assert answer.status_code == 200
    body = answer.json()
    assert {"id": job.pk, "kind": "embed", "state": "running", "done": 20, "total": 80}.items() <= body.items()
    assert body["rate"] > 0 and body["seconds_left"] > 0
    assert body["message"] == "" and body["result"] == {}


def test_a_job_of_another_project_is_not_there(job, stranger, api_for):
    api = api_for(stranger)
    for answer in (api.get(url("api-job", job)), api.post(url("api-job-cancel", job))):
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not_found"
    job.refresh_from_db()
    assert not job.cancel_requested


def test_nobody_reads_a_job_without_logging_in(job):
    answer = Client().get(url("api-job", job))
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "not_authenticated"
    assert Client().get(url("job-progress", job)).status_code == 302


def test_a_job_of_no_project_is_its_makers_alone(make_user, api_for):
    maker, other = make_user("mia"), make_user("otto")
    job = Job.objects.create(kind="backup", title="Back up", created_by=maker)
    assert api_for(maker).get(url("api-job", job)).status_code == 200
    assert api_for(maker).post(url("api-job-cancel", job)).json()["state"] == "cancelled"
    assert api_for(other).get(url("api-job", job)).status_code == 404


def test_who_started_a_job_may_stop_it(job, annotator, api_for):
    answer = api_for(annotator).post(url("api-job-cancel", job))
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["cancel_requested"]) == ("running", True)


def test_a_reviewer_may_stop_the_jobs_of_others(job, reviewer, api_for):
    assert api_for(reviewer).post(url("api-job-cancel", job)).json()["cancel_requested"] is True


def test_an_annotator_may_not_stop_the_jobs_of_others(job, annotator, api_for):
    Job.objects.filter(pk=job.pk).update(created_by=None)
    api = api_for(annotator)
    assert api.get(url("api-job", job)).status_code == 200
    assert api.post(url("api-job-cancel", job)).status_code == 404
    job.refresh_from_db()
    assert not job.cancel_requested


def test_a_former_member_no_longer_stops_even_their_own_job(job, project, annotator, api_for):
    from labelling.projects import remove_member

    remove_member(project, annotator)
    assert api_for(annotator).post(url("api-job-cancel", job)).status_code == 404


def test_reading_does_not_stop_a_job(job, reviewer, api_for, client_for):
    assert api_for(reviewer).get(url("api-job-cancel", job)).status_code == 405
    assert client_for(reviewer).get(url("job-cancel", job)).status_code == 405


def test_the_page_shows_the_job_and_its_fragment_asks_for_itself(job, reviewer, client_for):
    page = client_for(reviewer).get(url("job-progress", job))
    assert page.status_code == 200
    assert "<html" in page.text and "Describe new faces" in page.text
    fragment = client_for(reviewer).get(url("job-progress", job), headers={"HX-Request": "true"})
    assert "<html" not in fragment.text
    assert f'id="job-{job.pk}"' in fragment.text and "hx-get" in fragment.text
    assert 'aria-valuenow="25"' in fragment.text


def test_the_fragment_of_an_ended_job_asks_no_more(job, reviewer, client_for):
    Job.objects.filter(pk=job.pk).update(state=State.DONE, lease_until=None, finished_at=timezone.now())
    fragment = client_for(reviewer).get(url("job-progress", job), headers={"HX-Request": "true"})
    assert "hx-get" not in fragment.text and "hx-post" not in fragment.text


def test_a_fragment_offers_to_cancel_only_to_those_who_may(job, annotator, reviewer, client_for):
    Job.objects.filter(pk=job.pk).update(created_by=None)
    as_fragment = {"headers": {"HX-Request": "true"}}
    assert "hx-post" in client_for(reviewer).get(url("job-progress", job), **as_fragment).text
    assert "hx-post" not in client_for(annotator).get(url("job-progress", job), **as_fragment).text


def test_cancelling_from_a_page_answers_with_the_fragment_or_goes_back(job, reviewer, client_for):
    answer = client_for(reviewer).post(url("job-cancel", job), headers={"HX-Request": "true"})
    assert "Cancelling" in answer.text
    assert client_for(reviewer).post(url("job-cancel", job)).url == url("job-progress", job)


def test_a_page_of_another_project_is_not_there(job, stranger, client_for):
    client = client_for(stranger)
    assert client.get(url("job-progress", job)).status_code == 404
    assert client.post(url("job-cancel", job)).status_code == 404


@pytest.mark.parametrize(
    ("fields", "percent", "rate", "seconds_left"),
    [
        ({"started_at": None, "done": 0, "total": 0}, None, None, None),
        ({"started_at": START, "done": 0, "total": 10}, 0, None, None),
        ({"started_at": START, "done": 50, "total": 0}, None, 0.5, None),
        ({"started_at": START, "done": 50, "total": 200}, 25, 0.5, 300),
        ({"started_at": START, "done": 200, "total": 200, "finished_at": START + timedelta(seconds=50),
          "state": State.DONE}, 100, 4.0, None),
    ],
)  # fmt: skip
def test_percent_rate_and_time_left(fields, percent, rate, seconds_left, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: START + timedelta(seconds=100))
    job = Job(**{"state": State.RUNNING, **fields})
    assert (job.percent, job.rate, job.seconds_left) == (percent, rate, seconds_left)
