"""The grid of photos, its filters and its pages; the Label and Ingest pages around their scripts."""

import re
from uuid import uuid4

import pytest
from django.urls import reverse

from labelling.identities import create_identity
from labelling.models import Image, ImageState
from labelling.submit import FaceWord, submit_image
from labelling.views import images as pages

LINK = re.compile(r"\?image=(\d+)")


@pytest.fixture
def client(client_for, annotator):
    return client_for(annotator)


def listed(client, project, **asked) -> list[int]:
    text = client.get(reverse("images", args=[project.slug]), asked).text
    return [int(number) for number in LINK.findall(text)]


def bare_images(project, count: int) -> list[int]:
    """Rows without pixels: enough for lists, and quick."""
    rows = [
        Image(project=project, sha256=f"{number:064x}", name=f"bare_{number}.jpg", byte_size=1, format="JPEG",
              width=4, height=3, phash=0, sharpness=0, brightness=0)
        for number in range(count)
    ]  # fmt: skip
    return [image.pk for image in Image.objects.bulk_create(rows)]


def test_newest_photos_come_first(client, project, make_image):
    first, second = make_image(seed=1), make_image(seed=2)
    assert listed(client, project) == [second.pk, first.pk]


def test_filters_narrow_the_list(client, project, owner, make_image):
    ana, ben = create_identity(project, "Ana"), create_identity(project, "Ben")
    with_ana, without = make_image(seed=1, faces=1, session="May"), make_image(seed=2, faces=1)
    words = [FaceWord(id=with_ana.faces.get().pk, identity=ana.pk, has_identity=True)]
    submit_image(with_ana, words, by=owner, version=with_ana.version, event_id=uuid4())
    assert listed(client, project, identity=ana.pk) == [with_ana.pk]
    assert listed(client, project, identity="ana") == [with_ana.pk]
    assert listed(client, project, identity=ben.pk) == []
    assert listed(client, project, state=ImageState.LABELLED) == [with_ana.pk]
    assert listed(client, project, who="unassigned") == [without.pk]
    assert listed(client, project, session="May") == [with_ana.pk]
    assert listed(client, project, q="PHOTO_2") == [without.pk]
    assert listed(client, project, q="photo", state="labelled") == [with_ana.pk]


def test_a_person_given_by_number_is_shown_by_name(client, project):
    ana = create_identity(project, "Ana")
    text = client.get(reverse("images", args=[project.slug]), {"identity": ana.pk}).text
    assert 'value="Ana"' in text
    assert "No photo matches" in text


@pytest.mark.parametrize(
    ("field", "value"), [("state", "nonsense"), ("who", "nonsense"), ("q", "\0"), ("session", "\0"), ("q", "x" * 300)]
)
def test_a_filter_that_makes_no_sense_is_said_and_lists_nothing(client, project, make_image, field, value):
    make_image(seed=1)
    answer = client.get(reverse("images", args=[project.slug]), {field: value})
    assert answer.status_code == 200
    if value != "\0":  # a NUL alone is nothing asked
        assert "field__error" in answer.text
        assert LINK.findall(answer.text) == []


@pytest.mark.parametrize("identity", ["²", "9" * 40, "-1", "\0", "' OR 1=1 --"])
def test_odd_people_find_nothing_and_break_nothing(client, project, make_image, identity):
    make_image(seed=1)
    assert listed(client, project, identity=identity) in ([], [project.images.get().pk])


def test_going_through_the_pages_shows_each_photo_once_and_back_again(client, project, monkeypatch):
    monkeypatch.setattr(pages, "PAGE_SIZE", 4)
    ids = list(reversed(bare_images(project, 10)))
    url = reverse("images", args=[project.slug])
    seen, contexts = [], []
    while url:
        answer = client.get(url)
        contexts.append(answer.context)
        seen.append([image.pk for image in answer.context["images"]])
        url = answer.context["next_url"] and reverse("images", args=[project.slug]) + answer.context["next_url"]
    assert seen == [ids[:4], ids[4:8], ids[8:]]
    assert not contexts[0]["previous_url"]
    back = client.get(reverse("images", args=[project.slug]) + contexts[2]["previous_url"])
    assert [image.pk for image in back.context["images"]] == ids[4:8]
    first = client.get(reverse("images", args=[project.slug]) + back.context["previous_url"])
    assert [image.pk for image in first.context["images"]] == ids[:4]
    assert not first.context["previous_url"]


