"""Several people label one photo blindly: nobody sees another's word before all were heard."""

import json
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from jobs.models import Job
from labelling.assign import assign_faces, edit_face
from labelling.errors import Refused, Stale
from labelling.hear import hear
from labelling.identities import create_identity
from labelling.models import Event, Face, Image, ImageState, Opinion, Role, Verb, Who
from labelling.opinions import judge, settle_waiting
from labelling.overlap import faces_kept_apart
from labelling.projects import set_member
from labelling.queue import next_image, release
from labelling.submit import FaceWord
from labelling.undo import undo_event
from tests.together import together

NAMES = ("Ada Lovelace", "Grace Hopper")


def settings(project, **changes) -> None:
    project.stored_settings = {**project.stored_settings, **changes}
    project.save(update_fields=["stored_settings"])


@pytest.fixture
def blind(project):
    settings(project, overlap=2)
    return project


@pytest.fixture
def bert(make_user, project):
    user = make_user("bert")
    set_member(project, user, Role.ANNOTATOR)
    return user


@pytest.fixture
def people(project):
    return [create_identity(project, name) for name in NAMES]


@pytest.fixture
def image(blind, make_image):
    return make_image(faces=2)


@pytest.fixture
def say(image):
    """What somebody says about the two faces of the photo, on its present version."""

    def hear_from(by, *whom, event_id=None, extra=(), photo=image):
        photo = Image.objects.select_related("project").get(pk=photo.pk)
        faces = photo.faces.order_by("pk")
        words = [word(face, who) for face, who in zip(faces, whom, strict=True)]
        return hear(photo, [*words, *extra], by=by, version=photo.version, event_id=event_id or uuid4())

    return hear_from


def word(face: Face, who) -> FaceWord:
    if who == "no face":
        return FaceWord(id=face.pk, state="rejected")
    if who == "unknown":
        return FaceWord(id=face.pk, who=Who.UNKNOWN)
    return FaceWord(id=face.pk, identity=who.pk, has_identity=True)


def labels(image) -> list:
    return list(image.faces.order_by("pk").values_list("state", "who", "identity__name", "version"))


def test_an_opinion_changes_no_label_and_no_version(image, annotator, people, say):
    before, version = labels(image), image.version
    event = say(annotator, *people)
    image.refresh_from_db()
    assert event.verb == Verb.OPINION
    assert labels(image) == before
    assert (image.state, image.version) == (ImageState.PROPOSED, version)
    assert [row["name"] for row in Opinion.objects.get().faces] == list(NAMES)


def test_the_same_event_twice_is_one_opinion(image, annotator, people, say):
    event_id = uuid4()
    assert say(annotator, *people, event_id=event_id) == say(annotator, *people, event_id=event_id)
    assert (Opinion.objects.count(), Event.objects.count()) == (1, 1)


def test_an_event_is_known_again_after_everybody_was_heard(image, annotator, bert, people, say):
    event_id = uuid4()
    first = say(annotator, *people, event_id=event_id)
    say(bert, *people)
    assert say(annotator, *people, event_id=event_id) == first
    assert Opinion.objects.count() == 2


def test_who_gave_an_opinion_is_not_given_the_photo_again(blind, image, annotator, bert, people, say):
    say(annotator, *people)
    assert next_image(blind, annotator) is None
    assert next_image(blind, bert).image_id == image.pk


def test_the_lease_goes_with_the_opinion(blind, image, annotator, bert, people):
    lease = next_image(blind, annotator)
    photo = Image.objects.select_related("project").get(pk=image.pk)
    words = [word(face, who) for face, who in zip(photo.faces.order_by("pk"), people, strict=True)]
    hear(photo, words, by=annotator, version=photo.version, event_id=uuid4(), lease=lease.token)
    assert next_image(blind, bert).image_id == image.pk


def test_agreement_becomes_the_labels(image, annotator, bert, people, say):
    say(annotator, *people)
    say(bert, *people)
    image.refresh_from_db()
    assert image.state == ImageState.LABELLED
    assert [row[:3] for row in labels(image)] == [("confirmed", "assigned", name) for name in NAMES]
    assert not Opinion.objects.filter(settled_at=None).exists()
    applied = Event.objects.get(verb=Verb.JUDGE)
    assert applied.actor is None and applied.identities == sorted(person.pk for person in people)


