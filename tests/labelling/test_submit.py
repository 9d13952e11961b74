"""What a person says about a photo is stored whole or not at all, once, and never over somebody else's word."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from labelling.errors import AlreadyUsed, Leased, Refused, Stale
from labelling.identities import create_identity
from labelling.models import Event, Face, FaceState, Identity, Image, ImageState, Lease, Origin, Verb, Who
from labelling.projects import create_project
from labelling.queue import open_image
from labelling.signals import faces_boxed, names_changed
from labelling.submit import FaceWord, submit_image
from tests.together import together

DRAWN = (30.0, 80.0, 20.0, 20.0)


@pytest.fixture
def image(make_image):
    return make_image(faces=2)


@pytest.fixture
def faces(image):
    return list(image.faces.order_by("pk"))


@pytest.fixture
def heard():
    """Which signals were sent."""
    names: list[str] = []
    listeners = {}
    for name, signal in (("boxed", faces_boxed), ("named", names_changed)):
        listeners[signal] = lambda name=name, **kwargs: names.append(name)
        signal.connect(listeners[signal], weak=False)
    yield names
    for signal, listener in listeners.items():
        signal.disconnect(listener)


@pytest.fixture
def say(image, annotator):
    """Submit words as the annotator, on the photo's present version unless told otherwise."""

    def submit(*words, by=annotator, image=image, version=None, event_id=None, **options):
        present = Image.objects.get(pk=image.pk).version
        return submit_image(
            image, list(words), by=by, version=version or present, event_id=event_id or uuid4(), **options
        )

    return submit


def named(face: Face, who, **more) -> FaceWord:
    return FaceWord(id=face.pk, identity=who, has_identity=True, **more)


def everything() -> tuple:
    """All that a refused change must leave alone."""
    return (
        list(Face.objects.order_by("pk").values()),
        list(Image.objects.order_by("pk").values()),
        list(Identity.objects.order_by("pk").values()),
        Event.objects.count(),
    )


def test_all_faces_of_a_photo_are_stored_with_one_event(image, faces, say, annotator):
    uid = uuid4()
    event = say(
        named(faces[0], "Ann"), FaceWord(id=faces[1].pk, state=FaceState.REJECTED), FaceWord(uid=uid, box=DRAWN)
    )
    first, second, third = Face.objects.order_by("pk")
    assert (first.state, first.who, first.identity.name) == (FaceState.CONFIRMED, Who.ASSIGNED, "Ann")
    assert (second.state, second.who, second.identity) == (FaceState.REJECTED, Who.UNASSIGNED, None)
    assert (third.uid, third.box, third.origin, third.state) == (uid, DRAWN, Origin.HUMAN, FaceState.CONFIRMED)
    assert {face.updated_by for face in (first, second, third)} == {annotator}
    image.refresh_from_db()
    assert (image.state, image.version) == (ImageState.LABELLED, 3)
    assert (event.verb, event.actor, event.image) == (Verb.SUBMIT, annotator, image)
    assert [row["id"] for row in event.before["faces"]] == [face.pk for face in faces]
    assert [row["id"] for row in event.after["faces"]] == [first.pk, second.pk, third.pk]


@pytest.mark.parametrize(
    "bad",
    [
        FaceWord(id=987_654, state=FaceState.CONFIRMED),
        FaceWord(uid=uuid4()),
        FaceWord(uid=uuid4(), box=(500, 500, 20, 20)),
        FaceWord(uid=uuid4(), box=DRAWN, identity=987_654, has_identity=True),
        FaceWord(uid=uuid4(), box=DRAWN, who=Who.ASSIGNED),
        FaceWord(uid=uuid4(), box=DRAWN, state=FaceState.REJECTED, identity="Bo", has_identity=True),
        FaceWord(uid=uuid4(), box=DRAWN, who=Who.UNKNOWN, identity="Bo", has_identity=True),
        FaceWord(uid=uuid4(), box=DRAWN, identity="\u200b", has_identity=True),
    ],
)
def test_one_bad_word_stores_nothing_of_all_the_others(faces, say, bad):
    before = everything()
    with pytest.raises(Refused) as refusal:
        say(named(faces[0], "Somebody new"), FaceWord(uid=uuid4(), box=(1, 1, 9, 9)), bad)
    assert refusal.value.message.endswith(".")
    assert everything() == before


