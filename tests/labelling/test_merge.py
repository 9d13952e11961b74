"""Two people become one, nothing of either is lost, and taking it back gives exactly the two there were."""

from itertools import pairwise
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from labelling.assign import assign_faces
from labelling.errors import AlreadyUsed, Refused, Stale
from labelling.identities import create_identity, get_or_create_identity, rename_identity
from labelling.merge import merge_people
from labelling.models import (
    Bond,
    Cluster,
    ClusterRun,
    Constraint,
    Event,
    Face,
    Identity,
    Image,
    Suggestion,
    Verb,
)
from labelling.projects import create_project
from labelling.signals import names_changed
from labelling.submit import FaceWord, resolve_identity, submit_image
from labelling.undo import undo_event
from tests.labelling.people import add_photo, counts, everything
from tests.together import together


@pytest.fixture
def ann(project):
    return create_identity(project, "Ann")


@pytest.fixture
def anna(project):
    return create_identity(project, "Anna")


@pytest.fixture
def merge(reviewer):
    def run(source, target, **options):
        return merge_people(source, target, by=reviewer, event_id=uuid4(), **options)

    return run


def test_all_that_one_had_is_the_others(project, ann, anna, merge):
    Identity.objects.filter(pk=ann.pk).update(aliases=["Annie", "ANNA"])
    Identity.objects.filter(pk=anna.pk).update(aliases=["A."])
    for person in (ann, ann, anna):
        add_photo(project, person)
    claimed = add_photo(project, None, claimed_identity=ann)[0]
    event = merge(ann, anna)
    assert counts(project) == {"Anna": 3}
    anna.refresh_from_db()
    ann.refresh_from_db()
    assert (anna.aliases, ann.merged_into) == (["A.", "Ann", "Annie"], anna)
    assert Image.objects.get(pk=claimed.image_id).claimed_identity == anna
    assert event.identities == sorted([ann.pk, anna.pk])
    assert len(event.images) == 2


def test_suggestions_and_clusters_follow(project, ann, anna, merge):
    (one,), (two,) = add_photo(project, None), add_photo(project, None)
    for rank, person in enumerate((ann, anna), start=1):
        Suggestion.objects.create(face=one, rank=rank, identity=person, probability=0.5, model_name="x")
    Suggestion.objects.create(face=two, rank=1, identity=ann, probability=0.5, model_name="x")
    run = ClusterRun.objects.create(project=project, number=1, embedder="dlib")
    cluster = Cluster.objects.create(run=run, rank=1, waiting=2, identity=ann)
    merge(ann, anna)
    assert list(Suggestion.objects.order_by("face").values_list("face", "identity")) == [
        (one.pk, anna.pk),
        (two.pk, anna.pk),
    ]
    cluster.refresh_from_db()
    assert cluster.identity == anna


def test_not_this_person_is_remembered_of_whom_they_became(project, ann, anna, merge, reviewer):
    (one,), (two,) = add_photo(project, None), add_photo(project, None)
    for face, person in ((one, ann), (two, ann), (two, anna)):
        Constraint.objects.create(project=project, bond=Bond.CANNOT, face=face, identity=person, created_by=reviewer)
    before = everything()
    event = merge(ann, anna)
    assert set(Constraint.objects.values_list("face", "identity")) == {(one.pk, anna.pk), (two.pk, anna.pk)}
    undo_event(event, by=reviewer)
    assert everything() == before


def test_a_photo_with_both_stops_it_and_is_named(project, ann, anna, merge):
    both = add_photo(project, ann, anna)
    before = everything()
    with pytest.raises(Refused, match=both[0].image.name) as refused:
        merge(ann, anna)
    assert refused.value.code == "twice"
    assert refused.value.extra["photos"] == [{"id": both[0].image_id, "name": both[0].image.name}]
    assert everything() == before


def test_a_mirror_may_be_allowed_and_is_remembered(project, ann, anna, merge, reviewer):
    both = add_photo(project, ann, anna)
    before = everything()
    event = merge(ann, anna, allow_twice=True)
    must = Constraint.objects.get()
    assert (must.bond, must.face, must.other, must.event) == (Bond.MUST, both[0], both[1], event)
    undo_event(event, by=reviewer)
    assert everything() == before


def test_a_known_mirror_asks_nobody_again(project, ann, anna, merge):
    one, two = add_photo(project, ann, anna)
    Constraint.objects.create(project=project, bond=Bond.MUST, face=one, other=two)
    merge(ann, anna)
    assert counts(project) == {"Anna": 2}


