"""Undo puts back exactly what was, once, unless somebody built on the change."""

from uuid import uuid4

import pytest

from labelling.assign import assign_faces
from labelling.errors import AlreadyUsed, Refused, Stale
from labelling.identities import create_identity, rename_identity
from labelling.models import Event, Face, FaceState, Identity, Image, ImageState, Verb, Who
from labelling.proposals import ProposedFace, record_proposals
from labelling.signals import faces_boxed, names_changed
from labelling.submit import KEPT, FaceWord, submit_image
from labelling.undo import undo_event
from tests.together import together

DRAWN = (30.0, 80.0, 20.0, 20.0)


@pytest.fixture
def image(make_image):
    image = make_image(faces=2)
    image.faces.update(landmarks=[float(n) for n in range(10)])
    return image


@pytest.fixture
def faces(image):
    return list(image.faces.order_by("pk"))


@pytest.fixture
def say(annotator):
    def submit(image, *words):
        version = Image.objects.get(pk=image.pk).version
        return submit_image(image, list(words), by=annotator, version=version, event_id=uuid4())

    return submit


def named(face: Face, who, **more) -> FaceWord:
    return FaceWord(id=face.pk, identity=who, has_identity=True, **more)


def content() -> tuple:
    """All that undo restores: what was said of each face, and where each photo stands."""
    return (
        list(Face.objects.order_by("pk").values("pk", "uid", *KEPT)),
        list(Image.objects.order_by("pk").values_list("pk", "state")),
    )


def test_undo_restores_faces_drawn_moved_named_and_rejected(image, faces, say, annotator):
    before = content()
    version = Image.objects.get().version
    event = say(
        image,
        named(faces[0], "Ann", box=(20, 30, 24, 30)),
        FaceWord(id=faces[1].pk, state=FaceState.REJECTED),
        FaceWord(uid=uuid4(), box=DRAWN),
    )
    assert content() != before
    undone = undo_event(event, by=annotator)
    assert content() == before
    assert (undone.verb, undone.undoes, undone.actor) == (Verb.UNDO, event, annotator)
    assert Image.objects.get().version == version + 2  # to a stale browser this is no old state


def test_undo_of_a_second_change_restores_the_first(image, faces, say, annotator):
    say(image, named(faces[0], "Ann"), FaceWord(id=faces[1].pk, who=Who.UNKNOWN))
    before = content()
    undo_event(say(image, named(faces[0], "Bo"), FaceWord(id=faces[1].pk, state=FaceState.REJECTED)), by=annotator)
    assert content() == before


def test_undo_of_an_empty_photo_lets_it_wait_again(make_image, say, annotator):
    empty = make_image(seed=5, faces=0)
    undo_event(say(empty), by=annotator)
    empty.refresh_from_db()
    assert empty.state == ImageState.PROPOSED


def test_undo_twice_is_as_undo_once(image, faces, say, annotator, reviewer):
    event = say(image, named(faces[0], "Ann"))
    first = undo_event(event, by=annotator)
    before = content(), Event.objects.count()
    assert undo_event(event, by=reviewer).pk == first.pk
    assert (content(), Event.objects.count()) == before


@pytest.mark.django_db(transaction=True)
def test_undo_from_many_tabs_at_once_is_done_once(image, faces, say, annotator):
    before = content()
    event = say(image, named(faces[0], "Ann"), FaceWord(uid=uuid4(), box=DRAWN))
    results = together(*[lambda: undo_event(event, by=annotator)] * 5)
    assert len({getattr(result, "pk", result) for result in results}) == 1
    assert content() == before
    assert Event.objects.filter(verb=Verb.UNDO).count() == 1


def test_undo_is_refused_when_someone_built_on_the_change(image, faces, say, annotator):
    first = say(image, named(faces[0], "Ann"))
    second = say(image, named(faces[0], "Bo"))
    before = content(), Event.objects.count()
    with pytest.raises(Stale):
        undo_event(first, by=annotator)
    assert (content(), Event.objects.count()) == before
    undo_event(second, by=annotator)
    undo_event(first, by=annotator)  # now that nothing stands on it
    assert {face.identity for face in Face.objects.all()} == {None}


