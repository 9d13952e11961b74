"""Same or different: what people say about pairs of faces, and how it is taken back."""

from uuid import uuid4

import pytest

from labelling.assign import assign_faces, decide_faces
from labelling.constraints import link_faces
from labelling.errors import AlreadyUsed, Refused, Stale
from labelling.identities import create_identity
from labelling.models import Bond, Constraint, Event, Face, FaceState, Verb, Who
from labelling.projects import create_project
from labelling.signals import names_changed
from labelling.undo import undo_event


@pytest.fixture
def faces(make_image):
    return [make_image(seed=seed).faces.get() for seed in range(1, 5)]


@pytest.fixture
def ann(project):
    return create_identity(project, "Ann")


@pytest.fixture
def link(project, annotator):
    def say(first, second, same, *, event_id=None):
        return link_faces(project, first.pk, second.pk, same=same, by=annotator, event_id=event_id or uuid4())

    return say


@pytest.fixture
def assign(project, annotator):
    def do(identity, *faces, strangers=()):
        ids, apart = [face.pk for face in faces], [face.pk for face in strangers]
        return assign_faces(project, ids, identity, by=annotator, event_id=uuid4(), strangers=apart)

    return do


def said() -> list[tuple]:
    return list(Constraint.objects.order_by("face", "other").values_list("bond", "face", "other", "identity"))


def test_an_answer_is_kept_whichever_face_comes_first(faces, link, django_capture_on_commit_callbacks):
    heard = []

    def hear(project_id, **kwargs):
        heard.append(project_id)

    names_changed.connect(hear)
    with django_capture_on_commit_callbacks(execute=True):
        event = link(faces[1], faces[0], True)
    assert said() == [(Bond.MUST, faces[0].pk, faces[1].pk, None)]
    assert (event.verb, event.images) == (Verb.LINK, [faces[0].image_id, faces[1].image_id])
    assert heard == [faces[0].project_id]


def test_the_same_answer_twice_is_kept_once(faces, link):
    event = link(faces[0], faces[1], False)
    assert link(faces[0], faces[1], False, event_id=event.pk).pk == event.pk
    link(faces[1], faces[0], False)
    assert said() == [(Bond.CANNOT, faces[0].pk, faces[1].pk, None)]


def test_another_answer_replaces_the_first_and_undo_brings_it_back(faces, link, annotator):
    first = link(faces[0], faces[1], False)
    second = link(faces[0], faces[1], True)
    assert said() == [(Bond.MUST, faces[0].pk, faces[1].pk, None)]
    with pytest.raises(Stale):
        undo_event(first, by=annotator)
    undo_event(second, by=annotator)
    assert said() == [(Bond.CANNOT, faces[0].pk, faces[1].pk, None)]
    undo_event(first, by=annotator)
    assert said() == []


def test_answers_that_contradict_names_are_refused(faces, link, assign, ann, project):
    assign(ann, faces[0], faces[1])
    assign(create_identity(project, "Bo"), faces[2])
    with pytest.raises(Refused, match="Both are named “Ann”"):
        link(faces[0], faces[1], False)
    with pytest.raises(Refused, match="“Ann” and “Bo”"):
        link(faces[0], faces[2], True)
    assert said() == []


@pytest.mark.parametrize("other", ["itself", "no face", "elsewhere"])
def test_answers_about_the_wrong_faces_are_refused(faces, link, owner, other):
    second = faces[0] if other == "itself" else faces[1]
    if other == "no face":
        Face.objects.filter(pk=second.pk).update(state=FaceState.REJECTED)
    if other == "elsewhere":
        Face.objects.filter(pk=second.pk).update(project=create_project("Elsewhere", by=owner))
    with pytest.raises(Refused):
        link(faces[0], second, True)
    assert said() == []


def test_an_event_id_of_something_else_is_refused(faces, link, assign, ann):
    event = assign(ann, faces[0])
    with pytest.raises(AlreadyUsed):
        link(faces[0], faces[1], True, event_id=event.pk)


def test_same_as_somebody_ends_not_that_person(faces, link, assign, ann, annotator):
    assign(ann, faces[0], strangers=[faces[1]])
    event = link(faces[0], faces[1], True)
    assert said() == [(Bond.MUST, faces[0].pk, faces[1].pk, None)]
    undo_event(event, by=annotator)
    assert said() == [(Bond.CANNOT, faces[1].pk, None, ann.pk)]


def test_undo_of_names_takes_what_was_said_of_strangers_along(faces, assign, ann, annotator):
    event = assign(ann, faces[0], strangers=[faces[1], faces[2]])
    undo_event(event, by=annotator)
    assert said() == []
    assert set(Face.objects.values_list("who", flat=True)) == {Who.UNASSIGNED}


def test_undo_of_names_brings_back_the_word_they_overruled(faces, assign, ann, annotator):
    first = assign(ann, faces[0], strangers=[faces[1]])
    second = assign(ann, faces[1])
    undo_event(second, by=annotator)
    assert said() == [(Bond.CANNOT, faces[1].pk, None, ann.pk)]
    undo_event(first, by=annotator)
    assert said() == []


def test_a_word_that_was_taken_back_itself_is_not_brought_back(faces, assign, ann, annotator):
    first = assign(ann, faces[0], strangers=[faces[1]])
    second = assign(ann, faces[1])
    undo_event(first, by=annotator)
    undo_event(second, by=annotator)
    assert said() == []


def test_a_word_about_a_face_that_is_gone_is_not_brought_back(faces, assign, ann, annotator):
    assign(ann, faces[0], strangers=[faces[1], faces[2]])
    event = assign(ann, faces[1], faces[2])
    undone = Event.objects.get(pk=event.pk)
    Face.objects.filter(pk=faces[3].pk).delete()
    undo_event(undone, by=annotator)
    assert [row[1] for row in said()] == [faces[1].pk, faces[2].pk]


def test_undo_of_faces_set_aside(project, faces, annotator):
    before = list(Face.objects.order_by("pk").values("state", "who", "identity"))
    event = decide_faces(project, [face.pk for face in faces], "rejected", by=annotator, event_id=uuid4())
    undo_event(event, by=annotator)
    assert list(Face.objects.order_by("pk").values("state", "who", "identity")) == before
