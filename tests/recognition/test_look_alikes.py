"""People who look alike are listed, closest first, until they are merged or told apart."""

from uuid import uuid4

import pytest
from django.urls import reverse

from jobs.models import Job, State
from labelling.identities import create_identity
from labelling.merge import merge_people
from labelling.models import Bond, Constraint, Event, Identity
from recognition.models import LookAlike


@pytest.fixture
def people(project, add_faces):
    """Ann and Anna are one person, Bo another, Cem and Ann stand in one photo and look alike."""
    for photo in range(3):
        add_faces(f"a{photo}", ((1, photo), "Ann"))
        add_faces(f"b{photo}", ((1, 10 + photo), "Anna"))
        add_faces(f"c{photo}", ((2, photo), "Bo"))
    return {person.name: person for person in Identity.objects.all()}


@pytest.fixture
def compare(project, work_off, ask_again):
    def run():
        ask_again(project, "look_alikes")
        job = work_off(project, "look_alikes")[-1]
        assert job.state == State.DONE, job.message
        return [(pair.identity.name, pair.other.name) for pair in LookAlike.objects.all()]

    return run


def test_only_close_people_are_found_with_their_closest_faces(people, compare):
    assert compare() == [("Ann", "Anna")]
    pair = LookAlike.objects.get()
    assert (pair.face.identity, pair.other_face.identity) == (people["Ann"], people["Anna"])
    assert pair.similarity > 0.9
    assert compare() == [("Ann", "Anna")]


def test_faces_of_one_photo_are_no_sign(project, add_faces, compare):
    add_faces("both", ((1, 1), "Ann"), ((1, 2), "Anna"))
    assert compare() == []


def test_an_empty_project_has_none(compare):
    assert compare() == []


def test_a_project_in_which_nobody_is_named_yet_has_none(add_faces, compare):
    add_faces("waiting", ((1, 1), None), ((2, 1), None))
    assert compare() == []


def test_pairs_are_listed_until_merged(project, people, compare, client_for, reviewer):
    url, client = reverse("look-alikes", args=[project.slug]), client_for(reviewer)
    assert "Nobody looks like somebody else" in client.get(url).text
    compare()
    assert "Anna" in client.get(url).text
    page = client.get(reverse("identity", args=[project.slug, people["Anna"].pk]))
    assert [pair["other"] for pair in page.context["look_alikes"]] == [people["Ann"]]
    merge_people(people["Ann"], people["Anna"], by=reviewer, event_id=uuid4())
    assert client.get(url).context["pairs"] == []


def test_told_apart_is_remembered_and_taken_back(project, people, compare, client_for, api_for, annotator, reviewer):
    compare()
    url, pair = reverse("look-alikes", args=[project.slug]), LookAlike.objects.get()
    body = {"pair": pair.pk, "event_id": str(uuid4())}
    assert client_for(annotator).post(url, body).status_code == 403
    client = client_for(reviewer)
    assert "are two people" in client.post(url, body, follow=True).text
    constraint = Constraint.objects.get()
    assert (constraint.bond, constraint.face_id, constraint.other_id) == (
        Bond.CANNOT,
        *sorted([pair.face_id, pair.other_face_id]),
    )
    compare()
    assert client.get(url).context["pairs"] == []
    assert "not in the list any more" in client.post(url, body, follow=True).text
    api_for(reviewer).post(f"/api/v1/events/{Event.objects.get().pk}/undo/")
    assert [row.pk for row in client.get(url).context["pairs"]] == [LookAlike.objects.get().pk]


def test_names_that_change_have_people_compared_again_once(project, people, compare, client_for, reviewer):
    client = client_for(reviewer)
    for _ in range(2):
        client.post(reverse("look-alikes", args=[project.slug]))
    assert Job.objects.filter(kind="look_alikes", state=State.QUEUED).count() == 1


def test_the_newest_figures_stand_on_the_page_of_a_person(project, make_report, client_for, reviewer):
    ana = create_identity(project, "Ana")
    run = make_report()
    page = client_for(reviewer).get(reverse("identity", args=[project.slug, ana.pk]))
    metric = run.identity_metrics.get(class_id=ana.class_id)
    assert page.context["evaluation"]["ap"] == metric.ap