def test_a_box_outside_is_refused_with_the_size_of_the_photo(faces, say):
    with pytest.raises(Refused, match=r"inside the image \(160 × 120 pixels\)") as refusal:
        say(FaceWord(id=faces[0].pk, box=(200, 10, 20, 20)))
    assert "box" in refusal.value.fields


def test_a_stale_version_is_refused_and_nothing_stored(image, faces, say, reviewer):
    seen = image.version
    say(named(faces[0], "Ann"), by=reviewer)
    before = everything()
    with pytest.raises(Stale):
        say(named(faces[0], "Bo"), version=seen)
    assert everything() == before


def test_a_repeated_event_returns_the_first_and_changes_nothing(faces, say):
    event_id, uid = uuid4(), uuid4()
    words = [named(faces[0], "Ann"), FaceWord(uid=uid, box=DRAWN)]
    first = say(*words, version=2, event_id=event_id)
    before = everything()
    again = say(*words, version=2, event_id=event_id)  # the version is stale by now, and the replay still fine
    assert again.pk == first.pk
    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_the_same_event_sent_many_times_at_once_is_stored_once(image, faces, annotator):
    event_id, uid = uuid4(), uuid4()
    words = [named(faces[0], "Ann"), FaceWord(uid=uid, box=DRAWN)]
    events = together(*[lambda: submit_image(image, words, by=annotator, version=image.version, event_id=event_id)] * 6)
    assert {getattr(event, "pk", event) for event in events} == {event_id}
    assert image.faces.count() == 3
    assert Image.objects.get().version == image.version + 1


@pytest.mark.django_db(transaction=True)
def test_of_different_words_at_once_one_is_stored_and_the_others_are_told(image, faces, annotator):
    results = together(
        *[
            lambda name=name: submit_image(
                image, [named(faces[0], name)], by=annotator, version=image.version, event_id=uuid4()
            )
            for name in ("Ann", "Bo", "Cy", "Di")
        ]
    )
    assert sum(isinstance(result, Event) for result in results) == 1
    assert sum(isinstance(result, Stale) for result in results) == 3
    assert Identity.objects.count() == 1


def test_an_event_id_of_something_else_is_refused(faces, say, make_image, reviewer):
    event = say(named(faces[0], "Ann"))
    other = make_image(seed=5)
    before = everything()
    with pytest.raises(AlreadyUsed):
        say(image=other, event_id=event.pk)
    with pytest.raises(AlreadyUsed):
        say(named(faces[0], "Ann"), by=reviewer, event_id=event.pk)
    assert everything() == before


def test_a_drawn_face_sent_again_in_another_event_stays_one_face(image, say):
    uid = uuid4()
    say(FaceWord(uid=uid, box=DRAWN))
    say(FaceWord(uid=uid, box=DRAWN, identity="Ann", has_identity=True))
    say(FaceWord(uid=uid, box=DRAWN), FaceWord(uid=uid, box=DRAWN))
    face = Face.objects.get(uid=uid)
    assert (image.faces.count(), face.identity.name) == (3, "Ann")


def test_a_new_face_said_twice_in_one_breath_is_one_face(image, say):
    uid = uuid4()
    say(FaceWord(uid=uid, box=DRAWN), FaceWord(uid=uid, box=DRAWN, who=Who.UNKNOWN))
    assert Face.objects.get(uid=uid).who == Who.UNKNOWN
    assert image.faces.count() == 3


def test_a_face_id_of_another_photo_is_refused(faces, say, make_image):
    other = make_image(seed=5)
    theirs = other.faces.get()
    with pytest.raises(AlreadyUsed):
        say(FaceWord(uid=theirs.uid, box=DRAWN))
    with pytest.raises(Refused, match=f"Face {theirs.pk} is not in this photo"):
        say(FaceWord(id=theirs.pk, state=FaceState.REJECTED))


