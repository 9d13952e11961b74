"""Photos whose truth is known come like any other, change nothing, and tell how somebody does."""

from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from labelling.errors import Refused
from labelling.gold import vouch
from labelling.hear import hear
from labelling.identities import create_identity
from labelling.models import Event, Gold, Image, LedgerEntry, Opinion, Suggestion, Verb, Who
from labelling.queue import next_image, release
from labelling.submit import FaceWord, submit_image
from labelling.undo import undo_event

DRAWN = (60.0, 70.0, 20.0, 20.0)


@pytest.fixture
def ada(project):
    return create_identity(project, "Ada Lovelace")


@pytest.fixture
def grace(project):
    return create_identity(project, "Grace Hopper")


@pytest.fixture
def known(project, make_image, reviewer, ada, grace):
    """A known photo: Ada and Grace in proposed boxes, and a stranger whom the reviewer had to draw."""
    project.stored_settings = {"gold_every": 3}
    project.save()
    image = make_image(seed=99, faces=2)
    faces = list(image.faces.order_by("pk"))
    Suggestion.objects.create(face=faces[0], rank=1, identity=grace, probability=0.7, model_name="test")
    words = [
        FaceWord(id=face.pk, identity=who.pk, has_identity=True) for face, who in zip(faces, (ada, grace), strict=True)
    ]
    words.append(FaceWord(uid=uuid4(), box=DRAWN, who=Who.UNKNOWN))
    submit_image(image, words, by=reviewer, version=image.version, event_id=uuid4())
    return vouch(image, by=reviewer)


@pytest.fixture
def label_next(project, make_image, annotator):
    """Label the next photo as the annotator, naming nobody; returns the photo and the event."""

    def label(by=annotator, after=None):
        lease = next_image(project, by, after=after)
        image = Image.objects.select_related("project").get(pk=lease.image_id)
        words = [
            FaceWord(id=face.pk, state="confirmed", who=Who.UNKNOWN) for face in image.faces.filter(origin="model")
        ]
        return image, hear(image, words, by=by, version=image.version, event_id=uuid4(), lease=lease.token)

    return label


@pytest.fixture
def waiting(make_image):
    return [make_image(seed=seed) for seed in range(8)]


def test_every_third_photo_is_a_known_one(project, known, waiting, annotator, label_next):
    seen = []
    for _ in range(4):
        image, _event = label_next()
        seen.append(image.pk)
    assert [pk == known.image_id for pk in seen] == [False, False, True, False]


def test_a_known_photo_is_asked_once(project, known, waiting, annotator, label_next):
    seen = [label_next()[0].pk for _ in range(7)]
    assert seen.count(known.image_id) == 1


def test_none_is_given_beside_the_one_in_hand(project, known, waiting, annotator, label_next, make_image, reviewer):
    label_next()
    label_next()
    assert next_image(project, annotator).image_id == known.image_id
    assert next_image(project, annotator, after=known.image_id).image_id in {photo.pk for photo in waiting}


def test_who_leaves_it_gets_another_photo_first(project, known, waiting, annotator, label_next):
    label_next()
    label_next()
    release(next_image(project, annotator).token, annotator)
    assert next_image(project, annotator, after=known.image_id).image_id in {photo.pk for photo in waiting}


def test_reviewers_are_not_tested(project, known, waiting, reviewer, label_next):
    assert known.image_id not in {label_next(by=reviewer)[0].pk for _ in range(4)}


def test_without_known_photos_wanted_none_come_and_nothing_is_asked(
    project, known, waiting, annotator, label_next, django_assert_num_queries
):
    from labelling.gold import photo_due

    project.stored_settings = {"gold_every": 0}
    project.save()
    assert known.image_id not in {label_next()[0].pk for _ in range(4)}
    with django_assert_num_queries(0):
        assert photo_due(project, annotator, after=None) is None


