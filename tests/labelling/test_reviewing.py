"""Flags, acceptance and returned photos: what each means for the photo, and who may."""

from uuid import uuid4

import pytest
from django.urls import reverse

from labelling.errors import Refused, Stale
from labelling.hear import hear
from labelling.identities import create_identity
from labelling.models import Event, Image, ImageState, Remark, RemarkKind, Verb, Who
from labelling.projects import remove_member
from labelling.remarks import flag, resolve
from labelling.reviewing import accept, return_photo
from labelling.submit import FaceWord, submit_image
from labelling.undo import undo_event


@pytest.fixture
def labelled(make_image, annotator):
    """A photo that the annotator labelled."""
    image = make_image()
    words = [FaceWord(id=image.faces.get().pk, who=Who.UNKNOWN)]
    submit_image(image, words, by=annotator, version=image.version, event_id=uuid4())
    image.refresh_from_db()
    return image


def accepted(image, by) -> Event:
    return accept(image, by=by, version=image.version, event_id=uuid4())


def returned(image, by, text="Who is that?") -> Event:
    return return_photo(image, text, by=by, version=image.version, event_id=uuid4())


def test_an_accepted_photo_says_by_whom(labelled, reviewer):
    event_id = uuid4()
    event = accept(labelled, by=reviewer, version=labelled.version, event_id=event_id)
    assert accept(labelled, by=reviewer, version=labelled.version, event_id=event_id) == event
    labelled.refresh_from_db()
    assert labelled.reviewed_by == reviewer and labelled.reviewed_at
    assert event.images == [labelled.pk]


def test_acceptance_can_be_taken_back(labelled, reviewer):
    undo_event(accepted(labelled, reviewer), by=reviewer)
    labelled.refresh_from_db()
    assert (labelled.reviewed_by, labelled.reviewed_at) == (None, None)


def test_any_change_of_labels_ends_the_acceptance(labelled, reviewer, annotator):
    accepted(labelled, reviewer)
    words = [FaceWord(id=labelled.faces.get().pk, who=Who.IGNORED)]
    submit_image(labelled, words, by=annotator, version=labelled.version, event_id=uuid4())
    labelled.refresh_from_db()
    assert (labelled.reviewed_by, labelled.reviewed_at) == (None, None)


def test_a_photo_that_changed_since_it_was_seen_is_not_accepted(labelled, reviewer):
    with pytest.raises(Stale):
        accept(labelled, by=reviewer, version=labelled.version - 1, event_id=uuid4())


def test_a_photo_nobody_labelled_is_not_reviewed(make_image, reviewer):
    with pytest.raises(Refused, match="not labelled"):
        accepted(make_image(), reviewer)


def test_a_returned_photo_waits_for_whoever_labelled_it(labelled, reviewer, annotator):
    returned(labelled, reviewer)
    labelled.refresh_from_db()
    assert (labelled.state, labelled.assigned_to) == (ImageState.PROPOSED, annotator)
    remark = Remark.objects.get()
    assert (remark.kind, remark.to, remark.text) == (RemarkKind.RETURN, annotator, "Who is that?")


def test_the_reason_is_shown_and_settled_by_the_next_submit(labelled, reviewer, annotator, api_for, project):
    returned(labelled, reviewer)
    api = api_for(annotator)
    opened = api.post(reverse("api-queue-open", args=[project.slug]), {"image": labelled.pk}, format="json").json()
    assert [(row["kind"], row["text"], row["author"]) for row in opened["remarks"]] == [
        ("return", "Who is that?", "rita")
    ]
    said = {"version": opened["image"]["version"], "event_id": str(uuid4()), "faces": []}
    answer = api.post(reverse("api-submit", args=[labelled.pk]), said, format="json").json()
    labelled.refresh_from_db()
    assert (labelled.state, labelled.assigned_to) == (ImageState.LABELLED, None)
    assert Remark.objects.get().resolved_by == annotator
    api.post(reverse("api-undo", args=[answer["event"]]), {}, format="json")
    labelled.refresh_from_db()
    assert (labelled.state, labelled.assigned_to) == (ImageState.PROPOSED, annotator)
    assert Remark.objects.get().resolved_at is None


def test_a_photo_given_to_somebody_keeps_its_owner_when_it_was_never_returned(make_image, annotator):
    image = make_image()
    Image.objects.filter(pk=image.pk).update(assigned_to=annotator)
    image = Image.objects.select_related("project").get(pk=image.pk)
    words = [FaceWord(id=image.faces.get().pk, who=Who.UNKNOWN)]
    hear(image, words, by=annotator, version=image.version, event_id=uuid4())
    image.refresh_from_db()
    assert image.assigned_to == annotator


