"""Where a photo was taken, by whom and with what stays in the original, and the original is never served."""

import io
import os
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import ExifTags
from PIL import Image as Picture

from labelling import storage
from labelling.crops import face_crop
from labelling.ingest import ingest_photo
from labelling.models import Image
from labelling.photos import SIZES, BadPhoto, read_photo
from labelling.proposals import ProposedFace, record_proposals
from labelling.tokens import make_token
from tests.labelling.test_access import FOREIGN, one_of_everything
from tests.private_photos import SECRET, bare_jpeg, private_photo

ODD = Path(os.environ.get("FACET_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data") / "odd"


@pytest.fixture
def photo(project):
    """Taken in, with one face."""
    image = Image.objects.get(pk=ingest_photo(project, "paris.jpg", private_photo()).id)
    record_proposals(image.pk, [ProposedFace((20, 20, 40, 50), 0.9, None)], detector={"name": "test"})
    image.refresh_from_db()
    return image


def test_the_photo_of_these_tests_says_what_cameras_say():
    picture = Picture.open(io.BytesIO(private_photo()))
    exif = picture.getexif()
    assert exif[ExifTags.Base.Artist] == "PRIVATE-ARTIST"
    position = exif.get_ifd(ExifTags.IFD.GPSInfo)
    assert [float(part) for part in position[2]] == [48, 51, 30]
    assert exif.get_ifd(ExifTags.IFD.Exif)[0xA431] == "PRIVATE-SERIAL"
    assert "PRIVATE-XMP" in str(picture.info["xmp"])
    assert b"PRIVATE-THUMBNAIL" in private_photo()
    assert not bare_jpeg(private_photo())


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "GIF"])
def test_pictures_hold_pixels_and_nothing_else(format):
    pictures = read_photo(private_photo(format=format)).pictures
    assert set(pictures) == set(SIZES)
    assert all(bare_jpeg(data) and SECRET not in data for data in pictures.values())


def test_pictures_of_another_colour_space_carry_no_profile():
    grey = Picture.new("CMYK", (64, 64), (10, 200, 30, 40))
    out = io.BytesIO()
    grey.save(out, "JPEG", comment=SECRET, icc_profile=b"PRIVATE" * 40)
    assert all(bare_jpeg(data) for data in read_photo(out.getvalue()).pictures.values())


def test_the_original_is_kept_as_it_came(photo):
    assert storage.get(storage.original_key(photo.project_id, photo.sha256)) == private_photo()


def test_no_page_picture_crop_or_answer_has_a_byte_of_it(photo, project, owner, client_for):
    client = client_for(owner)
    things = one_of_everything(project, owner, photo)
    seen, leaks = set(), []
    addresses = [reverse(name, kwargs=kwargs(things)) for name, kwargs in FOREIGN.items()]
    addresses += [reverse("picture", args=[photo.pk, size, photo.sha256[:16]]) for size in SIZES]
    for address in addresses:
        answer = client.get(address)
        body = answer.getvalue()
        seen.add(answer["Content-Type"].split(";")[0])
        if SECRET in body or (answer["Content-Type"] == "image/jpeg" and not bare_jpeg(body)):
            leaks.append(address)
    assert leaks == []
    assert {"text/html", "application/json", "image/jpeg"} <= seen


def test_a_crop_cut_from_the_original_holds_pixels_alone(project):
    large = Picture.open(io.BytesIO(private_photo())).resize((2400, 1800))
    out = io.BytesIO()
    large.save(out, "JPEG", exif=b"Exif\0\0MM\0*PRIVATE", comment=SECRET)
    image = Image.objects.get(pk=ingest_photo(project, "large.jpg", out.getvalue()).id)
    (face,) = record_proposals(image.pk, [ProposedFace((900, 700, 60, 70), 0.9, None)], detector={"name": "test"})
    assert bare_jpeg(face_crop(face))


@pytest.mark.parametrize("by_token", [False, True])
def test_what_came_through_the_api_is_served_bare(project, owner, api_for, by_token):
    client = api_for(owner)
    if by_token:
        client.logout()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {make_token(owner, 'camera')[0]}")
    file = SimpleUploadedFile("paris.jpg", private_photo(5), "image/jpeg")
    answer = client.post(f"/api/v1/projects/{project.slug}/images/", {"file": file}, format="multipart")
    (result,) = answer.json()["results"]
    assert result["status"] == "created"
    told = client.get(f"/api/v1/images/{result['id']}/")
    assert SECRET not in told.content
    assert "gps" not in told.text.lower()
    viewer = api_for(owner)  # pictures are for browsers
    assert all(bare_jpeg(viewer.get(address).getvalue()) for address in told.json()["urls"].values())


@pytest.mark.skipif(not ODD.is_dir(), reason="FACET_DATA names no folder of real photos")
def test_pictures_of_real_photos_with_positions_are_bare():
    files = [path for folder in ("gps", "heic", "formats", "exif_orientation") for path in (ODD / folder).iterdir()]
    read = 0
    for path in files:
        try:
            pictures = read_photo(path.read_bytes()).pictures
        except BadPhoto:
            continue
        read += 1
        assert all(bare_jpeg(data) for data in pictures.values()), path.name
    assert read > 20