def test_it_looks_like_a_photo_nobody_has_labelled(project, known, waiting, annotator, label_next, api_for):
    label_next()
    label_next()
    api = api_for(annotator)
    opened = api.post(reverse("api-queue-next", args=[project.slug]), {}, format="json").json()
    usual = api.post(
        reverse("api-queue-next", args=[project.slug]), {"after": opened["image"]["id"]}, format="json"
    ).json()
    assert opened["image"]["id"] == known.image_id
    assert opened.keys() == usual.keys()
    assert opened["purpose"] == usual["purpose"] == "label"
    assert opened["image"].keys() == usual["image"].keys()
    assert opened["image"]["state"] == usual["image"]["state"] == "proposed"
    assert [(face["state"], face["who"], face["identity"], face["origin"]) for face in opened["faces"]] == [
        ("proposed", "unassigned", None, "model")
    ] * 2
    assert opened["faces"][0]["suggestions"][0]["identity"]["name"] == "Grace Hopper"
    for url in (reverse("api-image", args=[known.image_id]),):
        again = api.get(url).json()
        assert again["faces"] == opened["faces"] and again["state"] == "proposed"
    chosen = api.post(reverse("api-queue-open", args=[project.slug]), {"image": known.image_id}, format="json").json()
    assert chosen["faces"] == opened["faces"]


def test_the_answer_tells_right_from_wrong_and_changes_nothing(
    project, known, waiting, annotator, label_next, api_for, ada
):
    label_next()
    label_next()
    api = api_for(annotator)
    opened = api.post(reverse("api-queue-next", args=[project.slug]), {}, format="json").json()
    before = list(known.image.faces.order_by("pk").values())
    entries = LedgerEntry.objects.count()
    first, second = opened["faces"]
    said = {
        "lease": opened["lease"],
        "version": opened["image"]["version"],
        "event_id": str(uuid4()),
        "faces": [{"id": first["id"], "identity": "Ada Lovelace"}, {"id": second["id"], "who": "ignored"}],
    }
    url = reverse("api-submit", args=[known.image_id])
    answer = api.post(url, said, format="json").json()
    assert (answer["gold"]["right"], answer["gold"]["wrong"]) == (1, 2)
    told = [(face["said"], face["truth"], face["right"]) for face in answer["gold"]["faces"]]
    assert told == [
        ("Ada Lovelace", "Ada Lovelace", True),
        ("ignored", "Grace Hopper", False),
        ("not a face", "nobody we know", False),
    ]
    assert api.post(url, said, format="json").json() == answer
    assert list(known.image.faces.order_by("pk").values()) == before
    assert LedgerEntry.objects.count() == entries
    opinion = Opinion.objects.get()
    assert (opinion.is_gold, opinion.right, opinion.wrong) == (True, 1, 2)
    known.image.refresh_from_db()
    assert known.image.version == opened["image"]["version"]
    undone = api.post(reverse("api-undo", args=[answer["event"]]), {}, format="json")
    assert undone.status_code == 400 and "stands" in undone.json()["error"]["message"]


def test_a_known_photo_is_changed_by_reviewers_only(project, known, annotator, reviewer, ada):
    image = Image.objects.select_related("project").get(pk=known.image_id)
    words = [FaceWord(id=face.pk, who=Who.UNKNOWN) for face in image.faces.all()]
    proposed = [word for word in words if word.id in {face.pk for face in image.faces.filter(origin="model")}]
    hear(image, proposed, by=annotator, version=image.version, event_id=uuid4())
    with pytest.raises(PermissionDenied):
        hear(image, words, by=annotator, version=image.version, event_id=uuid4())
    assert hear(image, words, by=reviewer, version=image.version, event_id=uuid4()).verb == Verb.SUBMIT


def test_only_photos_that_are_done_can_be_vouched_for(make_image, reviewer):
    image = make_image()
    with pytest.raises(Refused, match="labelled"):
        vouch(image, by=reviewer)
    face = image.faces.get()
    event = submit_image(
        image, [FaceWord(id=face.pk, state="confirmed")], by=reviewer, version=image.version, event_id=uuid4()
    )
    with pytest.raises(Refused, match="who everybody"):
        vouch(image, by=reviewer)
    undo_event(event, by=reviewer)
    assert not Gold.objects.exists()


def test_vouching_is_for_reviewers(known, annotator, reviewer, api_for):
    url = reverse("api-gold", args=[known.image_id])
    assert api_for(annotator).delete(url).status_code == 403
    assert api_for(annotator).put(url).status_code == 403
    assert api_for(reviewer).put(url).status_code == 200
    assert api_for(reviewer).delete(url).status_code == 204
    assert not Gold.objects.exists() and Event.objects.exists()