def test_what_somebody_who_left_had_labelled_is_returned_to_all(labelled, reviewer, annotator, project):
    remove_member(project, annotator)
    returned(labelled, reviewer)
    labelled.refresh_from_db()
    assert (labelled.state, labelled.assigned_to) == (ImageState.PROPOSED, None)


def test_a_return_can_be_taken_back_until_it_is_answered(labelled, reviewer, annotator):
    event = returned(labelled, reviewer)
    undo_event(event, by=reviewer)
    labelled.refresh_from_db()
    assert (labelled.state, labelled.assigned_to) == (ImageState.LABELLED, None)
    assert not Remark.objects.exists()
    event = returned(labelled, reviewer)
    image = Image.objects.select_related("project").get(pk=labelled.pk)
    hear(image, [], by=annotator, version=image.version, event_id=uuid4())
    with pytest.raises(Stale, match="labelled again"):
        undo_event(event, by=reviewer)


def test_a_flag_changes_no_label_and_can_be_taken_back(labelled, annotator):
    event_id = uuid4()
    face = labelled.faces.get()
    remark = flag(labelled, "  Two   people? ", by=annotator, event_id=event_id, face_id=face.pk)
    assert flag(labelled, "Two people?", by=annotator, event_id=event_id, face_id=face.pk) == remark
    assert (remark.text, remark.face, remark.author) == ("Two people?", face, annotator)
    version = labelled.version
    labelled.refresh_from_db()
    assert labelled.version == version
    undo_event(Event.objects.get(pk=event_id), by=annotator)
    assert not Remark.objects.exists()


def test_a_flag_says_something_about_a_face_of_that_photo(labelled, make_image, annotator):
    other = make_image(seed=5).faces.get()
    with pytest.raises(Refused, match="not in this photo"):
        flag(labelled, "Odd", by=annotator, event_id=uuid4(), face_id=other.pk)
    with pytest.raises(Refused, match="few words"):
        flag(labelled, "  ", by=annotator, event_id=uuid4())


def test_a_resolved_flag_is_closed_once_and_can_be_opened_again(labelled, annotator, reviewer):
    remark = flag(labelled, "Odd", by=annotator, event_id=uuid4())
    event_id = uuid4()
    event = resolve(remark, by=reviewer, event_id=event_id)
    assert resolve(remark, by=reviewer, event_id=event_id) == event
    with pytest.raises(Stale, match="already"):
        resolve(remark, by=reviewer, event_id=uuid4())
    with pytest.raises(Stale, match="settled this flag"):
        undo_event(Event.objects.get(verb=Verb.FLAG), by=annotator)
    undo_event(event, by=reviewer)
    remark.refresh_from_db()
    assert remark.resolved_at is None


def test_flags_are_shown_with_the_photo(labelled, annotator, reviewer, api_for, project):
    flag(labelled, "Odd", by=annotator, event_id=uuid4(), face_id=labelled.faces.get().pk)
    resolve(flag(labelled, "Done", by=annotator, event_id=uuid4()), by=reviewer, event_id=uuid4())
    opened = api_for(annotator).post(
        reverse("api-queue-open", args=[project.slug]), {"image": labelled.pk}, format="json"
    )
    assert [(row["text"], row["author"], row["face"]) for row in opened.json()["remarks"]] == [
        ("Odd", "anna", labelled.faces.get().pk)
    ]


def test_annotators_flag_and_reviewers_do_the_rest(labelled, annotator, reviewer, api_for):
    create_identity(labelled.project, "Ada")
    version = labelled.version
    asked = {
        "api-approve": {"event_id": str(uuid4()), "version": version},
        "api-return": {"event_id": str(uuid4()), "version": version, "text": "No."},
        "api-judge": {"event_id": str(uuid4()), "version": version, "picks": []},
    }
    for name, body in asked.items():
        url = reverse(name, args=[labelled.pk])
        assert api_for(annotator).post(url, body, format="json").status_code == 403, name
    flagged = {"event_id": str(uuid4()), "text": "Odd"}
    made = api_for(annotator).post(reverse("api-flag", args=[labelled.pk]), flagged, format="json").json()
    close = reverse("api-resolve", args=[made["remark"]])
    assert api_for(annotator).post(close, {"event_id": str(uuid4())}, format="json").status_code == 403
    assert api_for(reviewer).post(close, {"event_id": str(uuid4())}, format="json").status_code == 200
    accepting = api_for(reviewer).post(reverse("api-approve", args=[labelled.pk]), asked["api-approve"], format="json")
    assert accepting.status_code == 200
    sent_back = api_for(reviewer).post(reverse("api-return", args=[labelled.pk]), asked["api-return"], format="json")
    assert sent_back.json()["to"] == "anna"
