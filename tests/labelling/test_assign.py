"""One name for many faces at once, all or none; and one face changed on its own."""

from uuid import uuid4

import pytest

from labelling.assign import assign_faces, edit_face
from labelling.errors import AlreadyUsed, Refused, Stale
from labelling.identities import create_identity
from labelling.models import Event, Face, FaceState, Image, ImageState, Verb, Who
from labelling.projects import create_project
from labelling.signals import names_changed
from labelling.submit import FaceWord, submit_image
from tests.together import together


@pytest.fixture
def ann(project):
    return create_identity(project, "Ann")


@pytest.fixture
def faces(make_image):
    return [face for seed in (1, 2) for face in make_image(seed=seed, faces=2).faces.order_by("pk")]


@pytest.fixture
def assign(project, ann, annotator):
    def do(*faces, identity=ann, by=annotator, event_id=None):
        return assign_faces(project, [face.pk for face in faces], identity, by=by, event_id=event_id or uuid4())

    return do


def rows() -> tuple:
    faces, images = (list(model.objects.order_by("pk").values()) for model in (Face, Image))
    return faces, images, Event.objects.count()


def test_many_faces_get_one_name_and_one_event(faces, assign, ann, annotator, django_capture_on_commit_callbacks):
    heard = []

    def hear(project_id, **kwargs):
        heard.append(project_id)

    names_changed.connect(hear)
    with django_capture_on_commit_callbacks(execute=True):
        event = assign(*faces)
    assert set(Face.objects.values_list("state", "who", "identity", "updated_by", "version")) == {
        (FaceState.CONFIRMED, Who.ASSIGNED, ann.pk, annotator.pk, 2)
    }
    assert set(Image.objects.values_list("state", "version")) == {(ImageState.LABELLED, 3)}
    assert (event.verb, event.image, len(event.after["faces"])) == (Verb.ASSIGN, None, 4)
    assert heard == [ann.project_id]


def test_a_photo_with_other_proposals_still_waits(faces, assign):
    assign(faces[0], faces[2], faces[3])
    assert [image.state for image in Image.objects.order_by("pk")] == [ImageState.PROPOSED, ImageState.LABELLED]


def test_a_face_given_twice_counts_once(faces, assign):
    event = assign(faces[0], faces[0])
    assert len(event.after["faces"]) == 1
    assert Face.objects.get(pk=faces[0].pk).version == 2


def test_one_foreign_face_refuses_all(faces, assign, owner):
    elsewhere = create_project("Elsewhere", by=owner)
    foreign = Face.objects.get(pk=faces[3].pk)
    Face.objects.filter(pk=foreign.pk).update(project=elsewhere)
    before = rows()
    with pytest.raises(Refused, match="1 of the faces are not in this project"):
        assign(faces[0], foreign)
    with pytest.raises(Refused):
        assign(faces[0], Face(pk=987_654))
    assert rows() == before


def test_one_that_is_no_face_refuses_all(faces, assign):
    Face.objects.filter(pk=faces[1].pk).update(state=FaceState.REJECTED)
    before = rows()
    with pytest.raises(Refused, match=f"show no face, e.g. {faces[1].pk}"):
        assign(*faces)
    assert rows() == before


def test_a_person_of_another_project_is_refused(faces, assign, owner):
    elsewhere = create_identity(create_project("Elsewhere", by=owner), "Eve")
    before = rows()
    with pytest.raises(Refused, match="no person"):
        assign(*faces, identity=elsewhere)
    assert rows() == before


def test_a_repeated_event_changes_nothing_and_one_of_something_else_is_refused(faces, assign, annotator, reviewer):
    event = assign(faces[0])
    before = rows()
    assert assign(faces[0], event_id=event.pk).pk == event.pk
    with pytest.raises(AlreadyUsed):
        assign(faces[1], by=reviewer, event_id=event.pk)
    image = Image.objects.first()
    submitted = submit_image(image, [], by=annotator, version=image.version, event_id=uuid4())
    before = rows()
    with pytest.raises(AlreadyUsed):
        assign(faces[1], event_id=submitted.pk)
    assert rows() == before


@pytest.mark.django_db(transaction=True)
def test_crossing_assignments_at_once_do_not_lock_each_other_out(project, faces, annotator):
    """The same photos in opposite orders: a deadlock, if rows were locked as they come."""
    people = [create_identity(project, f"Person {number}") for number in range(4)]
    ids = [face.pk for face in faces]
    results = together(
        *[
            lambda person=person, order=order: assign_faces(project, order, person, by=annotator, event_id=uuid4())
            for person, order in zip(people, (ids, ids[::-1], ids[1:], ids[::-2]), strict=True)
        ]
    )
    assert all(isinstance(result, Event) for result in results), results
    assert Face.objects.get(pk=ids[3]).version == 5


@pytest.mark.django_db(transaction=True)
def test_every_change_of_a_photo_counts_even_those_at_once(project, ann, make_image, annotator):
    image = make_image(faces=5)
    ids = list(image.faces.values_list("pk", flat=True))
    together(*[lambda pk=pk: assign_faces(project, [pk], ann, by=annotator, event_id=uuid4()) for pk in ids])
    image.refresh_from_db()
    assert (image.version, image.state) == (2 + len(ids), ImageState.LABELLED)


def test_one_face_is_edited_by_its_own_version(faces, annotator):
    face = faces[0]
    edit_face(face, FaceWord(id=face.pk, who=Who.UNKNOWN), by=annotator, version=1, event_id=uuid4())
    # Another face of the photo was changed meanwhile: no obstacle, unlike a change of this very face.
    edit_face(faces[1], FaceWord(id=faces[1].pk, who=Who.IGNORED), by=annotator, version=1, event_id=uuid4())
    before = rows()
    with pytest.raises(Stale):
        edit_face(face, FaceWord(id=face.pk, who=Who.IGNORED), by=annotator, version=1, event_id=uuid4())
    assert rows() == before
    assert [f.who for f in Face.objects.order_by("pk")[:2]] == [Who.UNKNOWN, Who.IGNORED]


def test_a_repeated_edit_changes_nothing(faces, annotator):
    event_id = uuid4()
    word = FaceWord(id=faces[0].pk, who=Who.UNKNOWN)
    first = edit_face(faces[0], word, by=annotator, version=1, event_id=event_id)
    before = rows()
    assert edit_face(faces[0], word, by=annotator, version=1, event_id=event_id).pk == first.pk
    assert rows() == before
