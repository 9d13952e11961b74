"""One person for one name, whatever its case or spelling of accents; numbered for ever; renamed, never merged."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from labelling.errors import Refused
from labelling.find_people import people_called
from labelling.identities import (
    MAX_NAME,
    attach_portraits,
    clean_name,
    create_identity,
    find_identity,
    get_or_create_identity,
    rename_identity,
)
from labelling.models import Event, Face, FaceState, Identity, Who
from labelling.projects import create_project
from tests.together import together

SAME = [
    ("Ann Lee", "ann lee"),
    ("Ann Lee", "  ANN\t\n LEE  "),
    ("Élodie", "éLODIE"),
    ("Élodie", "E\u0301lodie"),
    ("Ан Ли", "ан ли"),
    ("ΑΝΝΑ", "αννα"),
    ("Ann\u00a0Lee", "Ann Lee"),
    ("An\u200bn", "Ann"),
    ("Ann \u200b Lee", "Ann Lee"),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_spellings_of_one_name_are_one_person(project, first, second):
    person = get_or_create_identity(project, first)
    assert get_or_create_identity(project, second) == person
    assert find_identity(project, second) == person
    with pytest.raises(Refused, match="already a person"):
        create_identity(project, second)
    assert Identity.objects.count() == 1


@pytest.mark.parametrize(("first", "second"), [("Ann", "Anna"), ("Ann_Lee", "AnnxLee"), ("100%", "100x"), ("é", "e")])
def test_names_that_only_look_alike_are_two_people(project, first, second):
    assert create_identity(project, first) != create_identity(project, second)


def test_the_database_itself_holds_names_apart(project):
    Identity.objects.create(project=project, name="Élodie", class_id=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Identity.objects.create(project=project, name="éLODIE", class_id=2)
    with pytest.raises(IntegrityError), transaction.atomic():
        Identity.objects.create(project=project, name="Other", class_id=1)


def test_each_project_has_its_own_people(project, owner):
    other = create_project("Elsewhere", by=owner)
    assert create_identity(project, "Ann") != create_identity(other, "Ann")


@pytest.mark.parametrize("name", ["", "   ", "\u200b", "\0", "\u202e \u2066"])
def test_a_name_of_nothing_visible_is_refused(project, name):
    with pytest.raises(Refused, match="needs a name"):
        create_identity(project, name)


def test_a_name_too_long_is_refused_in_numbers(project):
    assert create_identity(project, "x" * MAX_NAME)
    with pytest.raises(Refused, match="this one has 121"):
        create_identity(project, "y" * 121)


@pytest.mark.parametrize(("text", "kept"), [("A\u202enn\0", "Ann"), ("<b>Ann</b>", "<b>Ann</b>"), ("=1+1", "=1+1")])
def test_what_cannot_be_seen_is_left_out_and_the_rest_kept(text, kept):
    assert clean_name(text) == kept


@hypothesis_settings(max_examples=300, deadline=None)
@given(st.text(min_size=1, max_size=60))
def test_cleaning_a_clean_name_changes_nothing(text):
    try:
        name = clean_name(text)
    except Refused:
        return
    assert clean_name(name) == name
    assert name.isprintable() and name == " ".join(name.split(" ")) and name.strip() == name


def test_class_ids_are_given_once_and_not_again_after_a_deletion(project):
    people = [create_identity(project, name) for name in ("Ann", "Bo", "Cy")]
    assert [person.class_id for person in people] == [0, 1, 2]
    people[2].delete()
    assert create_identity(project, "Di").class_id == 3


@pytest.mark.django_db(transaction=True)
def test_the_same_name_from_many_people_at_once_is_one_person(project):
    people = together(*[lambda name=name: get_or_create_identity(project, name) for name in ["Ann", "ann", "ANN"] * 3])
    assert len({getattr(person, "pk", person) for person in people}) == 1
    assert Identity.objects.get().class_id == 0
    assert get_or_create_identity(project, "Bo").class_id == 1


@pytest.mark.django_db(transaction=True)
def test_different_names_at_once_get_different_numbers(project):
    together(*[lambda number=number: get_or_create_identity(project, f"Person {number}") for number in range(8)])
    assert sorted(Identity.objects.values_list("class_id", flat=True)) == list(range(8))


def test_a_rename_keeps_the_person_and_is_remembered(project, reviewer):
    ann = create_identity(project, "Ann")
    event = rename_identity(ann, " anna  lee ", by=reviewer, event_id=uuid4())
    person = Identity.objects.get()
    assert (person.pk, person.name, person.class_id) == (ann.pk, "anna lee", 0)
    assert (event.before["name"], event.after["name"], event.actor) == ("Ann", "anna lee", reviewer)


def test_a_rename_may_change_letter_case_alone(project, reviewer):
    ann = create_identity(project, "ann")
    rename_identity(ann, "Ann", by=reviewer, event_id=uuid4())
    assert Identity.objects.get().name == "Ann"


def test_a_rename_never_merges(project, reviewer):
    ann, bo = create_identity(project, "Ann"), create_identity(project, "Bo")
    with pytest.raises(Refused, match="does not merge"):
        rename_identity(bo, "ANN", by=reviewer, event_id=uuid4())
    assert set(Identity.objects.values_list("pk", "name")) == {(ann.pk, "Ann"), (bo.pk, "Bo")}
    assert not Event.objects.exists()


def test_a_repeated_rename_changes_nothing(project, reviewer):
    ann, event_id = create_identity(project, "Ann"), uuid4()
    rename_identity(ann, "Anna", by=reviewer, event_id=event_id)
    rename_identity(ann, "Annabel", by=reviewer, event_id=uuid4())
    rename_identity(ann, "Anna", by=reviewer, event_id=event_id)
    assert Identity.objects.get().name == "Annabel"


def test_a_rename_remembers_the_name_that_was_not_the_one_the_caller_saw(project, reviewer):
    ann = create_identity(project, "Ann")
    seen_by_another = Identity.objects.get()
    rename_identity(ann, "Anna", by=reviewer, event_id=uuid4())
    event = rename_identity(seen_by_another, "Annabel", by=reviewer, event_id=uuid4())
    assert event.before["name"] == "Anna"


@pytest.mark.django_db(transaction=True)
def test_two_people_renamed_alike_at_once_stay_two(project, reviewer):
    people = [create_identity(project, name) for name in ("Ann", "Bo", "Cy")]
    results = together(*[lambda who=who: rename_identity(who, "Max", by=reviewer, event_id=uuid4()) for who in people])
    assert sum(isinstance(result, Event) for result in results) == 1
    assert sum(isinstance(result, Refused) for result in results) == 2
    assert Identity.objects.count() == 3


def test_names_are_found_by_any_part_in_any_case(project):
    for name in ("Élodie Durand", "Paul", "100% Max", "Max_Lee"):
        create_identity(project, name)

    def holding(text):
        return sorted(people_called(project, text).values_list("name", flat=True))

    assert holding("éLO") == ["Élodie Durand"]
    assert holding("U") == ["Paul", "Élodie Durand"]
    assert holding("%") == ["100% Max"]
    assert holding("_") == ["Max_Lee"]


def test_the_portrait_is_the_largest_face_that_people_named(project, make_image, django_assert_num_queries):
    ann, bo = create_identity(project, "Ann"), create_identity(project, "Bo")
    small, large, rejected = make_image(faces=3).faces.order_by("pk")
    named = {"state": FaceState.CONFIRMED, "who": Who.ASSIGNED, "identity": ann}
    Face.objects.filter(pk=small.pk).update(**named)
    Face.objects.filter(pk=large.pk).update(w=29, **named)
    Face.objects.filter(pk=rejected.pk).update(w=30, state=FaceState.REJECTED)
    with django_assert_num_queries(1):
        attach_portraits([ann, bo])
    assert (ann.portrait.pk, bo.portrait) == (large.pk, None)
