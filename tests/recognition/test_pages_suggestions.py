"""The page about suggestions: what the ledger tells, and from when on suggestions are accepted."""

from uuid import uuid4

import pytest
from django.urls import reverse

from labelling.assign import assign_faces
from labelling.identities import create_identity, get_or_create_identity
from labelling.models import LedgerEntry, Outcome, Project
from labelling.undo import undo_event
from recognition.accept_threshold import follow_ledger, learn_now
from recognition.ledger_page import actions_saved, letters_to_type, read_decisions, suggestions_page

HOSTILE = "<script>alert(1)</script>"


def url(project) -> str:
    return reverse("review-suggestions", args=[project.slug])


@pytest.fixture
def decide(project):
    """Rows as `labelling.ledger` writes them: so many decisions of one outcome."""

    def make(number, outcome=Outcome.ACCEPTED, probability=0.95, version="abc-def", **fields):
        LedgerEntry.objects.bulk_create(
            LedgerEntry(
                project=project, source="label", model_name="dlib", model_version=version, probability=probability,
                outcome=outcome, **fields,
            )
            for _ in range(number)
        )  # fmt: skip

    return make


def text_of(answer) -> str:
    assert answer.status_code == 200
    return " ".join(answer.content.decode().replace("\u00a0", " ").split())


def settings_of(project):
    return Project.objects.get(pk=project.pk).settings


def test_before_any_decision_the_page_says_what_to_do(project, annotator, client_for):
    page = text_of(client_for(annotator).get(url(project)))
    assert "Nobody has decided about a suggestion yet" in page and "plotly" not in page


def test_the_page_shows_rates_and_models(project, decide, annotator, client_for):
    decide(30)
    decide(8, Outcome.OVERRULED, 0.7, version="abc-xyz")
    decide(2, Outcome.IGNORED)
    page = text_of(client_for(annotator).get(url(project)))
    assert "40 decisions" in page
    assert "30 of 38 faces" in page and "78.9 %" in page  # those set aside say nothing
    assert "abc-def" in page and "abc-xyz" in page


def test_names_on_the_page_are_never_markup(project, make_image, decide, annotator, client_for):
    face = make_image(1).faces.get()
    person = get_or_create_identity(project, HOSTILE)
    decide(1, Outcome.OVERRULED, face=face, suggested=person, chosen=person)
    page = client_for(annotator).get(url(project)).content.decode()
    assert HOSTILE not in page and "&lt;script&gt;" in page


def test_decisions_taken_back_are_left_out(project, make_image, annotator):
    face, ana = make_image(1).faces.get(), create_identity(project, "Ana")
    face.suggestions.create(rank=1, identity=ana, probability=0.9, model_name="dlib")
    event = assign_faces(project, [face.pk], ana, by=annotator, event_id=uuid4())
    assert suggestions_page(project)["decisions"] == 1
    undo_event(event, by=annotator)
    assert suggestions_page(project)["decisions"] == 0


def test_a_group_named_at_once_saves_its_letters_once(project, make_image, annotator):
    ana, _ = create_identity(project, "Ana"), create_identity(project, "Anna")
    faces = [make_image(seed).faces.get() for seed in range(3)]
    for face in faces:
        face.suggestions.create(rank=1, identity=ana, probability=0.9, model_name="dlib")
    assign_faces(project, [faces[0].pk, faces[1].pk], ana, by=annotator, event_id=uuid4())
    assign_faces(project, [faces[2].pk], ana, by=annotator, event_id=uuid4())
    decisions = read_decisions(project)
    assert actions_saved(decisions, letters_to_type(project, decisions)) == 3 + 3


def test_too_few_decisions_support_no_threshold(project, decide, engineer, client_for):
    decide(100)
    page = text_of(client_for(engineer).get(url(project)))
    assert "more right ones are needed" in page and "Use 0.95" not in page


def test_an_engineer_uses_what_the_decisions_support(project, decide, engineer, client_for):
    decide(700)
    decide(50, Outcome.OVERRULED, 0.6)
    client = client_for(engineer)
    assert "Use 0.95" in text_of(client.get(url(project)))
    answer = client.post(url(project), {"mode": "set", "threshold": "0.95"}, follow=True)
    assert "Suggestions are accepted from 0.95 on." in text_of(answer)
    assert (settings_of(project).accept_probability, settings_of(project).accept_mode) == (0.95, "set")


def test_a_threshold_that_makes_no_sense_is_refused(project, decide, engineer, client_for):
    client = client_for(engineer)
    for threshold in ("0.3", "2", "nan", "x"):
        answer = client.post(url(project), {"mode": "set", "threshold": threshold}, follow=True)
        assert "Nothing was changed" in text_of(answer)
    assert settings_of(project).accept_probability == 0.9


def test_annotators_and_reviewers_may_look_but_not_choose(project, decide, annotator, reviewer, client_for):
    decide(700)
    for user in (annotator, reviewer):
        client = client_for(user)
        assert "Use 0.95" not in text_of(client.get(url(project)))
        assert client.post(url(project), {"mode": "set", "threshold": "0.95"}).status_code == 403
    assert settings_of(project).accept_probability == 0.9


def test_a_project_that_follows_its_ledger_moves_when_it_can(project, decide):
    decide(100, probability=0.8)
    assert follow_ledger(project, True) is None
    assert (settings_of(project).accept_mode, settings_of(project).accept_probability) == ("learnt", 0.9)
    decide(600, probability=0.8)
    learn_now(Project.objects.get(pk=project.pk))
    assert settings_of(project).accept_probability == 0.8


def test_a_project_that_does_not_follow_keeps_what_is_set(project, decide):
    decide(700, probability=0.8)
    assert learn_now(project) is None
    assert settings_of(project).accept_probability == 0.9


def test_the_page_asks_the_same_number_of_queries_however_much_there_is(
    project, decide, make_image, annotator, client_for, django_assert_max_num_queries
):
    for seed in range(3):
        face = make_image(seed).faces.get()
        decide(300, Outcome.OVERRULED, face=face, suggested=get_or_create_identity(project, f"Person {seed}"))
    client = client_for(annotator)
    with django_assert_max_num_queries(20):
        client.get(url(project))