@pytest.mark.parametrize("kind", ["pair", "reversed pair", "not the target", "not the source"])
def test_what_people_said_against_it_stops_it_until_withdrawn(project, ann, anna, merge, reviewer, kind):
    (two,), (one,) = add_photo(project, anna), add_photo(project, ann)
    if kind == "reversed pair":
        (two,) = add_photo(project, anna)
    low, high = sorted([one, two], key=lambda face: face.pk)
    said = {
        "not the target": {"face": one, "identity": anna},
        "not the source": {"face": two, "identity": ann},
    }.get(kind, {"face": low, "other": high})
    Constraint.objects.create(project=project, bond=Bond.CANNOT, created_by=reviewer, **said)
    before = everything()
    with pytest.raises(Refused, match="said once") as refused:
        merge(ann, anna)
    assert refused.value.code == "not_same"
    assert everything() == before
    event = merge(ann, anna, allow_not_same=True)
    assert not Constraint.objects.exists()
    undo_event(event, by=reviewer)
    assert everything() == before


def test_a_photo_called_a_mirror_overrules_what_was_said_of_the_pair(project, ann, anna, merge, reviewer):
    one, two = add_photo(project, ann, anna)
    Constraint.objects.create(project=project, bond=Bond.CANNOT, face=one, other=two)
    before = everything()
    event = merge(ann, anna, allow_twice=True)
    assert Constraint.objects.get().bond == Bond.MUST
    undo_event(event, by=reviewer)
    assert everything() == before


def test_faces_named_since_the_preview_stop_it(project, ann, anna, merge):
    add_photo(project, ann)
    add_photo(project, anna)
    with pytest.raises(Stale, match="2 now") as stale:
        add_photo(project, ann)
        merge(ann, anna, seen={"faces": 1, "into_faces": 1})
    assert stale.value.extra["current"] == {"faces": 2, "into_faces": 1}
    merge(ann, anna, seen={"faces": 2, "into_faces": 1})


def test_the_same_event_twice_merges_once(project, ann, anna, reviewer):
    add_photo(project, ann)
    event_id = uuid4()
    first = merge_people(ann, anna, by=reviewer, event_id=event_id)
    assert merge_people(ann, anna, by=reviewer, event_id=event_id) == first
    assert Event.objects.count() == 1
    with pytest.raises(AlreadyUsed):
        merge_people(anna, ann, by=reviewer, event_id=event_id)


def test_nobody_is_merged_with_themselves_or_across_projects_or_twice(project, owner, ann, anna, merge):
    with pytest.raises(Refused, match="itself"):
        merge(ann, ann)
    foreign = create_identity(create_project("Elsewhere", by=owner), "Ann")
    with pytest.raises(Refused, match="no person"):
        merge(ann, foreign)
    merge(ann, anna)
    with pytest.raises(Stale, match="already"):
        merge(ann, create_identity(project, "Bo"))
    with pytest.raises(Stale, match="already"):
        merge(anna, ann)


def test_the_class_id_of_the_merged_is_never_given_again(project, ann, anna, merge):
    merge(ann, anna)
    again = create_identity(project, "Ann")
    assert again != ann
    assert again.class_id not in {ann.class_id, anna.class_id}


def test_the_database_lets_nobody_be_named_after_the_merged(project, ann, anna, merge):
    (face,) = add_photo(project, ann)
    merge(ann, anna)
    with pytest.raises(IntegrityError, match="not there"), transaction.atomic():
        Face.objects.filter(pk=face.pk).update(identity=ann)
    with pytest.raises(IntegrityError, match="not there"), transaction.atomic():
        add_photo(project, ann)


def test_open_work_that_still_says_the_merged_means_whom_they_became(project, ann, anna, merge, annotator):
    cem = create_identity(project, "Cem")
    (face,) = add_photo(project, None)
    merge(ann, anna)
    merge(anna, cem)
    words = [FaceWord(id=face.pk, identity=ann.pk, has_identity=True)]
    submit_image(face.image, words, by=annotator, version=1, event_id=uuid4())
    assert counts(project) == {"Cem": 1}
    with pytest.raises(Refused, match="no person"):
        resolve_identity(project, 10**9)


def test_browsers_that_hold_a_photo_of_theirs_look_again(project, ann, anna, merge, annotator):
    (face,) = add_photo(project, ann)
    merge(ann, anna)
    with pytest.raises(Stale):
        submit_image(face.image, [], by=annotator, version=face.image.version, event_id=uuid4())


def test_it_is_announced(project, ann, anna, merge, django_capture_on_commit_callbacks):
    heard = []

    def hear(project_id, **kwargs):
        heard.append(project_id)

    names_changed.connect(hear)
    with django_capture_on_commit_callbacks(execute=True):
        merge(ann, anna)
    assert heard == [project.pk]


def test_many_faces_cost_no_more_questions_than_one(project, ann, anna, merge, reviewer):
    add_photo(project, ann)
    with CaptureQueriesContext(connection) as one:
        event = merge(ann, anna)
    undo_event(event, by=reviewer)
    for _ in range(30):
        add_photo(project, ann)
    with CaptureQueriesContext(connection) as many:
        event = merge(ann, anna)
    assert len(many) == len(one)
    assert len(event.before["moved"]) == 31
    with CaptureQueriesContext(connection) as back:
        undo_event(event, by=reviewer)
    assert len(back) < 30


# Taking it back


