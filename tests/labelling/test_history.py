"""The history of a project, a photo and a person: every change in words, without an end, undo where it is allowed."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labelling.assign import assign_faces
from labelling.describe import describe_person
from labelling.history import ORDER, entries, history
from labelling.identities import create_identity, rename_identity
from labelling.merge import merge_people
from labelling.models import Event, FaceState, Opinion, Verb, Who
from labelling.paging import keyset_page
from labelling.split import split_person
from labelling.submit import FaceWord, submit_image
from labelling.undo import undo_event
from labelling.views import history as pages
from tests.labelling.people import add_photo


@pytest.fixture
def ann(project):
    return create_identity(project, "Ann")


@pytest.fixture
def told(project):
    """All history as a user reads it, newest first: who did what."""

    def read(user, **about):
        return [f"{entry.actor} {entry.words}" for entry in listed(project, user, **about)]

    return read


def listed(project, user, **about):
    return entries(list(history(project, user, **about).order_by(*ORDER)), project, user)


def test_labels_are_told_face_by_face(project, ann, annotator, told):
    faces = add_photo(project, None, None, None, None)
    words = [
        FaceWord(id=faces[0].pk, identity=ann.pk, has_identity=True),
        FaceWord(id=faces[1].pk, who=Who.IGNORED),
        FaceWord(id=faces[2].pk, who=Who.IGNORED),
        FaceWord(id=faces[3].pk, state=FaceState.REJECTED),
        FaceWord(uid=uuid4(), box=(500, 10, 20, 20)),
    ]
    submit_image(faces[0].image, words, by=annotator, version=1, event_id=uuid4())
    words = [FaceWord(id=faces[0].pk, identity="Bo", has_identity=True)]
    submit_image(faces[0].image, words, by=annotator, version=2, event_id=uuid4())
    submit_image(faces[0].image, [], by=annotator, version=3, event_id=uuid4())
    assert told(annotator) == [
        "anna looked through a photo and left it as it was",
        "anna named 1 face “Bo” (was “Ann”)",
        "anna named 1 face “Ann”, ignored 2 faces, rejected 1 face as no face and drew 1 face",
    ]


def test_changes_of_people_are_told_and_so_is_taking_them_back(project, ann, reviewer, told):
    faces = [add_photo(project, ann)[0] for _ in range(3)]
    split = split_person(ann, [faces[0].pk], to="Bo", by=reviewer, event_id=uuid4())
    split_person(ann, [faces[1].pk], to=None, by=reviewer, event_id=uuid4())
    undo_event(split, by=reviewer)
    describe_person(ann, {"notes": "Tall.", "aliases": ["A"]}, by=reviewer, event_id=uuid4())
    rename_identity(ann, "Anna", by=reviewer, event_id=uuid4())
    ann.refresh_from_db()
    merge = merge_people(ann, create_identity(project, "Cem"), by=reviewer, event_id=uuid4())
    undo_event(merge, by=reviewer)
    assert told(reviewer, person=ann.pk) == [
        "rita took back: merged “Anna” (2 faces) into “Cem”",
        "rita merged “Anna” (2 faces) into “Cem”",
        "rita renamed “Ann” to “Anna”",
        "rita changed aliases and notes of “Ann”",
        "rita took back: moved 1 face from “Ann” to “Bo”",
        "rita moved 1 face away from “Ann”, to wait again",
        "rita moved 1 face from “Ann” to “Bo”",
    ]


def test_each_photo_and_person_has_a_history_of_its_own(project, ann, reviewer, told):
    bo = create_identity(project, "Bo")
    (one,), (two,) = add_photo(project, None), add_photo(project, None)
    assign_faces(project, [one.pk], ann, by=reviewer, event_id=uuid4())
    assign_faces(project, [two.pk], bo, by=reviewer, event_id=uuid4())
    assert told(reviewer, person=ann.pk) == told(reviewer, image=one.image_id) == ["rita named 1 face “Ann”"]
    assert told(reviewer, image=two.image_id) == ["rita named 1 face “Bo”"]
    merge_people(ann, bo, by=reviewer, event_id=uuid4())
    assert len(told(reviewer, image=one.image_id)) == 2
    assert len(told(reviewer, person=bo.pk)) == 2


def test_only_what_may_be_taken_back_says_so(project, ann, annotator, reviewer, api_for):
    (face,) = add_photo(project, None)
    named = assign_faces(project, [face.pk], ann, by=annotator, event_id=uuid4())
    rename_identity(ann, "Anna", by=annotator, event_id=uuid4())
    theirs = [entry.may_undo for entry in listed(project, annotator)]
    assert theirs == [False, True]  # renaming back is for reviewers
    assert [entry.may_undo for entry in listed(project, reviewer)] == [True, True]
    undo_event(named, by=reviewer)
    after = listed(project, reviewer)
    assert [(entry.verb, entry.undone, entry.may_undo) for entry in after] == [
        (Verb.UNDO, False, False),
        (Verb.RENAME, False, True),
        (Verb.ASSIGN, True, False),
    ]
    answer = api_for(annotator).get(f"/api/v1/identities/{ann.pk}/history/").json()
    assert answer["next"] is None
    assert answer["results"][-1] == {
        "event": str(named.pk), "verb": "assign", "words": "named 1 face “Anna”", "actor": "anna",
        "at": answer["results"][-1]["at"], "undone": True, "may_undo": False,
    }  # fmt: skip


def test_what_others_say_blindly_is_not_told_before_it_is_settled(project, annotator, reviewer, told):
    from django.utils import timezone

    (face,) = add_photo(project, None)
    event = Event.objects.create(
        project=project, actor=annotator, verb=Verb.OPINION, image=face.image, images=[face.image_id]
    )  # fmt: skip
    opinion = Opinion.objects.create(project=project, image=face.image, user=annotator, event=event)
    assert told(annotator) == ["anna labelled a photo"]
    assert told(reviewer) == []
    Opinion.objects.filter(pk=opinion.pk).update(settled_at=timezone.now())
    assert told(reviewer) == ["anna labelled a photo"]


def test_history_has_no_end_and_pages_through_everything_once(project, ann, reviewer, client_for, monkeypatch):
    monkeypatch.setattr(pages, "PAGE_SIZE", 3)
    for number in range(8):
        rename_identity(ann, f"Ann {number}", by=reviewer, event_id=uuid4())
    seen, url = [], "?"
    while url:
        context = client_for(reviewer).get(reverse("history", args=[project.slug]) + url).context
        seen += [entry.event for entry in context["entries"]]
        url = context["next_url"]
    assert seen == list(Event.objects.order_by(*ORDER).values_list("pk", flat=True))
    assert len(seen) == 8


def test_events_of_one_moment_are_paged_through_once(project, ann, reviewer):
    from django.utils import timezone

    now = timezone.now()
    for _ in range(5):
        Event.objects.create(project=project, actor=reviewer, verb=Verb.RENAME, created_at=now)
    first = keyset_page(history(project, reviewer), "", by=ORDER, size=3)
    second = keyset_page(history(project, reviewer), first.next, by=ORDER, size=3)
    assert len({event.pk for event in (*first.rows, *second.rows)}) == 5


def test_filters_narrow_it(project, ann, annotator, reviewer, client_for):
    (face,) = add_photo(project, None)
    assign_faces(project, [face.pk], ann, by=annotator, event_id=uuid4())
    rename_identity(create_identity(project, "Bo"), "Bob", by=reviewer, event_id=uuid4())
    client, url = client_for(annotator), reverse("history", args=[project.slug])

    def verbs(**asked):
        return [entry.verb for entry in client.get(url, asked).context["entries"]]

    assert verbs() == [Verb.RENAME, Verb.ASSIGN]
    assert verbs(verb="rename") == [Verb.RENAME]
    assert verbs(actor=annotator.pk) == [Verb.ASSIGN]
    assert verbs(person="ANN") == [Verb.ASSIGN]
    assert verbs(person="Nobody") == verbs(verb="sudo") == verbs(actor="x") == []


def test_many_events_ask_no_more_questions_and_large_ones_are_not_read(project, ann, reviewer, client_for):
    url, client = reverse("history", args=[project.slug]), client_for(reviewer)
    for _ in range(2):
        assign_faces(project, [add_photo(project, None)[0].pk], ann, by=reviewer, event_id=uuid4())
    with CaptureQueriesContext(connection) as few:
        client.get(url)
    for _ in range(5):
        assign_faces(project, [add_photo(project, None)[0].pk], ann, by=reviewer, event_id=uuid4())
    rows = [{"id": number, "identity_id": number, "noise": str(uuid4())} for number in range(5000)]
    Event.objects.create(project=project, actor=reviewer, verb=Verb.ASSIGN, after={"faces": rows})
    with CaptureQueriesContext(connection) as many:
        answer = client.get(url)
    assert len(many) == len(few)
    assert answer.context["entries"][0].words == "named faces: 5,000 faces"


def test_pages_of_one_photo_and_one_person(project, ann, reviewer, client_for, stranger):
    (face,) = add_photo(project, None)
    assign_faces(project, [face.pk], ann, by=reviewer, event_id=uuid4())
    for name, pk in (("image-history", face.image_id), ("identity-history", ann.pk)):
        url = reverse(name, args=[project.slug, pk])
        assert "named 1 face “Ann”" in client_for(reviewer).get(url).text
        assert client_for(stranger).get(url).status_code == 404
        assert client_for(reviewer).get(reverse(name, args=[project.slug, 10**9])).status_code == 404
