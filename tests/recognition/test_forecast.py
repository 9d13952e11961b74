"""What a merge or a split would change, from stored vectors: worked by hand where it is small, and over HTTP."""

from uuid import uuid4

import numpy as np
import pytest
from django.urls import reverse

from jobs.models import Job, State
from labelling.identities import create_identity
from labelling.models import Face, Identity
from labelling.projects import create_project
from recognition.what_if import search, share


def unit(*angles: float) -> np.ndarray:
    radians = np.radians(angles)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1)


def test_a_search_worked_by_hand():
    vectors = unit(0, 10, 12, 90)
    found = search(vectors, np.array([1, 1, 2, 2]), np.array([1, 2, 3, 4]))
    # 0° and 10° are nearest to each other but 10° to 12° of the other person; 12° to 10°; 90° to 12°.
    assert found.nearest.tolist() == [1.0, 0.0, 0.0, 1.0]
    assert share(found.nearest) == 0.5
    merged = search(vectors, np.array([1, 1, 1, 1]), np.array([1, 2, 3, 4]))
    assert np.isnan(merged.nearest).all()  # nobody else is left to be taken for
    assert merged.ap(1) == 1.0
    assert merged.ap(9) is None


def test_faces_of_one_photo_are_not_compared():
    vectors = unit(0, 0, 40, 41)
    found = search(vectors, np.array([1, 1, 1, 2]), np.array([1, 1, 2, 3]))
    assert found.nearest.tolist()[:3] == [1.0, 1.0, 0.0]
    # Of the second person no photo is left: nothing says whether they are recognised.
    assert np.isnan(found.nearest[3])
    assert np.isnan(found.scores[3, 1])


def test_ties_count_as_wrong():
    found = search(unit(0, 20, 20), np.array([1, 1, 2]), np.array([1, 2, 3]))
    assert found.nearest[0] == 0.0
    assert found.by_mean[0] == 0.0


@pytest.fixture
def people(project, add_faces):
    """Person 1 under two names, and others."""
    for photo in range(4):
        add_faces(f"a{photo}", ((1, photo), "Ann"), spread=2)
        add_faces(f"b{photo}", ((1, 10 + photo), "Anna"), spread=2)
        for other in range(2, 9):
            add_faces(f"{other} {photo}", ((other, photo), f"Other {other}"), spread=2)
    return {person.name: person for person in Identity.objects.all()}


@pytest.fixture
def ask(project, client_for, reviewer, work_off):
    client = client_for(reviewer)

    def run(person, **data) -> tuple[Job, str]:
        url = reverse("forecast", args=[project.slug, person.pk])
        first = client.post(url, data)
        assert "Comparing" in first.text
        (job,) = work_off(project, "forecast")
        return job, client.get(url, {"job": job.pk}).text

    return run


def test_two_names_of_one_person_are_better_as_one(people, ask):
    job, page = ask(people["Ann"], into=people["Anna"].pk)
    assert job.state == State.DONE, job.message
    result = job.result
    assert [row["name"] for row in result["rows"]] == ["Ann", "Anna"]
    for row in result["rows"]:
        assert row["before"]["nearest"] < row["after"]["nearest"]
        assert row["before"]["ap"] < row["after"]["ap"] == 1.0
    assert result["likeness"]["pairs"] == 16
    assert result["likeness"]["above"] >= 0.2
    assert result["rest"]["people"] == 7
    assert "Ann" in page
    assert "closest pair" in page


def test_two_people_are_worse_as_one(people, ask):
    job, _ = ask(people["Other 2"], into=people["Other 3"].pk)
    assert job.result["likeness"]["above"] < 0.2
    assert all(row["after"]["ap"] < row["before"]["ap"] == 1.0 for row in job.result["rows"])


def test_a_split_of_two_people_helps(people, ask, project):
    mixed = people["Other 2"]
    away = list(Face.objects.filter(identity=people["Other 3"]).values_list("pk", flat=True))
    Face.objects.filter(pk__in=away).update(identity=mixed)
    job, page = ask(mixed, faces=away, to="Somebody new")
    chosen, staying = job.result["rows"]
    assert (chosen["faces"], staying["faces"]) == (4, 4)
    assert chosen["before"]["ap"] < chosen["after"]["ap"] == 1.0
    assert "Chosen faces" in page
    job, _ = ask(mixed, faces=away, to="other 3")
    assert job.params["to"] == people["Other 3"].pk


def test_somebody_without_described_faces_gets_a_sentence(project, people, ask):
    job, page = ask(create_identity(project, "Zoe"), into=people["Ann"].pk)
    assert job.state == State.FAILED
    assert "nothing can be compared" in page


def test_only_reviewers_ask_and_only_about_their_project(people, project, client_for, annotator, reviewer, stranger):
    url = reverse("forecast", args=[project.slug, people["Ann"].pk])
    body = {"into": people["Anna"].pk}
    assert client_for(annotator).post(url, body).status_code == 403
    assert client_for(stranger).post(url, body).status_code == 404
    client = client_for(reviewer)
    foreign = create_identity(create_project("Elsewhere", by=stranger), "Zenobia")
    assert client.post(url, {"into": foreign.pk}).status_code == 400
    assert client.post(url, {"into": people["Ann"].pk}).status_code == 400
    assert client.post(url, {"faces": "x" * 5}).status_code == 400
    other = Job.objects.create(kind="suggest", title="x", project_id=project.pk, params={"id": str(uuid4())})
    assert client.get(url, {"job": other.pk}).status_code == 404
