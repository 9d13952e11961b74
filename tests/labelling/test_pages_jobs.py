"""The list of a project's jobs, and the page of one."""

import pytest
from django.urls import reverse
from django.utils import timezone

from jobs.models import Job
from labelling.projects import create_project
from labelling.views import jobs as pages


@pytest.fixture
def client(client_for, annotator):
    return client_for(annotator)


@pytest.fixture
def make_job(project, owner):
    def make(title: str, state: str = "done", **fields):
        lease = {"lease_until": timezone.now()} if state == "running" else {}
        defaults = {"project_id": project.pk, "created_by": owner, "finished_at": timezone.now()}
        return Job.objects.create(kind="propose", title=title, state=state, **defaults | lease | fields)

    return make


def test_running_jobs_stand_above_those_that_ended(client, project, make_job):
    ended, waiting, running = make_job("A"), make_job("B", "queued"), make_job("C", "running", done=2, total=8)
    context = client.get(reverse("jobs", args=[project.slug])).context
    assert [job.pk for job in context["active"]] == [waiting.pk, running.pk]
    assert [job.pk for job in context["ended"]] == [ended.pk]


def test_jobs_of_other_projects_are_not_listed(client, project, stranger, make_job):
    make_job("Not ours", project_id=create_project("Other", by=stranger).pk)
    assert "Not ours" not in client.get(reverse("jobs", args=[project.slug])).text


def test_failed_jobs_can_be_looked_at_alone(client, project, make_job):
    make_job("Fine")
    trouble = {make_job("Failed", "failed").pk, make_job("Broke", "errored").pk}
    context = client.get(reverse("jobs", args=[project.slug]), {"only": "trouble"}).context
    assert {job.pk for job in context["ended"]} == trouble


def test_ended_jobs_come_in_pages(client, project, make_job, monkeypatch):
    monkeypatch.setattr(pages, "PAGE_SIZE", 2)
    made = [make_job(f"Job {number}").pk for number in range(3)]
    url = reverse("jobs", args=[project.slug])
    first = client.get(url).context
    second = client.get(url + first["next_url"]).context
    assert [job.pk for job in [*first["ended"], *second["ended"]]] == made[::-1]


def test_no_jobs_yet_says_when_the_first_starts(client, project):
    assert "No jobs yet" in client.get(reverse("jobs", args=[project.slug])).text
    assert "Nothing has failed" in client.get(reverse("jobs", args=[project.slug]), {"only": "trouble"}).text


def test_the_page_of_a_job_tells_how_it_ended(client, make_job):
    job = make_job(
        "Finding faces", message="All done.", done=7, total=7, log="photo_1.jpg: 2 faces\n",
        result={"items": 7, "faces": 9}, result_url="/p/lobby-cameras/images/",
    )  # fmt: skip
    text = client.get(reverse("job-progress", args=[job.pk])).text
    for words in ("Finding faces", "All done.", "7 of 7", "photo_1.jpg: 2 faces", "/p/lobby-cameras/images/"):
        assert words in text
    assert "&#x27;faces&#x27;: 9" in text


def test_a_running_job_asks_for_itself_again_and_an_ended_one_does_not(client, make_job):
    running, ended = make_job("A", "running"), make_job("B")
    assert 'hx-trigger="every 1s"' in client.get(reverse("job-progress", args=[running.pk])).text
    assert 'hx-trigger="every 1s"' not in client.get(reverse("job-progress", args=[ended.pk])).text
    part = client.get(reverse("job-progress", args=[running.pk]), headers={"HX-Request": "true"}).text
    assert "<html" not in part


def test_the_page_of_a_job_stands_in_the_frame_of_its_project(client, project, make_job):
    text = client.get(reverse("job-progress", args=[make_job("A").pk])).text
    assert f'href="{reverse("jobs", args=[project.slug])}" aria-current="page"' in text
    assert 'id="loop-strip"' in text


def test_a_job_without_a_project_has_a_page_for_who_asked_for_it(client, annotator, make_job):
    job = make_job("Backup", project_id=None, created_by=annotator)
    assert "Backup" in client.get(reverse("job-progress", args=[job.pk])).text


def test_what_failed_can_be_tried_again_from_the_list_by_those_who_may(project, annotator, reviewer, client_for):
    Job.objects.create(kind="propose", title="Find faces", project_id=project.pk, state="failed")
    Job.objects.create(kind="freeze", title="Freeze", project_id=project.pk, state="failed", key="freeze:1")
    url = reverse("jobs", args=[project.slug])
    assert client_for(reviewer).get(url).text.count("Try again</button>") == 1
    assert "Try again</button>" not in client_for(annotator).get(url).text