def test_boxes_that_overlap_enough_are_one_face(image, annotator, bert, people, say):
    uids = uuid4(), uuid4()
    drawn = [FaceWord(uid=uid, box=(40 + shift, 70, 20, 20), who=Who.IGNORED) for shift, uid in enumerate(uids)]
    say(annotator, *people, extra=drawn[:1])
    say(bert, *people, extra=drawn[1:])
    image.refresh_from_db()
    assert image.state == ImageState.LABELLED
    assert image.faces.get(uid=uids[0]).box == (40, 70, 20, 20)
    assert image.faces.count() == 3


@pytest.mark.parametrize("other", ["no face", "unknown"])
def test_disagreement_waits_for_a_reviewer(blind, image, annotator, bert, make_user, people, say, other):
    before = [row[:3] for row in labels(image)]
    say(annotator, *people)
    say(bert, people[0], other)
    image.refresh_from_db()
    assert image.state == ImageState.DISPUTED
    assert [row[:3] for row in labels(image)] == before
    assert next_image(blind, annotator) is None
    with pytest.raises(PermissionDenied):
        say(annotator, *people)


def test_a_reviewer_may_label_a_disputed_photo_anew(image, annotator, bert, reviewer, people, say):
    say(annotator, *people)
    say(bert, people[1], people[0])
    say(reviewer, "unknown", people[0])
    image.refresh_from_db()
    assert image.state == ImageState.LABELLED
    assert [row[2] for row in labels(image)] == [None, NAMES[0]]


def test_a_judged_photo_has_what_was_picked_and_can_be_taken_back(image, annotator, bert, reviewer, people, say):
    say(annotator, *people)
    say(bert, people[1], "no face", extra=[FaceWord(uid=uuid4(), box=(100, 60, 20, 20), who=Who.UNKNOWN)])
    image.refresh_from_db()
    second = Opinion.objects.get(user=bert)
    picks = [(second.pk, second.faces[0]["key"]), (second.pk, second.faces[2]["key"])]
    event_id = uuid4()
    event = judge(image, picks, by=reviewer, version=image.version, event_id=event_id)
    assert judge(image, picks, by=reviewer, version=image.version, event_id=event_id) == event
    image.refresh_from_db()
    assert image.state == ImageState.LABELLED
    assert [row[:3] for row in labels(image)] == [
        ("confirmed", "assigned", NAMES[1]),
        ("rejected", "unassigned", None),
        ("confirmed", "unknown", None),
    ]
    undo_event(event, by=reviewer)
    image.refresh_from_db()
    assert image.state == ImageState.DISPUTED
    assert [row[:3] for row in labels(image)] == [("proposed", "unassigned", None)] * 2


def test_only_what_somebody_said_can_be_picked(image, annotator, bert, reviewer, people, say):
    say(annotator, *people)
    say(bert, people[0], "no face")
    image.refresh_from_db()
    refused = Opinion.objects.get(user=bert)
    with pytest.raises(Refused, match="Nobody said that"):
        picks = [(refused.pk, refused.faces[1]["key"])]
        judge(image, picks, by=reviewer, version=image.version, event_id=uuid4())


def test_an_undisputed_photo_is_not_judged(image, annotator, reviewer, people, say):
    say(annotator, *people)
    with pytest.raises(Stale):
        judge(image, [], by=reviewer, version=image.version, event_id=uuid4())


def test_ones_opinion_can_be_taken_back_until_all_were_heard(blind, image, annotator, bert, people, say):
    event = say(annotator, *people)
    undo_event(event, by=annotator)
    assert not Opinion.objects.exists()
    assert next_image(blind, annotator).image_id == image.pk
    release(next_image(blind, annotator).token, annotator)
    again = say(annotator, *people)
    say(bert, people[0], "unknown")
    with pytest.raises(Stale, match="Everybody was heard"):
        undo_event(again, by=annotator)