def test_pages_keep_the_filters(client, project, monkeypatch):
    monkeypatch.setattr(pages, "PAGE_SIZE", 1)
    bare_images(project, 2)
    answer = client.get(reverse("images", args=[project.slug]), {"q": "bare", "state": "new"})
    assert "q=bare" in answer.context["next_url"]
    assert "state=new" in answer.context["next_url"]


def test_a_photo_added_meanwhile_shifts_no_page(client, project, monkeypatch, make_image):
    monkeypatch.setattr(pages, "PAGE_SIZE", 2)
    ids = list(reversed(bare_images(project, 4)))
    first = client.get(reverse("images", args=[project.slug]))
    make_image(seed=9)
    second = client.get(reverse("images", args=[project.slug]) + first.context["next_url"])
    assert [image.pk for image in second.context["images"]] == ids[2:]


@pytest.mark.parametrize("cursor", ["x", "a:b:c", "%00", "é"])
def test_a_forged_cursor_starts_at_the_first_page(client, project, cursor):
    ids = bare_images(project, 2)
    assert listed(client, project, cursor=cursor) == ids[::-1]


def test_when_the_page_behind_a_cursor_is_gone_the_first_one_comes(client, project, monkeypatch):
    monkeypatch.setattr(pages, "PAGE_SIZE", 2)
    ids = bare_images(project, 3)
    url = reverse("images", args=[project.slug])
    after = client.get(url).context["next_url"]
    Image.objects.filter(pk=ids[0]).delete()
    assert [image.pk for image in client.get(url + after).context["images"]] == [ids[2], ids[1]]


def test_counts_beyond_the_limit_are_not_counted_out(client, project, monkeypatch):
    monkeypatch.setattr(pages, "COUNT_UP_TO", 3)
    bare_images(project, 3)
    assert "3 photos" in client.get(reverse("images", args=[project.slug])).text
    Image.objects.filter(pk=bare_image(project)).get()
    assert "More than 3 photos" in client.get(reverse("images", args=[project.slug])).text


def bare_image(project) -> int:
    return Image.objects.create(
        project=project, sha256="f" * 64, name="one more.jpg", byte_size=1, format="JPEG", width=4, height=3,
        phash=0, sharpness=0, brightness=0,
    ).pk  # fmt: skip


def test_each_photo_tells_its_state_and_its_faces(client, project, owner, make_image):
    image = make_image(seed=1, faces=3)
    first, second, _ = image.faces.all()
    words = [
        FaceWord(id=first.pk, identity="Ana", has_identity=True),
        FaceWord(id=second.pk, state="rejected"),
    ]
    submit_image(image, words, by=owner, version=image.version, event_id=uuid4())
    answer = client.get(reverse("images", args=[project.slug]))
    shown = answer.context["images"][0]
    assert (shown.face_count, shown.named_count) == (2, 1)
    assert "chip--proposed" in answer.text
    assert "2 faces, 1 named" in answer.text


def test_an_empty_project_says_how_to_begin(client, project):
    text = client.get(reverse("images", args=[project.slug])).text
    assert "No photos yet" in text
    assert reverse("ingest", args=[project.slug]) in text


def test_label_opens_a_chosen_photo_of_this_project_only(client, project, make_image):
    image = make_image(seed=1)
    url = reverse("label", args=[project.slug])
    assert client.get(url, {"image": image.pk}).context["image_id"] == image.pk
    assert client.get(url).context["image_id"] is None
    for odd in ("0", "999999999", "²", "9" * 40, "x"):
        assert client.get(url, {"image": odd}).status_code == 404, odd


def test_label_gets_the_threshold_of_the_project(client, project):
    project.stored_settings = {"accept_probability": 0.77}
    project.save()
    assert client.get(reverse("label", args=[project.slug])).context["accept_threshold"] == 0.77


def test_ingest_offers_the_latest_sessions(client, project, make_image):
    for seed, session in enumerate(["old", "new", "old", ""]):
        make_image(seed=seed, session=session)
    context = client.get(reverse("ingest", args=[project.slug])).context
    assert context["sessions"] == ["old", "new"]
    assert context["can_upload"]
    assert [(batch["session"], batch["count"]) for batch in context["recent_batches"]] == [("old", 2), ("new", 1)]


def test_engineers_are_offered_the_buckets_that_are_open(client_for, project, annotator, engineer, settings):
    url = reverse("ingest", args=[project.slug])
    assert "Take photos from a bucket" not in client_for(engineer).get(url).text
    settings.S3_SOURCES = ["captures/lobby"]
    assert "s3://captures/lobby/" in client_for(engineer).get(url).text
    assert "Take photos from a bucket" not in client_for(annotator).get(url).text
