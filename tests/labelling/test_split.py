"""Faces taken away from a person: to a new one, to another, or back to waiting; and exactly back."""

from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from labelling.errors import AlreadyUsed, NotSame, Refused, Stale, Twice
from labelling.identities import create_identity, rename_identity
from labelling.merge import merge_people
from labelling.models import Bond, Constraint, Event, Face, FaceState, Identity, ImageState, Verb, Who
from labelling.projects import create_project
from labelling.split import split_person
from labelling.undo import undo_event
from tests.labelling.people import add_photo, counts, everything
from tests.together import together


@pytest.fixture
def ann(project):
    return create_identity(project, "Ann")


@pytest.fixture
def faces(project, ann):
    return [add_photo(project, ann)[0] for _ in range(4)]


@pytest.fixture
def split(reviewer, ann):
    def run(faces, to, **options):
        return split_person(ann, [face.pk for face in faces], to=to, by=reviewer, event_id=uuid4(), **options)

    return run


def test_a_new_person_gets_the_faces_and_a_number_of_their_own(project, ann, faces, split):
    event = split(faces[:3], "Bo")
    assert counts(project) == {"Ann": 1, "Bo": 3}
    bo = Identity.objects.get(name="Bo")
    assert bo.class_id != ann.class_id
    assert (event.verb, event.identities) == (Verb.SPLIT, sorted([ann.pk, bo.pk]))
    assert Face.objects.get(pk=faces[0].pk).version == faces[0].version + 1


def test_that_they_are_not_the_person_is_remembered_if_wanted(ann, faces, split):
    split(faces[:1], "Bo")
    event = split(faces[1:2], "Bo", remember=False)
    assert list(Constraint.objects.values_list("face", "identity", "bond")) == [(faces[0].pk, ann.pk, Bond.CANNOT)]
    assert event.after["remembered"] is False


def test_faces_can_go_to_somebody_there_is_by_name_or_as_such(project, faces, split):
    bo = create_identity(project, "Bo")
    split(faces[:1], "bo")
    split(faces[1:2], bo)
    assert counts(project) == {"Ann": 2, "Bo": 2}


def test_not_this_person_sends_faces_back_to_waiting(project, ann, faces, split, reviewer):
    before = everything()
    event = split(faces[:2], None)
    away = Face.objects.get(pk=faces[0].pk)
    assert (away.state, away.who, away.identity) == (FaceState.CONFIRMED, Who.UNASSIGNED, None)
    assert Face.objects.waiting().count() == 2
    assert Constraint.objects.filter(identity=ann, bond=Bond.CANNOT).count() == 2
    assert away.image.state == ImageState.LABELLED  # every box in it is decided; who it is waits for Sort
    undo_event(event, by=reviewer)
    assert everything() == before


def test_undo_removes_the_person_made_for_it_only_when_nobody_uses_them(project, faces, split, reviewer):
    before = everything()
    event = split(faces[:2], "Bo")
    undo_event(event, by=reviewer)
    assert everything() == before
    event = split(faces[:2], "Bo")
    add_photo(project, Identity.objects.get(name="Bo"))
    undo_event(event, by=reviewer)
    assert counts(project) == {"Ann": 4, "Bo": 1}


def test_undo_keeps_a_new_person_whom_somebody_has_renamed(project, faces, split, reviewer):
    event = split(faces[:2], "Bo")
    rename_identity(Identity.objects.get(name="Bo"), "Bodo", by=reviewer, event_id=uuid4())
    undo_event(event, by=reviewer)
    assert counts(project) == {"Ann": 4, "Bodo": 0}


def test_undo_waits_for_a_later_merge_to_be_taken_back(project, ann, faces, split, reviewer):
    before = everything()
    event = split(faces[:2], "Bo")
    later = merge_people(ann, create_identity(project, "Cem"), by=reviewer, event_id=uuid4())
    with pytest.raises(Stale, match="take that back first"):
        undo_event(event, by=reviewer)
    undo_event(later, by=reviewer)
    undo_event(event, by=reviewer)
    Identity.objects.filter(name="Cem").delete()
    assert everything() == before


def test_a_split_taken_together_again_by_a_merge_can_be_walked_back(project, ann, faces, split, reviewer):
    before = everything()
    event = split(faces[:2], "Bo")
    with pytest.raises(NotSame):  # the split itself said so
        merge_people(Identity.objects.get(name="Bo"), ann, by=reviewer, event_id=uuid4())
    later = merge_people(
        Identity.objects.get(name="Bo"), ann, by=reviewer, event_id=uuid4(), allow_not_same=True
    )  # fmt: skip
    undo_event(later, by=reviewer)
    undo_event(event, by=reviewer)
    assert [*everything()[:2], everything()[3]] == [*before[:2], before[3]]
    assert counts(project)["Ann"] == 4


