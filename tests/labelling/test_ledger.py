"""Each decision about a face that had suggestions is kept beside them: once, whatever becomes of it."""

from uuid import uuid4

import pytest

from labelling.assign import assign_faces, decide_faces
from labelling.identities import create_identity
from labelling.models import Event, FaceState, LedgerEntry, Outcome, Suggestion, Who
from labelling.submit import FaceWord, submit_image
from labelling.undo import undo_event


@pytest.fixture
def people(project):
    return [create_identity(project, name) for name in ("Ana", "Ben", "Cem")]


@pytest.fixture
def face(make_image, people):
    """A waiting face, suggested to be Ana (80 %) or else Ben (15 %)."""
    face = make_image(1).faces.get()
    suggest(face, (people[0], 0.8), (people[1], 0.15))
    return face


def suggest(face, *ranked):
    for rank, (identity, chance) in enumerate(ranked, start=1):
        Suggestion.objects.create(
            face=face, rank=rank, identity=identity, probability=chance, model_name="dlib", model_version="abc-def"
        )


def say(face, by, event_id=None, **word):
    face.image.refresh_from_db()
    words = [FaceWord(id=face.pk, **word)]
    return submit_image(face.image, words, by=by, version=face.image.version, event_id=event_id or uuid4())


def name(face, by, person, **more):
    return say(face, by, identity=person.pk, has_identity=True, **more)


def test_the_first_suggestion_taken_is_accepted(face, people, annotator):
    event = name(face, annotator, people[0])
    entry = LedgerEntry.objects.get()
    assert (entry.outcome, entry.chosen, entry.chosen_rank) == (Outcome.ACCEPTED, people[0], 1)
    assert (entry.suggested, entry.probability) == (people[0], 0.8)
    assert (entry.model_name, entry.model_version, entry.source) == ("dlib", "abc-def", "label")
    assert (entry.face, entry.event, entry.decided_by, entry.project) == (face, event, annotator, face.project)
    assert entry.ranked == [[people[0].pk, 0.8, "dlib", "abc-def"], [people[1].pk, 0.15, "dlib", "abc-def"]]


def test_another_suggestion_taken_is_kept_with_its_rank(face, people, annotator):
    name(face, annotator, people[1])
    entry = LedgerEntry.objects.get()
    assert (entry.outcome, entry.chosen, entry.chosen_rank) == (Outcome.OTHER, people[1], 2)


def test_somebody_not_suggested_overrules(face, people, annotator):
    name(face, annotator, people[2])
    entry = LedgerEntry.objects.get()
    assert (entry.outcome, entry.chosen, entry.chosen_rank) == (Outcome.OVERRULED, people[2], None)


@pytest.mark.parametrize(
    "word, outcome",
    [
        ({"state": FaceState.CONFIRMED, "who": Who.UNKNOWN}, Outcome.UNKNOWN),
        ({"state": FaceState.CONFIRMED, "who": Who.IGNORED}, Outcome.IGNORED),
        ({"state": FaceState.REJECTED}, Outcome.REJECTED),
    ],
)
def test_nobody_nothing_and_no_face_are_decisions_too(face, annotator, word, outcome):
    say(face, annotator, **word)
    entry = LedgerEntry.objects.get()
    assert (entry.outcome, entry.chosen, entry.chosen_rank) == (outcome, None, None)


def test_a_face_that_still_waits_is_no_decision(face, annotator):
    say(face, annotator, state=FaceState.CONFIRMED)
    assert not LedgerEntry.objects.exists()


def test_a_face_without_suggestions_is_not_in_the_ledger(face, people, annotator):
    face.suggestions.all().delete()
    name(face, annotator, people[0])
    assert not LedgerEntry.objects.exists()


def test_a_later_change_of_mind_is_not_about_the_suggestion(face, people, annotator):
    name(face, annotator, people[0])
    name(face, annotator, people[2])
    assert LedgerEntry.objects.get().outcome == Outcome.ACCEPTED


def test_sent_again_it_is_written_once(face, people, annotator):
    event = name(face, annotator, people[0])
    name(face, annotator, people[0], event_id=event.pk)
    assert LedgerEntry.objects.count() == 1


def test_taken_back_it_stays_and_says_so_and_the_next_decision_counts(face, people, annotator):
    event = name(face, annotator, people[0])
    undo_event(event, by=annotator)
    name(face, annotator, people[1])
    undone = LedgerEntry.objects.filter(event__undone_by__isnull=False)
    assert [entry.outcome for entry in undone] == [Outcome.ACCEPTED]
    assert [entry.outcome for entry in LedgerEntry.objects.exclude(pk__in=undone)] == [Outcome.OTHER]


def test_many_faces_named_at_once_are_written_in_one_go(
    project, make_image, people, annotator, django_assert_max_num_queries
):
    faces = [make_image(seed).faces.get() for seed in range(8)]
    for face in faces[:6]:
        suggest(face, (people[0], 0.7))
    with django_assert_max_num_queries(40) as asked:
        assign_faces(project, [face.pk for face in faces], people[0], by=annotator, event_id=uuid4())
    assert len([query for query in asked.captured_queries if "write_ledger" in query["sql"]]) == 1
    assert set(LedgerEntry.objects.values_list("source", "outcome")) == {("sort", "accepted")}
    assert LedgerEntry.objects.count() == 6
    assert Event.objects.get(verb="assign").ledger.count() == 6


def test_faces_set_aside_together_are_in_the_ledger(project, face, annotator):
    decide_faces(project, [face.pk], "unknown", by=annotator, event_id=uuid4())
    assert [(entry.source, entry.outcome) for entry in LedgerEntry.objects.all()] == [("sort", Outcome.UNKNOWN)]


def test_faces_opened_again_are_no_decision(project, face, annotator):
    decide_faces(project, [face.pk], "unassigned", by=annotator, event_id=uuid4())
    assert not LedgerEntry.objects.exists()


def test_a_face_knocked_out_overrules_what_was_suggested_for_it(project, face, people, make_image, annotator):
    ana, other = make_image(2).faces.get(), make_image(3).faces.get()
    suggest(other, (people[1], 0.6))
    strangers = [face.pk, other.pk]
    assign_faces(project, [ana.pk], people[0], strangers=strangers, by=annotator, event_id=uuid4())
    entry = LedgerEntry.objects.get()  # that the other is not Ana says nothing about it being Ben
    assert (entry.face, entry.outcome, entry.chosen) == (face, Outcome.OVERRULED, None)
