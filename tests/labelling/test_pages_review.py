"""The Review pages: what each lists, for whom, and that nothing there is asked row by row."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labelling.gold import vouch
from labelling.hear import hear
from labelling.identities import create_identity
from labelling.models import Image, Opinion, Who
from labelling.remarks import flag
from labelling.reviewing import accept, return_photo
from labelling.submit import FaceWord, submit_image

PAGES = ("review", "review-disputes", "review-flags", "review-gold", "review-agreement")


@pytest.fixture
def label(annotator):
    def labelled(image, by=None):
        words = [FaceWord(id=face.pk, who=Who.UNKNOWN) for face in image.faces.all()]
        submit_image(image, words, by=by or annotator, version=image.version, event_id=uuid4())
        image.refresh_from_db()
        return image

    return labelled


@pytest.fixture
def dispute(project, make_image, annotator, owner):
    """A photo of two faces; both saw the first, and only one the second."""

    def make(seed=50):
        project.stored_settings = {"overlap": 2}
        project.save(update_fields=["stored_settings"])
        ada = create_identity(project, f"Ada {seed}")
        image = Image.objects.select_related("project").get(pk=make_image(seed=seed, faces=2).pk)
        first, second = image.faces.order_by("pk")
        named = FaceWord(id=first.pk, identity=ada.pk, has_identity=True)
        for user, other in (
            (annotator, FaceWord(id=second.pk, who=Who.IGNORED)),
            (owner, FaceWord(id=second.pk, state="rejected")),
        ):
            hear(image, [named, other], by=user, version=image.version, event_id=uuid4())
        image.refresh_from_db()
        return image

    return make


@pytest.mark.parametrize("name", PAGES)
def test_reviewers_see_the_pages_and_annotators_do_not(project, reviewer, annotator, client_for, name):
    url = reverse(name, args=[project.slug])
    assert client_for(annotator).get(url).status_code == 403
    answer = client_for(reviewer).get(url)
    assert answer.status_code == 200
    assert 'aria-label="Review"' in answer.text


def test_photos_wait_until_they_are_accepted(project, reviewer, annotator, make_image, label, api_for):
    first, second, third = (label(make_image(seed=seed)) for seed in range(3))
    make_image(seed=9)  # nobody labelled it
    url = reverse("api-review", args=[project.slug])
    api = api_for(reviewer)
    accept(first, by=reviewer, version=first.version, event_id=uuid4())
    listed = api.get(url).json()
    assert [photo["id"] for photo in listed["results"]] == [second.pk, third.pk]
    assert (listed["accepted"], listed["labelled"]) == (1, 3)
    photo = listed["results"][0]
    assert photo["labelled_by"] == ["anna"]
    assert [(face["words"], face["state"]) for face in photo["faces"]] == [("nobody we know", "confirmed")]
    assert [photo["id"] for photo in api.get(url, {"after": second.pk}).json()["results"]] == [third.pk]
    assert [photo["id"] for photo in api.get(url, {"only": second.pk}).json()["results"]] == [second.pk]
    assert api.get(url, {"only": first.pk}).json()["results"] == []


def test_photos_of_one_annotator_and_a_random_sample(project, reviewer, annotator, make_image, label, api_for):
    theirs = label(make_image(seed=1))
    mine = label(make_image(seed=2), by=reviewer)
    Image.objects.filter(pk=theirs.pk).update(lot=0.9)
    Image.objects.filter(pk=mine.pk).update(lot=0.1)
    url = reverse("api-review", args=[project.slug])
    api = api_for(reviewer)
    assert [photo["id"] for photo in api.get(url, {"by": "rita"}).json()["results"]] == [mine.pk]
    sample = {"order": "sample"}
    assert [photo["id"] for photo in api.get(url, sample).json()["results"]] == [mine.pk, theirs.pk]
    assert [photo["id"] for photo in api.get(url, sample | {"after": mine.pk}).json()["results"]] == [theirs.pk]


def test_a_dispute_is_shown_place_by_place(project, reviewer, dispute, api_for):
    image = dispute()
    listed = api_for(reviewer).get(reverse("api-disputes", args=[project.slug])).json()
    assert listed["waiting"] == 1
    (photo,) = listed["results"]
    assert photo["id"] == image.pk
    assert [voice["user"] for voice in photo["voices"]] == ["anna", "olga"]
    differing, agreed = photo["places"]
    assert (agreed["agreed"], [option["words"] for option in agreed["options"]]) == (True, ["Ada 50"])
    assert agreed["options"][0]["by"] == ["anna", "olga"]
    assert [(option["words"], option["by"]) for option in differing["options"]] == [
        ("ignored", ["anna"]),
        ("not a face", ["olga"]),
    ]
    picks = [{"opinion": option["opinion"], "key": option["key"]} for option in (agreed["options"][0],)]
    said = {"event_id": str(uuid4()), "version": photo["version"], "picks": picks}
    judged = api_for(reviewer).post(reverse("api-judge", args=[image.pk]), said, format="json")
    assert judged.status_code == 200
    assert list(image.faces.order_by("pk").values_list("state", flat=True)) == ["confirmed", "rejected"]


def test_the_api_lists_are_for_reviewers(project, annotator, api_for):
    for name in ("api-review", "api-disputes"):
        assert api_for(annotator).get(reverse(name, args=[project.slug])).status_code == 403


def test_flags_are_listed_by_kind_until_they_are_settled(project, reviewer, annotator, make_image, label, client_for):
    image = label(make_image())
    flag(image, "Two people in one box", by=annotator, event_id=uuid4(), face_id=image.faces.get().pk)
    return_photo(image, "Name the left one", by=reviewer, version=image.version, event_id=uuid4())
    client = client_for(reviewer)
    url = reverse("review-flags", args=[project.slug])
    both = client.get(url).text
    assert "Two people in one box" in both and "Name the left one" in both and "to anna" in both
    flags = client.get(url, {"kind": "flag"}).text
    assert "Two people in one box" in flags and "Name the left one" not in flags


def test_known_photos_say_when_their_labels_changed_and_how_people_do(
    project, reviewer, annotator, make_image, label, client_for
):
    image = label(make_image())
    vouch(image, by=reviewer)
    Opinion.objects.create(project=project, image=image, user=annotator, is_gold=True, right=9, wrong=1)
    client = client_for(reviewer)
    url = reverse("review-gold", args=[project.slug])
    page = client.get(url).text
    assert "90.0" in page and "labels changed since" not in page
    words = [FaceWord(id=image.faces.get().pk, who=Who.IGNORED)]
    submit_image(image, words, by=reviewer, version=image.version, event_id=uuid4())
    assert "labels changed since" in client.get(url).text


def test_agreement_is_shown_once_two_people_were_heard(project, reviewer, dispute, client_for):
    url = reverse("review-agreement", args=[project.slug])
    assert "Not measured yet" in client_for(reviewer).get(url).text
    dispute()
    page = client_for(reviewer).get(url).text
    assert "anna and olga" in page or "olga and anna" in page
    assert "50.0" in page  # of the two boxes one is seen by both


@pytest.mark.parametrize("name", [*PAGES, "api-review", "api-disputes"])
def test_ten_rows_cost_the_queries_of_one(project, reviewer, annotator, make_image, label, dispute, client_for, name):
    def add(seed):
        image = label(make_image(seed=seed))
        vouch(image, by=reviewer)
        flag(image, "Odd", by=annotator, event_id=uuid4(), face_id=image.faces.first().pk)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(url).status_code == 200
        return len(asked)

    client, url = client_for(reviewer), reverse(name, args=[project.slug])
    add(0)
    dispute(100)
    one = queries()
    for seed in range(1, 4):
        project.stored_settings = {}
        project.save(update_fields=["stored_settings"])
        add(seed)
        dispute(100 + seed)
    assert queries() <= one