def test_who_says_something_else_is_heard_once_and_can_go_back(image, annotator, people, say):
    say(annotator, *people)
    second = say(annotator, people[1], "unknown")
    assert [row["name"] for row in Opinion.objects.get().faces] == [NAMES[1], None]
    undo_event(second, by=annotator)
    assert [row["name"] for row in Opinion.objects.get().faces] == list(NAMES)


def test_half_an_opinion_is_refused(image, annotator, people):
    photo = Image.objects.select_related("project").get(pk=image.pk)
    face = photo.faces.order_by("pk").first()
    with pytest.raises(Refused, match="1 are still open"):
        hear(photo, [word(face, people[0])], by=annotator, version=photo.version, event_id=uuid4())
    with pytest.raises(Refused):
        edit_face(face, word(face, people[0]), by=annotator, version=face.version, event_id=uuid4())
    assert face.identity is None and not Event.objects.exists()


def test_with_more_people_wanted_the_next_submit_waits_for_them(blind, image, annotator, bert, reviewer, people, say):
    say(annotator, *people)
    settings(blind, overlap=3)
    say(bert, *people)
    image.refresh_from_db()
    assert image.state == ImageState.PROPOSED
    say(reviewer, *people)
    image.refresh_from_db()
    assert image.state == ImageState.LABELLED


@pytest.mark.parametrize("fewer", [{"overlap": 1}, {"overlap_share": 0}])
def test_with_fewer_people_wanted_photos_wait_no_longer(blind, image, annotator, people, say, fewer):
    say(annotator, *people)
    assert settle_waiting(blind) == 0
    settings(blind, **fewer)
    assert settle_waiting(blind) == 1
    image.refresh_from_db()
    assert image.state == ImageState.LABELLED
    assert [row[2] for row in labels(image)] == list(NAMES)


def test_only_the_share_wanted_is_labelled_twice(project, make_image, annotator, people, say):
    settings(project, overlap=2, overlap_share=0.5)
    often, once = make_image(seed=1, faces=2), make_image(seed=2, faces=2)
    Image.objects.filter(pk=often.pk).update(lot=0.4)
    Image.objects.filter(pk=once.pk).update(lot=0.6)
    assert say(annotator, *people, photo=often).verb == Verb.OPINION
    assert say(annotator, *people, photo=once).verb == Verb.SUBMIT


def test_a_photo_given_to_one_person_is_labelled_at_once(blind, image, annotator, people, say):
    Image.objects.filter(pk=image.pk).update(assigned_to=annotator)
    assert say(annotator, *people).verb == Verb.SUBMIT


def test_people_merged_since_are_the_same_person(image, annotator, bert, people, say):
    say(annotator, *people)
    third = create_identity(image.project, "Augusta Ada King")
    say_before = third.pk
    type(third).objects.filter(pk=say_before).update(merged_into=people[0])
    opinion = Opinion.objects.get()
    opinion.faces[0]["identity"] = say_before
    opinion.save()
    say(bert, *people)
    image.refresh_from_db()
    assert image.state == ImageState.LABELLED
    assert labels(image)[0][2] == NAMES[0]


def test_proposals_made_anew_take_what_was_said_about_the_old_ones(image, annotator, bert, people, say):
    from labelling.proposals import ProposedFace, record_proposals

    say(annotator, *people)
    boxes = [ProposedFace((11 + 30 * i, 21, 24, 30), 0.9, None) for i in range(2)]
    record_proposals(image.pk, boxes, detector={"name": "newer"})
    say(bert, *people)
    image.refresh_from_db()
    assert image.state == ImageState.LABELLED
    assert [row[:3] for row in labels(image)] == [("confirmed", "assigned", name) for name in NAMES]


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_settle_the_photo_once(image, annotator, bert, people, say):
    results = together(lambda: say(annotator, *people), lambda: say(bert, *people))
    assert not [result for result in results if isinstance(result, Exception)]
    assert Event.objects.filter(verb=Verb.JUDGE).count() == 1
    image.refresh_from_db()
    assert image.state == ImageState.LABELLED