def test_a_moved_box_drops_its_landmarks_and_is_announced(faces, say, heard, django_capture_on_commit_callbacks):
    Face.objects.filter(pk=faces[0].pk).update(landmarks=[float(n) for n in range(10)])
    with django_capture_on_commit_callbacks(execute=True):
        say(FaceWord(id=faces[0].pk, box=(12, 22, 24, 30)))
    face = Face.objects.get(pk=faces[0].pk)
    assert (face.box, face.landmarks, face.state) == ((12, 22, 24, 30), None, FaceState.PROPOSED)
    assert heard == ["boxed"]


def test_a_box_that_stays_keeps_its_landmarks_and_is_no_news(faces, say, heard, django_capture_on_commit_callbacks):
    points = [float(n) for n in range(10)]
    Face.objects.filter(pk=faces[0].pk).update(landmarks=points)
    with django_capture_on_commit_callbacks(execute=True):
        say(FaceWord(id=faces[0].pk, box=faces[0].box, state=FaceState.CONFIRMED))
    assert Face.objects.get(pk=faces[0].pk).landmarks == points
    assert heard == []


def test_many_names_are_announced_once(faces, say, heard, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        say(named(faces[0], "Ann"), named(faces[1], "Bo"), FaceWord(uid=uuid4(), box=DRAWN))
    assert sorted(heard) == ["boxed", "named"]


def test_a_refused_submit_announces_nothing(faces, say, heard, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), pytest.raises(Refused):
        say(named(faces[0], "Ann"), FaceWord(id=987_654))
    assert heard == []


def test_a_listener_that_fails_does_not_undo_or_fail_the_submit(faces, say, django_capture_on_commit_callbacks):
    def broken(**kwargs):
        raise RuntimeError("a listener of another layer")

    names_changed.connect(broken)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            event = say(named(faces[0], "Ann"))
    finally:
        names_changed.disconnect(broken)
    assert Event.objects.filter(pk=event.pk).exists()


def test_naming_a_proposal_confirms_it(faces, say):
    say(named(faces[0], "Ann"), FaceWord(id=faces[1].pk, who=Who.IGNORED))
    first, second = Face.objects.order_by("pk")
    assert (first.state, first.who) == (FaceState.CONFIRMED, Who.ASSIGNED)
    assert (second.state, second.who) == (FaceState.CONFIRMED, Who.IGNORED)


@pytest.mark.parametrize("word", [{"identity": "Ann", "has_identity": True}, {"who": Who.UNKNOWN}])
def test_what_is_no_face_can_be_nobody(faces, say, word):
    say(FaceWord(id=faces[0].pk, state=FaceState.REJECTED))
    before = everything()
    for state in (None, FaceState.REJECTED):
        with pytest.raises(Refused, match="not a face"):
            say(FaceWord(id=faces[0].pk, state=state, **word))
    assert everything() == before
    say(FaceWord(id=faces[0].pk, state=FaceState.CONFIRMED, **word))  # unless one says that it is a face after all


def test_a_proposal_that_stays_one_cannot_be_named(faces, say):
    with pytest.raises(Refused, match="proposed"):
        say(named(faces[0], "Ann", state=FaceState.PROPOSED))


@pytest.mark.parametrize("state", [FaceState.REJECTED, FaceState.PROPOSED])
def test_a_face_that_is_none_after_all_loses_its_name(faces, say, state):
    say(named(faces[0], "Ann"))
    say(FaceWord(id=faces[0].pk, state=state))
    face = Face.objects.get(pk=faces[0].pk)
    assert (face.state, face.who, face.identity) == (state, Who.UNASSIGNED, None)


def test_a_person_is_given_by_number_or_by_name_in_any_case(project, faces, say):
    ann = create_identity(project, "Ann Lee")
    say(named(faces[0], ann.pk), named(faces[1], "  ann  LEE "))
    assert {face.identity for face in Face.objects.all()} == {ann}
    assert Identity.objects.count() == 1


def test_nobody_takes_the_name_away_and_saying_nothing_keeps_it(faces, say):
    say(named(faces[0], "Ann"), named(faces[1], "Bo"))
    say(named(faces[0], None), FaceWord(id=faces[1].pk, state=FaceState.CONFIRMED))
    first, second = Face.objects.order_by("pk")
    assert (first.state, first.who, first.identity) == (FaceState.CONFIRMED, Who.UNASSIGNED, None)
    assert second.identity.name == "Bo"


def test_unknown_replaces_a_name(faces, say):
    say(named(faces[0], "Ann"))
    say(FaceWord(id=faces[0].pk, who=Who.UNKNOWN))
    face = Face.objects.get(pk=faces[0].pk)
    assert (face.who, face.identity) == (Who.UNKNOWN, None)


def test_a_person_of_another_project_is_refused(owner, faces, say):
    elsewhere = create_identity(create_project("Elsewhere", by=owner), "Eve")
    before = everything()
    with pytest.raises(Refused, match=f"no person {elsewhere.pk} in this project"):
        say(named(faces[0], elsewhere.pk))
    assert everything() == before


def test_a_photo_is_labelled_only_when_no_proposal_is_left(image, faces, say):
    say(FaceWord(id=faces[0].pk, state=FaceState.CONFIRMED))
    image.refresh_from_db()
    assert image.state == ImageState.PROPOSED
    say(FaceWord(id=faces[1].pk, state=FaceState.REJECTED))
    image.refresh_from_db()
    assert image.state == ImageState.LABELLED
    say(FaceWord(id=faces[1].pk, state=FaceState.PROPOSED))
    image.refresh_from_db()
    assert image.state == ImageState.PROPOSED


def test_a_photo_without_faces_is_labelled_by_saying_so(make_image, say):
    empty = make_image(seed=5, faces=0)
    say(image=empty)
    empty.refresh_from_db()
    assert empty.state == ImageState.LABELLED


def test_faces_not_mentioned_are_left_as_they_are(faces, say):
    before = Face.objects.filter(pk=faces[1].pk).values().get()
    say(named(faces[0], "Ann"))
    assert Face.objects.filter(pk=faces[1].pk).values().get() == before


def test_a_photo_somebody_else_works_on_is_refused(image, faces, say, reviewer):
    open_image(image, reviewer)
    before = everything()
    with pytest.raises(Leased, match="rita"):
        say(named(faces[0], "Ann"))
    assert everything() == before
    assert Lease.objects.get().user == reviewer


def test_submitting_with_its_lease_gives_the_photo_free(image, faces, say, annotator):
    lease = open_image(image, annotator)
    say(named(faces[0], "Ann"))
    assert Lease.objects.exists()
    say(named(faces[0], "Ann"), lease=lease.token)
    assert not Lease.objects.exists()


def test_ones_own_lapsed_lease_is_no_obstacle(image, faces, say, annotator):
    lease = open_image(image, annotator)
    Lease.objects.update(until="2020-01-01T00:00Z")
    say(named(faces[0], "Ann"), lease=lease.token)


def test_history_cannot_be_rewritten(faces, say):
    event = say(named(faces[0], "Ann"))
    for change in ({"after": {}}, {"before": {}}, {"verb": Verb.ASSIGN}, {"created_at": "2020-01-01T00:00Z"}):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            Event.objects.filter(pk=event.pk).update(**change)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE labelling_event SET id = gen_random_uuid()")


def test_history_outlives_the_photo_and_the_person_who_acted(image, faces, say, annotator):
    event = say(named(faces[0], "Ann"))
    image.delete()
    annotator.delete()
    event.refresh_from_db()
    assert (event.image, event.actor) == (None, None)
    assert event.after["faces"][0]["state"] == "confirmed"


@pytest.mark.parametrize(
    "broken",
    [
        {"x": -1}, {"x": 150}, {"y": 100}, {"w": 0}, {"h": -1}, {"w": float("nan")}, {"state": "maybe"},
        {"who": "assigned"}, {"who": "somebody"}, {"state": "rejected", "who": "unknown"}, {"who": "ignored"},
    ],
)  # fmt: skip
def test_the_database_itself_refuses_faces_that_make_no_sense(faces, broken):
    with pytest.raises(IntegrityError), transaction.atomic():
        Face.objects.filter(pk=faces[0].pk).update(**broken)