def test_later_changes_of_other_things_are_kept_when_it_is_taken_back(project, ann, anna, merge, reviewer):
    add_photo(project, ann)
    (other,) = add_photo(project, None)
    event = merge(ann, anna)
    rename_identity(anna, "Hanna", by=reviewer, event_id=uuid4())
    assign_faces(project, [other.pk], anna, by=reviewer, event_id=uuid4())
    undo_event(event, by=reviewer)
    undo_event(event, by=reviewer)
    assert counts(project) == {"Ann": 1, "Hanna": 1}
    assert Event.objects.filter(verb=Verb.UNDO).count() == 1


def test_a_face_named_otherwise_since_stops_it_until_that_is_taken_back(project, ann, anna, merge, reviewer):
    (face,) = add_photo(project, ann)
    before = everything()
    event = merge(ann, anna)
    later = assign_faces(project, [face.pk], get_or_create_identity(project, "Bo"), by=reviewer, event_id=uuid4())
    with pytest.raises(Stale, match="take the later change back first"):
        undo_event(event, by=reviewer)
    undo_event(later, by=reviewer)
    undo_event(event, by=reviewer)
    Identity.objects.filter(name="Bo").delete()
    assert everything() == before


def test_a_second_merge_stops_it_until_that_is_taken_back(project, ann, anna, merge, reviewer):
    cem = create_identity(project, "Cem")
    before = everything()
    first = merge(ann, anna)
    second = merge(anna, cem)
    with pytest.raises(Stale, match="merged again"):
        undo_event(first, by=reviewer)
    undo_event(second, by=reviewer)
    undo_event(first, by=reviewer)
    assert everything() == before


def test_it_is_not_taken_back_into_the_name_of_somebody_else(project, ann, anna, merge, reviewer):
    event = merge(ann, anna)
    create_identity(project, "ANN")
    with pytest.raises(Stale, match="another person by now"):
        undo_event(event, by=reviewer)


# Several at once


@pytest.mark.django_db(transaction=True)
def test_of_two_merges_in_opposite_directions_one_wins(project, ann, anna, reviewer):
    for _ in range(3):
        add_photo(project, ann)
        add_photo(project, anna)
    one, other = together(
        lambda: merge_people(ann, anna, by=reviewer, event_id=uuid4()),
        lambda: merge_people(anna, ann, by=reviewer, event_id=uuid4()),
    )
    assert {type(one), type(other)} == {Event, Stale}
    assert list(counts(project).values()) == [6]


@pytest.mark.django_db(transaction=True)
def test_a_face_named_at_the_same_moment_is_nobodys_that_is_gone(project, ann, anna, reviewer, annotator):
    add_photo(project, ann)
    waiting = [add_photo(project, None)[0] for _ in range(5)]
    together(
        lambda: merge_people(ann, anna, by=reviewer, event_id=uuid4()),
        *(lambda face=face: assign_faces(project, [face.pk], ann, by=annotator, event_id=uuid4()) for face in waiting),
    )
    assert not Face.objects.filter(identity=ann).exists()


@pytest.mark.django_db(transaction=True)
def test_the_same_request_twice_at_once_merges_once(project, ann, anna, reviewer):
    add_photo(project, ann)
    event_id = uuid4()
    answers = together(*[lambda: merge_people(ann, anna, by=reviewer, event_id=event_id)] * 2)
    assert [answer.pk for answer in answers] == [event_id, event_id]


# Whatever there was


@pytest.mark.django_db
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # fmt: skip
@given(data=st.data())
def test_counts_add_up_and_undo_is_exact_whatever_there_was(project, reviewer, data):
    with transaction.atomic():
        people = [create_identity(project, name) for name in ("Ann", "Bo", "Cem")]
        photo = st.lists(st.sampled_from([*people, None]), min_size=1, max_size=4)
        faces = [face for photo in data.draw(st.lists(photo, max_size=8)) for face in add_photo(project, *photo)]
        pairs = [(one, two) for one in faces for two in faces if one.pk < two.pk]
        for one, two in data.draw(st.lists(st.sampled_from(pairs), unique=True, max_size=4)) if pairs else []:
            bond = data.draw(st.sampled_from(Bond.values))
            Constraint.objects.create(project=project, bond=bond, face=one, other=two)
        words = [(face, person) for face in faces for person in people]
        for face, person in data.draw(st.lists(st.sampled_from(words), unique=True, max_size=4)) if words else []:
            Constraint.objects.create(project=project, bond=Bond.CANNOT, face=face, identity=person)
        before, numbers = everything(), counts(project)
        steps = data.draw(st.permutations(people))
        events = [
            merge_people(source, target, by=reviewer, event_id=uuid4(), allow_twice=True, allow_not_same=True)
            for source, target in pairwise(steps)
        ]
        assert counts(project) == {steps[-1].name: sum(numbers.values())}
        for event in reversed(events):
            undo_event(event, by=reviewer)
        assert everything() == before
        transaction.set_rollback(True)
