"""Merging, splitting and accepting by the forms of the pages, without any script."""

from uuid import uuid4

import pytest
from django.urls import reverse

from labelling.identities import create_identity
from labelling.merge import merge_people
from labelling.models import Bond, Constraint, Event, Suggestion, Verb
from tests.labelling.people import add_photo, counts


@pytest.fixture
def ann(project):
    return create_identity(project, "Ann")


@pytest.fixture
def anna(project):
    return create_identity(project, "Anna")


@pytest.fixture
def client(client_for, reviewer):
    return client_for(reviewer)


@pytest.fixture
def page(project):
    return lambda person: reverse("identity", args=[project.slug, person.pk])


@pytest.fixture
def merging(project):
    return lambda person: reverse("identity-merge", args=[project.slug, person.pk])


def split(faces, **form):
    form = {"form": "split", "event_id": str(uuid4()), "remember": "on", "answer": "move", **form}
    return {**form, "faces": [face.pk for face in faces]}


def test_chosen_faces_move_and_the_page_offers_undo(project, ann, page, client):
    faces = [add_photo(project, ann)[0] for _ in range(3)]
    answer = client.post(page(ann), split(faces[:2], to="Bo"), follow=True)
    assert "2 faces are “Bo” now." in answer.text
    assert reverse("api-undo", args=[Event.objects.get().pk]) in answer.text
    assert counts(project) == {"Ann": 1, "Bo": 2}
    client.post(page(ann), split(faces[2:], to="Bo", answer="away"))
    assert counts(project) == {"Ann": 0, "Bo": 2}
    assert Constraint.objects.filter(identity=ann).count() == 3


def test_a_split_that_makes_no_sense_says_so_and_keeps_the_choice(project, ann, page, client):
    faces = [add_photo(project, ann)[0] for _ in range(2)]
    answer = client.post(page(ann), split(faces[:1], to=" "))
    assert "Write whose faces these are." in answer.text
    assert answer.text.count(" checked") >= 2  # the face, and that it is to be remembered
    assert "Choose the faces first." in client.post(page(ann), split([], to="Bo")).text
    assert client.post(page(ann), {**split(faces), "faces": "x"}).status_code == 200
    assert not Event.objects.exists()


def test_a_mirror_is_asked_about_and_then_allowed(project, ann, anna, page, client):
    faces = add_photo(project, ann, anna)
    answer = client.post(page(ann), split(faces[:1], to="Anna"))
    assert 'name="allow_twice"' in answer.text
    client.post(page(ann), split(faces[:1], to="Anna", allow_twice="on"))
    assert Constraint.objects.filter(bond=Bond.MUST).count() == 1


def test_suggested_faces_are_accepted_or_said_not_to_be(project, ann, page, client_for, annotator):
    client, faces = client_for(annotator), [add_photo(project, None)[0] for _ in range(3)]
    for face in faces:
        Suggestion.objects.create(face=face, rank=1, identity=ann, probability=0.9, model_name="x")
    answers = ((faces[:2], "yes", "2 faces are “Ann”."), (faces[2:], "no", "1 face is not “Ann”."))
    for chosen, answer, words in answers:
        form = {"form": "accept", "event_id": str(uuid4()), "answer": answer, "faces": [face.pk for face in chosen]}
        assert words in client.post(page(ann), form, follow=True).text
    assert counts(project) == {"Ann": 2}
    assert list(Constraint.objects.values_list("face", "identity")) == [(faces[2].pk, ann.pk)]
    assert "said of 1 face not to be “Ann”" in client.get(page(ann)).text


def test_annotators_see_no_form_that_splits_and_may_not_send_one(project, ann, page, merging, client_for, annotator):
    faces = add_photo(project, ann)
    client = client_for(annotator)
    assert 'id="split"' not in client.get(page(ann)).text
    assert client.post(page(ann), split(faces, to="Bo")).status_code == 403
    assert client.get(merging(ann)).status_code == 403


def test_whom_to_merge_into_is_found_by_name_or_alias(project, ann, anna, merging, client):
    project.identities.filter(pk=anna.pk).update(aliases=["Queen"])
    for sought in ("nna", "queen"):
        found = client.get(merging(ann), {"q": sought}).context["found"]
        assert found == [anna]
    assert client.get(merging(ann), {"q": "ann"}).context["found"] == [anna]
    assert client.get(merging(ann), {"into": ann.pk}).context["found"] == []


def test_both_are_looked_at_before_they_are_merged(project, ann, anna, merging, page, client):
    add_photo(project, ann)
    both = add_photo(project, ann, anna)
    Constraint.objects.create(project=project, bond=Bond.CANNOT, face=add_photo(project, ann)[0], identity=anna)
    shown = client.get(merging(ann), {"into": anna.pk})
    assert [side["count"] for side in shown.context["sides"]] == [3, 1]
    assert (shown.context["shared_count"], shown.context["not_same_count"]) == (1, 1)
    assert both[0].image.name in shown.text
    form = {name: shown.context["form"].initial[name] for name in ("into", "event_id", "faces", "into_faces")}
    refused = client.post(merging(ann), form, follow=True)
    assert "Nobody is twice in one photo" in refused.text
    merged = client.post(merging(ann), {**form, "allow_twice": "on", "allow_not_same": "on"}, follow=True)
    assert merged.redirect_chain[-1][0] == page(anna)
    assert "“Ann” is “Anna” now." in merged.text
    assert counts(project) == {"Anna": 4}


def test_faces_that_came_after_the_look_are_looked_at_first(project, ann, anna, merging, client):
    add_photo(project, ann)
    form = client.get(merging(ann), {"into": anna.pk}).context["form"].initial
    add_photo(project, ann)
    assert "2 now" in client.post(merging(ann), form, follow=True).text
    assert counts(project) == {"Ann": 2, "Anna": 0}


def test_the_page_of_the_merged_leads_on_and_changes_nothing(project, ann, anna, page, merging, client, reviewer):
    merge_people(ann, anna, by=reviewer, event_id=uuid4())
    shown = client.get(page(ann))
    assert "was merged into" in shown.text
    assert page(anna) in shown.text
    assert "Rename…" not in shown.text
    assert client.get(merging(ann)).status_code == 404
    assert client.post(page(ann), {"form": "rename", "name": "X", "event_id": str(uuid4())}).status_code == 404
    assert not Event.objects.filter(verb=Verb.RENAME).exists()