def test_no_api_tells_what_others_said_before_all_were_heard(
    blind, image, annotator, bert, people, say, api_for, client_for
):
    """Everything that shows the photo is read by the second person, before and after the first was heard."""
    face = image.faces.order_by("pk").first()
    api, pages = api_for(bert), client_for(bert)
    urls = [
        reverse("api-image", args=[image.pk]),
        reverse("api-face", args=[face.pk]),
        reverse("api-images", args=[blind.slug]),
        reverse("api-images", args=[blind.slug]) + f"?identity={people[0].pk}",
        reverse("api-identities", args=[blind.slug]),
        reverse("images", args=[blind.slug]),
        *(reverse("identity", args=[blind.slug, person.pk]) for person in people),
    ]

    def look() -> list[str]:
        client_of = {url: api if url.startswith("/api/") else pages for url in urls}
        return [without_csrf(client_of[url].get(url)) for url in urls]

    before = look()
    say(annotator, *people)
    assert look() == before
    opened = api.post(reverse("api-queue-next", args=[blind.slug]), {}, format="json").json()
    assert opened["purpose"] == "label"
    assert {(face["state"], face["who"], face["identity"]) for face in opened["faces"]} == {
        ("proposed", "unassigned", None)
    }
    event = Event.objects.get(verb=Verb.OPINION)
    assert not any(name in json.dumps([event.before, event.after]) for name in NAMES)
    assert event.identities == []


def without_csrf(answer) -> str:
    if answer["Content-Type"].startswith("application/json"):
        return answer.text
    return answer.text.split("<main", 1)[1]


def test_the_answer_says_that_it_is_an_opinion_and_what_was_said(blind, image, annotator, people, api_for):
    api = api_for(annotator)
    opened = api.post(reverse("api-queue-next", args=[blind.slug]), {}, format="json").json()
    said = {
        "lease": opened["lease"],
        "version": opened["image"]["version"],
        "event_id": str(uuid4()),
        "faces": [
            {"id": opened["faces"][0]["id"], "identity": people[0].pk},
            {"id": opened["faces"][1]["id"], "state": "rejected"},
            {"uid": str(uuid4()), "box": [60, 60, 20, 20], "who": "unknown"},
        ],
    }
    url = reverse("api-submit", args=[image.pk])
    answer = api.post(url, said, format="json").json()
    assert answer["opinion"] is True and "gold" not in answer
    assert answer["image"]["version"] == opened["image"]["version"]
    heard = [(face["state"], face["identity"] and face["identity"]["name"]) for face in answer["faces"]]
    assert heard == [("confirmed", NAMES[0]), ("rejected", None), ("confirmed", None)]
    assert api.post(url, said, format="json").json() == answer
    undone = api.post(reverse("api-undo", args=[answer["event"]]), {}, format="json")
    assert undone.status_code == 200


def test_names_given_in_bulk_do_not_reach_photos_labelled_blindly(blind, image, annotator, people):
    face = image.faces.order_by("pk").first()
    with pytest.raises(Refused, match="do not see each other's word"):
        assign_faces(blind, [face.pk], people[0], by=annotator, event_id=uuid4())
    settings(blind, overlap=1)
    assign_faces(blind, [face.pk], people[0], by=annotator, event_id=uuid4())
    assert labels(image)[0][2] == NAMES[0]


def test_their_faces_are_kept_out_of_groups_until_the_photo_is_settled(blind, image, annotator, bert, people, say):
    faces = set(image.faces.values_list("pk", flat=True))
    assert faces_kept_apart(blind) == faces
    say(annotator, *people)
    say(bert, people[0], "no face")
    assert faces_kept_apart(blind) == faces  # in dispute
    settings(blind, overlap=1)
    assert faces_kept_apart(blind) == set()


def test_new_settings_have_what_waits_compared_again(blind, image, annotator, owner, people, say, client_for):
    say(annotator, *people)
    client, url = client_for(owner), reverse("project-settings", args=[blind.slug])
    form = client.get(url).context["form"]
    sent = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    assert client.post(url, sent | {"name": blind.name}).status_code == 302
    assert Job.objects.filter(kind="settle", project_id=blind.pk).count() == 1
