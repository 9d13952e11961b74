"""Merging and splitting over the API: who may, and what the answers say."""

from uuid import uuid4

import pytest

from labelling.identities import create_identity
from labelling.models import Identity
from tests.labelling.people import add_photo, counts


@pytest.fixture
def ann(project):
    return create_identity(project, "Ann")


@pytest.fixture
def anna(project):
    return create_identity(project, "Anna")


def merge(client, source, target, **body):
    body = {"into": target.pk, "event_id": str(uuid4()), **body}
    return client.post(f"/api/v1/identities/{source.pk}/merge/", body, format="json")


def test_reviewers_merge_and_undo_annotators_do_neither(project, ann, anna, api_for, annotator, reviewer, stranger):
    add_photo(project, ann)
    assert merge(api_for(annotator), ann, anna).status_code == 403
    assert merge(api_for(stranger), ann, anna).status_code == 404
    answer = merge(api_for(reviewer), ann, anna, seen={"faces": 1, "into_faces": 0})
    assert answer.status_code == 200
    assert (answer.json()["identity"], answer.json()["moved"]) == (anna.pk, 1)
    undo = f"/api/v1/events/{answer.json()['event']}/undo/"
    assert api_for(annotator).post(undo).status_code == 403
    assert api_for(reviewer).post(undo).status_code == 200
    assert counts(project) == {"Ann": 1, "Anna": 0}


def test_a_refusal_names_the_photos(project, ann, anna, api_for, reviewer):
    face, _ = add_photo(project, ann, anna)
    answer = merge(api_for(reviewer), ann, anna)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "twice"
    assert answer.json()["photos"] == [{"id": face.image_id, "name": face.image.name}]
    assert merge(api_for(reviewer), ann, anna, allow_twice=True).status_code == 200


def test_a_merge_that_saw_less_is_stale(project, ann, anna, api_for, reviewer):
    add_photo(project, ann)
    answer = merge(api_for(reviewer), ann, anna, seen={"faces": 0, "into_faces": 0})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "stale")
    assert answer.json()["current"] == {"faces": 1, "into_faces": 0}


def test_somebody_of_another_project_is_no_target(ann, api_for, reviewer, stranger):
    from labelling.projects import create_project

    theirs = create_identity(create_project("Elsewhere", by=stranger), "Zenobia")
    answer = merge(api_for(reviewer), ann, theirs)
    assert answer.status_code == 400
    assert "Zenobia" not in answer.text


def test_the_merged_are_in_no_picker(project, ann, anna, api_for, reviewer, annotator):
    merge(api_for(reviewer), ann, anna)
    listed = api_for(annotator).get(f"/api/v1/projects/{project.slug}/identities/").json()["results"]
    assert [person["name"] for person in listed] == ["Anna"]
    assert Identity.objects.count() == 2


def split(client, person, faces, to, **body):
    body = {"faces": [face.pk for face in faces], "to": to, "event_id": str(uuid4()), **body}
    return client.post(f"/api/v1/identities/{person.pk}/split/", body, format="json")


def test_reviewers_split_annotators_do_not(project, ann, anna, api_for, annotator, reviewer, stranger):
    faces = [add_photo(project, ann)[0] for _ in range(4)]
    assert split(api_for(annotator), ann, faces[:1], "Bo").status_code == 403
    assert split(api_for(stranger), ann, faces[:1], "Bo").status_code == 404
    made = split(api_for(reviewer), ann, faces[:1], "Bo").json()
    assert made["moved"] == 1
    assert split(api_for(reviewer), ann, faces[1:2], {"id": made["identity"]}).json()["identity"] == made["identity"]
    assert split(api_for(reviewer), ann, faces[2:3], None).json()["identity"] is None
    assert split(api_for(reviewer), ann, faces[2:3], None).status_code == 409
    assert counts(project) == {"Ann": 1, "Anna": 0, "Bo": 2}
    undo = f"/api/v1/events/{made['event']}/undo/"
    assert api_for(annotator).post(undo).status_code == 403
    assert api_for(reviewer).post(undo).status_code == 200
