"""What is known about a person: every change is an event, taken back field by field, never written over unseen."""

from datetime import date
from uuid import uuid4

import pytest
from django.urls import reverse

from labelling.describe import describe_person, fingerprint
from labelling.errors import AlreadyUsed, Refused, Stale
from labelling.identities import create_identity, rename_identity
from labelling.models import Event, Identity, Verb
from labelling.undo import undo_event


@pytest.fixture
def ann(project):
    return create_identity(project, "Ann")


@pytest.fixture
def describe(ann, reviewer):
    def run(**changes):
        return describe_person(ann, changes, by=reviewer, event_id=uuid4())

    return run


def test_a_change_is_an_event_with_only_what_changed(ann, describe):
    event = describe(aliases=["Annie"], notes="", target_count=20, consent_date=date(2026, 1, 2))
    assert (event.verb, event.identities) == (Verb.DESCRIBE, [ann.pk])
    assert event.before == {
        "identity": ann.pk,
        "name": "Ann",
        "aliases": [],
        "target_count": None,
        "consent_date": None,
    }
    assert event.after["consent_date"] == "2026-01-02"
    ann.refresh_from_db()
    assert (ann.aliases, ann.target_count, ann.consent_date) == (["Annie"], 20, date(2026, 1, 2))
    assert describe(target_count=20) is None


def test_aliases_are_cleaned_and_stand_once(ann, describe):
    describe(aliases=["  Annie \t Lee ", "ANNIE LEE", "ann", "A\u200bl"])
    ann.refresh_from_db()
    assert ann.aliases == ["Annie Lee", "Al"]
    with pytest.raises(Refused, match="100 aliases"):
        describe(aliases=[f"name {number}" for number in range(101)])


def test_it_is_taken_back_while_other_fields_and_the_name_moved_on(ann, describe, reviewer):
    event = describe(aliases=["Annie"], consent_date=date(2026, 1, 2))
    describe(notes="Tall.")
    rename_identity(ann, "Anna", by=reviewer, event_id=uuid4())
    undo_event(event, by=reviewer)
    ann.refresh_from_db()
    assert (ann.name, ann.aliases, ann.consent_date, ann.notes) == ("Anna", [], None, "Tall.")


def test_a_later_change_of_the_same_stops_it(ann, describe, reviewer):
    event = describe(notes="Tall.")
    later = describe(notes="Very tall.")
    with pytest.raises(Stale, match="changed again"):
        undo_event(event, by=reviewer)
    undo_event(later, by=reviewer)
    undo_event(event, by=reviewer)
    ann.refresh_from_db()
    assert ann.notes == ""


def test_what_somebody_else_saved_meanwhile_is_not_written_over(ann, describe, reviewer):
    seen = fingerprint(ann)
    describe(notes="Tall.")
    with pytest.raises(Stale):
        describe_person(ann, {"notes": "Short."}, by=reviewer, event_id=uuid4(), seen=seen)
    ann.refresh_from_db()
    assert ann.notes == "Tall."


def test_consent_cannot_end_before_it_was_given(describe):
    with pytest.raises(Refused, match="before it was given"):
        describe(consent_date=date(2026, 2, 1), consent_expiry=date(2026, 1, 1))


def test_the_same_event_twice_changes_once(ann, reviewer):
    event_id = uuid4()
    first = describe_person(ann, {"notes": "x"}, by=reviewer, event_id=event_id)
    assert describe_person(ann, {"notes": "y"}, by=reviewer, event_id=event_id) == first
    with pytest.raises(AlreadyUsed):
        rename_identity(ann, "Anna", by=reviewer, event_id=event_id)
    assert Event.objects.count() == 1


def test_the_page_saves_consent_and_says_when_somebody_was_quicker(ann, project, client_for, reviewer):
    client, url = client_for(reviewer), reverse("identity", args=[project.slug, ann.pk])
    stale = {"form": "details", "event_id": str(uuid4()), "seen": fingerprint(ann), "notes": "late"}
    form = {**stale, "event_id": str(uuid4()), "consent_basis": "signed form 12", "consent_date": "2026-01-02"}
    assert client.post(url, form).status_code == 302
    ann.refresh_from_db()
    assert (ann.consent_basis, ann.consent_date, ann.notes) == ("signed form 12", date(2026, 1, 2), "late")
    answer = client.post(url, {**stale, "event_id": str(uuid4())})
    assert "since you opened this" in answer.text
    assert "signed form 12" not in Identity.objects.get().notes


def test_over_the_api_reviewers_change_and_annotators_look(ann, api_for, annotator, reviewer, stranger):
    url = f"/api/v1/identities/{ann.pk}/"
    assert api_for(stranger).get(url).status_code == 404
    assert api_for(annotator).get(url).json()["name"] == "Ann"
    body = {"aliases": ["Annie"], "consent_expiry": "2027-01-01", "event_id": str(uuid4())}
    assert api_for(annotator).patch(url, body, format="json").status_code == 403
    answer = api_for(reviewer).patch(url, body, format="json").json()
    assert (answer["aliases"], answer["consent_expiry"], answer["merged_into"]) == (["Annie"], "2027-01-01", None)
    assert api_for(reviewer).patch(url, {"name": "Bo", "notes": "x", "event_id": str(uuid4())}).status_code == 400
    assert api_for(reviewer).patch(url, {"notes": "x"}).status_code == 400
    renamed = api_for(reviewer).patch(url, {"name": "Anna", "event_id": str(uuid4())}, format="json")
    assert renamed.json()["name"] == "Anna"
