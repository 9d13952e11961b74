"""One name for many faces at once, all or none; and one face changed on its own."""

from uuid import uuid4

import pytest

from labelling.assign import DECISIONS, assign_faces, decide_faces, edit_face
from labelling.errors import AlreadyUsed, Refused, Stale, Twice
from labelling.identities import create_identity
from labelling.models import (
    Bond,
    Constraint,
    Event,
    Face,
    FaceState,
    Identity,
    Image,
    ImageState,
    LedgerEntry,
    Suggestion,
    Verb,
    Who,
)
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
    def do(*faces, identity=ann, by=annotator, event_id=None, allow_twice=True, **more):
        ids = [face.pk for face in faces]
        more |= {"by": by, "event_id": event_id or uuid4(), "allow_twice": allow_twice}
        return assign_faces(project, ids, identity, **more)

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
            lambda person=person, order=order: assign_faces(
                project, order, person, by=annotator, event_id=uuid4(), allow_twice=True
            )
            for person, order in zip(people, (ids, ids[::-1], ids[1:], ids[::-2]), strict=True)
        ]
    )
    assert all(isinstance(result, Event) for result in results), results
    assert Face.objects.get(pk=ids[3]).version == 5


@pytest.mark.django_db(transaction=True)
def test_every_change_of_a_photo_counts_even_those_at_once(project, ann, make_image, annotator):
    image = make_image(faces=5)
    ids = list(image.faces.values_list("pk", flat=True))
    together(
        *[
            lambda pk=pk: assign_faces(project, [pk], ann, by=annotator, event_id=uuid4(), allow_twice=True)
            for pk in ids
        ]
    )
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


# One person once a photo


def test_nobody_stands_twice_in_a_photo_unless_somebody_says_so(faces, assign, ann):
    before = rows()
    with pytest.raises(Twice, match="“photo_1\\.jpg” would show Ann 2 times") as refused:
        assign(*faces[:3], allow_twice=False)
    assert refused.value.extra["twice"] == [
        {"image": faces[0].image_id, "name": "photo_1.jpg", "faces": [faces[0].pk, faces[1].pk]}
    ]
    assert rows() == before
    event = assign(*faces[:3])
    assert list(Constraint.objects.values_list("bond", "face", "other", "event")) == [
        (Bond.MUST, faces[0].pk, faces[1].pk, event.pk)
    ]


def test_a_photo_that_shows_somebody_already_does_not_show_them_again(faces, assign):
    assign(faces[0], allow_twice=False)
    with pytest.raises(Twice):
        assign(faces[1], faces[2], allow_twice=False)
    assign(faces[1])
    assign(faces[0], faces[1], allow_twice=False)  # known to be a mirror by now


# Strangers: “not this person”


def test_those_knocked_out_are_remembered_as_not_this_person(faces, assign, ann):
    event = assign(faces[0], strangers=[faces[2].pk])
    assert list(Constraint.objects.values_list("bond", "face", "identity", "event")) == [
        (Bond.CANNOT, faces[2].pk, ann.pk, event.pk)
    ]
    assert event.images == [faces[0].image_id, faces[2].image_id]
    assert Face.objects.get(pk=faces[2].pk).version == 1  # nothing is said about who it is
    assign(faces[3], strangers=[faces[2].pk])
    assert Constraint.objects.count() == 1


def test_a_stranger_who_is_named_so_already_refuses_all(faces, assign):
    assign(faces[0])
    before = rows()
    with pytest.raises(Refused, match="take that name away"):
        assign(faces[2], strangers=[faces[0].pk])
    with pytest.raises(Refused, match="both be this person and not"):
        assign(faces[2], strangers=[faces[2].pk])
    assert rows() == before
    assert not Constraint.objects.exists()


def test_the_newest_word_wins(faces, assign):
    assign(faces[0], strangers=[faces[2].pk])
    event = assign(faces[2])
    assert not Constraint.objects.exists()
    assert [row["face_id"] for row in event.before["constraints"]] == [faces[2].pk]


# What the person saw


def test_faces_that_are_not_as_they_were_seen_refuse_all(faces, assign, ann):
    assign(faces[0])
    before = rows()
    with pytest.raises(Stale, match="about 1 of these faces") as refused:
        assign(faces[0], faces[2], seen={faces[0].pk: 1, faces[2].pk: 1})
    assert refused.value.extra == {
        "current": [
            {
                "id": faces[0].pk, "version": 2, "state": "confirmed", "who": "assigned",
                "identity": {"id": ann.pk, "name": "Ann"},
            }
        ],
        "gone": [],
    }  # fmt: skip
    with pytest.raises(Stale):
        assign(faces[2], strangers=[faces[0].pk], seen={faces[0].pk: 1})
    assert rows() == before


def test_a_face_that_vanished_since_it_was_seen_is_named_as_gone(faces, assign):
    gone = faces[0].pk
    Face.objects.filter(pk=gone).delete()
    with pytest.raises(Stale) as refused:
        assign(Face(pk=gone), faces[2], seen={gone: 1, faces[2].pk: 1})
    assert (refused.value.extra["gone"], refused.value.extra["current"]) == ([gone], [])


def test_a_refused_name_makes_no_person(faces, assign):
    with pytest.raises(Twice):
        assign(faces[0], faces[1], identity="Somebody new", allow_twice=False)
    assert [person.name for person in Identity.objects.all()] == ["Ann"]


# Faces set aside


@pytest.mark.parametrize("decision", DECISIONS)
def test_many_faces_are_decided_at_once(project, faces, annotator, decision):
    event = decide_faces(project, [face.pk for face in faces[:3]], decision, by=annotator, event_id=uuid4())
    state, who = DECISIONS[decision]
    assert set(Face.objects.filter(pk__in=[face.pk for face in faces[:3]]).values_list("state", "who", "identity")) == {
        (state, who, None)
    }
    assert [image.state for image in Image.objects.order_by("pk")] == [ImageState.LABELLED, ImageState.PROPOSED]
    assert (event.verb, len(event.after["faces"]), len(event.images)) == (Verb.DECIDE, 3, 2)
    before = rows()
    assert decide_faces(project, [faces[0].pk], decision, by=annotator, event_id=event.pk).pk == event.pk
    assert rows() == before


def test_an_unheard_of_decision_is_refused(project, faces, annotator):
    with pytest.raises(Refused, match="unknown, ignored"):
        decide_faces(project, [faces[0].pk], "perhaps", by=annotator, event_id=uuid4())


def test_names_are_taken_away_from_many(project, faces, assign, annotator, ann):
    assign(*faces)
    event = decide_faces(project, [faces[0].pk], "unassigned", by=annotator, event_id=uuid4())
    face = Face.objects.get(pk=faces[0].pk)
    assert (face.state, face.who, face.identity) == (FaceState.CONFIRMED, Who.UNASSIGNED, None)
    assert event.identities == [ann.pk]


def test_what_was_suggested_is_kept_beside_what_was_decided(project, faces, assign, annotator, ann):
    for face in faces:
        Suggestion.objects.create(face=face, rank=1, identity=ann, probability=0.8, model_name="dlib")
    assign(faces[0], source="label")
    decide_faces(project, [faces[1].pk], "unknown", by=annotator, event_id=uuid4())
    decided = LedgerEntry.objects.order_by("pk").values_list("face", "outcome", "source")
    assert list(decided) == [(faces[0].pk, "accepted", "label"), (faces[1].pk, "unknown", "sort")]