def test_somebody_is_not_put_twice_into_a_photo_unless_it_is_a_mirror(project, ann, split, reviewer):
    bo = create_identity(project, "Bo")
    one, other = add_photo(project, ann, bo)
    before = everything()
    with pytest.raises(Twice, match=one.image.name):
        split([one], bo)
    assert everything() == before
    event = split([one], bo, allow_twice=True, remember=False)
    assert list(Constraint.objects.values_list("bond", "face", "other")) == [(Bond.MUST, one.pk, other.pk)]
    undo_event(event, by=reviewer)
    assert everything() == before


def test_what_people_said_against_the_new_name_stops_it_until_withdrawn(project, faces, split, reviewer):
    bo = create_identity(project, "Bo")
    Constraint.objects.create(project=project, bond=Bond.CANNOT, face=faces[0], identity=bo)
    before = everything()
    with pytest.raises(NotSame):
        split(faces, bo)
    event = split(faces, bo, allow_not_same=True)
    assert not Constraint.objects.filter(identity=bo).exists()
    undo_event(event, by=reviewer)
    assert everything() == before


def test_faces_that_are_not_the_persons_any_more_stop_it(project, ann, faces, split):
    split(faces[:1], "Bo")
    with pytest.raises(Stale, match="1 of these faces"):
        split(faces, "Cem")
    assert counts(project) == {"Ann": 3, "Bo": 1}
    with pytest.raises(Refused, match="Choose"):
        split([], "Cem")


def test_to_the_same_person_or_into_another_project_is_no_split(project, owner, ann, faces, split):
    foreign = create_identity(create_project("Elsewhere", by=owner), "Bo")
    for to, words in ((ann, "already"), ("ann", "already"), (foreign, "no person")):
        with pytest.raises(Refused, match=words):
            split(faces[:1], to)
    assert counts(project) == {"Ann": 4}


def test_the_same_event_twice_splits_once(ann, faces, reviewer, project):
    event_id = uuid4()
    first = split_person(ann, [faces[0].pk], to="Bo", by=reviewer, event_id=event_id)
    assert split_person(ann, [faces[0].pk], to="Bo", by=reviewer, event_id=event_id) == first
    assert Event.objects.count() == 1
    with pytest.raises(AlreadyUsed):
        split_person(Identity.objects.get(name="Bo"), [faces[0].pk], to="Cem", by=reviewer, event_id=event_id)


@pytest.mark.django_db(transaction=True)
def test_the_same_request_twice_at_once_splits_once(ann, faces, reviewer, project):
    event_id = uuid4()
    one = lambda: split_person(ann, [faces[0].pk], to="Bo", by=reviewer, event_id=event_id)  # noqa: E731
    assert [answer.pk for answer in together(one, one)] == [event_id, event_id]
    assert counts(project) == {"Ann": 3, "Bo": 1}


@pytest.mark.django_db
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # fmt: skip
@given(data=st.data())
def test_counts_add_up_and_undo_is_exact_whatever_there_was(project, reviewer, data):
    with transaction.atomic():
        ann, bo = create_identity(project, "Ann"), create_identity(project, "Bo")
        photos = data.draw(st.lists(st.lists(st.sampled_from([ann, bo, None]), min_size=1, max_size=3), max_size=6))
        faces = [face for photo in [[ann], *photos] for face in add_photo(project, *photo)]
        words = [(face, person) for face in faces for person in (ann, bo)]
        for face, person in data.draw(st.lists(st.sampled_from(words), unique=True, max_size=4)):
            Constraint.objects.create(project=project, bond=Bond.CANNOT, face=face, identity=person)
        before, total = everything(), Face.objects.named().count()
        events = []
        for _ in range(data.draw(st.integers(1, 3))):
            left = list(Face.objects.filter(identity=ann).values_list("pk", flat=True))
            if left:
                chosen = data.draw(st.lists(st.sampled_from(left), min_size=1, unique=True))
                to, remember = data.draw(st.sampled_from([bo, "Cem", None])), data.draw(st.booleans())
                events.append(
                    split_person(
                        ann, chosen, to=to, by=reviewer, event_id=uuid4(), remember=remember, allow_twice=True,
                        allow_not_same=True,
                    )
                )  # fmt: skip
        away = sum(len(event.before["moved"]) for event in events if event.after["identity"] is None)
        assert sum(counts(project).values()) == total - away
        for event in reversed(events):
            undo_event(event, by=reviewer)
        after = everything()
        assert (after[0], after[1], after[3]) == (before[0], before[1], before[3])
        # A second split into a person made by the first still names them in its history, so they may stay.
        assert [row for row in after[2] if row["name"] != "Cem"] == before[2]
        transaction.set_rollback(True)
