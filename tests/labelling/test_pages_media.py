"""Pixels: only for members, kept by browsers for good, and never under an address that means other pixels."""

import io

import pytest
from django.urls import reverse
from PIL import Image as Picture

from labelling import storage
from labelling.models import Face
from labelling.projects import create_project

FOR_GOOD = "private, max-age=31536000, immutable"


@pytest.fixture
def client(client_for, annotator):
    return client_for(annotator)


@pytest.fixture
def image(make_image):
    return make_image(seed=1, faces=1)


@pytest.fixture
def face(image):
    return image.faces.get()


def picture_url(image, size: str = "small", key: str | None = None) -> str:
    return reverse("picture", args=[image.pk, size, key or image.sha256[:16]])


def crop_url(face, key: str | None = None) -> str:
    return reverse("crop", args=[face.pk, key or face.box_key])


def pixels(answer) -> Picture.Image:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert int(answer.get("Content-Length", len(body))) == len(body)
    return Picture.open(io.BytesIO(body))


@pytest.mark.parametrize("size", ["small", "large"])
def test_members_get_the_picture_to_keep(client, image, size):
    answer = client.get(picture_url(image, size))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["Cache-Control"] == FOR_GOOD
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert pixels(answer).size == (160, 120)


def test_members_get_the_crop_to_keep(client, face):
    answer = client.get(crop_url(face))
    assert answer.status_code == 200
    assert answer["Cache-Control"] == FOR_GOOD
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert pixels(answer).size == (224, 224)


def test_a_browser_that_has_it_gets_nothing_again(client, image, face, monkeypatch):
    for url in (picture_url(image), crop_url(face)):
        etag = client.get(url)["ETag"]
        with monkeypatch.context() as patch:
            patch.setattr(storage, "get", None)
            patch.setattr(storage, "stream", None)
            answer = client.get(url, headers={"If-None-Match": etag})
        assert answer.status_code == 304
        assert answer["Cache-Control"] == FOR_GOOD
        assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_stranger_who_has_it_is_told_nothing(client, client_for, stranger, image, face):
    """The check of the right comes before the check of the tag."""
    for url in (picture_url(image), crop_url(face)):
        etag = client.get(url)["ETag"]
        assert client_for(stranger).get(url, headers={"If-None-Match": etag}).status_code == 404


def test_guessing_ids_gets_a_stranger_nothing(client_for, stranger, image, face):
    create_project("Mine", by=stranger)
    client = client_for(stranger)
    for url in (picture_url(image), picture_url(image, "large"), picture_url(image, key="0" * 16), crop_url(face)):
        assert client.get(url).status_code == 404, url
    assert client.get(crop_url(face, "0" * 16)).status_code == 404  # and not a hint at the right key


def test_a_wrong_key_or_size_is_not_found(client, image):
    assert client.get(picture_url(image, key="0" * 16)).status_code == 404
    assert client.get(picture_url(image, key=image.sha256[:15])).status_code == 404
    assert client.get(picture_url(image, "original")).status_code == 404
    assert client.get(picture_url(image, "..")).status_code == 404


def test_the_address_of_an_older_box_leads_to_the_present_one(client, face):
    old = crop_url(face)
    Face.objects.filter(pk=face.pk).update(x=face.x + 5)
    face.refresh_from_db()
    answer = client.get(old)
    assert answer.status_code == 302
    assert answer["Location"] == crop_url(face)
    assert answer["Cache-Control"] == "no-store"
    assert client.get(answer["Location"]).status_code == 200


def test_pixels_that_are_gone_are_not_found_and_logged(client, image, face, monkeypatch, caplog):
    def missing(key):
        raise storage.ObjectMissing(key)

    monkeypatch.setattr(storage, "get", missing)
    monkeypatch.setattr(storage, "stream", missing)
    for url, thing in ((picture_url(image), f"image {image.pk}"), (crop_url(face), f"face {face.pk}")):
        caplog.clear()
        assert client.get(url).status_code == 404
        assert f"The pixels of {thing} are gone" in caplog.text


def test_a_store_that_is_away_asks_to_come_again(client, image, face, monkeypatch):
    def away(key):
        raise storage.StoreAway(key)

    monkeypatch.setattr(storage, "get", away)
    monkeypatch.setattr(storage, "stream", away)
    for url in (picture_url(image), crop_url(face)):
        answer = client.get(url)
        assert answer.status_code == 503
        assert answer["Retry-After"]
        assert answer["Cache-Control"] == "no-store"


def test_a_head_request_carries_no_pixels(client, image):
    answer = client.head(picture_url(image))
    assert answer.status_code == 200
    assert answer["Cache-Control"] == FOR_GOOD