def test_undo_of_a_drawn_face_that_was_named_since_is_refused(image, say, annotator, project):
    event = say(image, FaceWord(uid=uuid4(), box=DRAWN))
    face = Face.objects.latest("pk")
    assign_faces(project, [face.pk], create_identity(project, "Ann"), by=annotator, event_id=uuid4())
    with pytest.raises(Stale):
        undo_event(event, by=annotator)
    assert Face.objects.filter(pk=face.pk).exists()


def test_a_later_change_of_another_face_is_no_obstacle_and_is_kept(image, faces, say, annotator):
    event = say(image, named(faces[0], "Ann"))
    say(image, named(faces[1], "Bo"))
    undo_event(event, by=annotator)
    first, second = Face.objects.order_by("pk")
    assert (first.state, first.identity) == (FaceState.PROPOSED, None)
    assert second.identity.name == "Bo"
    assert Image.objects.get().state == ImageState.PROPOSED


def test_a_photo_somebody_has_labelled_since_does_not_wait_again(make_image, say, annotator):
    empty = make_image(seed=5, faces=0)
    event = say(empty, FaceWord(uid=uuid4(), box=DRAWN))
    say(empty)  # somebody looked again, and found it right
    undo_event(event, by=annotator)
    empty.refresh_from_db()
    assert (empty.state, empty.faces.count()) == (ImageState.LABELLED, 0)


def test_a_detector_that_came_since_is_no_obstacle(image, faces, say, annotator):
    event = say(image, named(faces[0], "Ann"))
    record_proposals(image.pk, [ProposedFace((110, 20, 24, 30), 0.99, None)], detector={"name": "test"})
    undo_event(event, by=annotator)
    assert Face.objects.get(pk=faces[0].pk).state == FaceState.PROPOSED
    assert Face.objects.filter(x=110).exists()


def test_undo_of_many_named_faces_restores_each_photo_as_it_stood(project, make_image, say, annotator):
    waiting, labelled = make_image(seed=1), make_image(seed=2)
    one, two = waiting.faces.get(), labelled.faces.get()
    say(labelled, FaceWord(id=two.pk, state=FaceState.CONFIRMED))
    before = content()
    assert {state for _, state in before[1]} == {ImageState.PROPOSED, ImageState.LABELLED}
    event = assign_faces(project, [one.pk, two.pk], create_identity(project, "Ann"), by=annotator, event_id=uuid4())
    undo_event(event, by=annotator)
    assert content() == before


def test_undo_announces_what_changed(image, faces, say, annotator, django_capture_on_commit_callbacks):
    event = say(image, named(faces[0], "Ann"))
    heard = []

    def hear(signal, **kwargs):
        heard.append(signal)

    for signal in (names_changed, faces_boxed):
        signal.connect(hear)
    with django_capture_on_commit_callbacks(execute=True):
        undo_event(event, by=annotator)
    assert set(heard) == {names_changed, faces_boxed}


def test_an_undo_itself_cannot_be_taken_back(image, faces, say, annotator):
    undone = undo_event(say(image, named(faces[0], "Ann")), by=annotator)
    with pytest.raises(Refused):
        undo_event(undone, by=annotator)


# Renames


def test_a_rename_is_taken_back(project, reviewer):
    ann = create_identity(project, "Ann")
    event = rename_identity(ann, "Anna", by=reviewer, event_id=uuid4())
    undo_event(event, by=reviewer)
    undo_event(event, by=reviewer)
    assert Identity.objects.get().name == "Ann"


def test_a_rename_that_was_built_upon_is_not_taken_back(project, reviewer):
    ann = create_identity(project, "Ann")
    first = rename_identity(ann, "Anna", by=reviewer, event_id=uuid4())
    rename_identity(ann, "Annabel", by=reviewer, event_id=uuid4())
    with pytest.raises(Stale):
        undo_event(first, by=reviewer)
    assert Identity.objects.get().name == "Annabel"


def test_a_rename_is_not_taken_back_into_the_name_of_somebody_else(project, reviewer):
    ann = create_identity(project, "Ann")
    event = rename_identity(ann, "Anna", by=reviewer, event_id=uuid4())
    create_identity(project, "ann")
    with pytest.raises(Stale, match="Ann"):
        undo_event(event, by=reviewer)
    assert set(Identity.objects.values_list("name", flat=True)) == {"Anna", "ann"}


def test_an_event_id_of_a_submit_cannot_rename(project, image, say, reviewer):
    event = say(image)
    with pytest.raises(AlreadyUsed):
        rename_identity(create_identity(project, "Ann"), "Anna", by=reviewer, event_id=event.pk)
