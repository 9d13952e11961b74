"""Photos as they are handed out: the pixels that boxes are measured in, and nothing that a camera wrote."""

import io

import numpy as np
import pytest
from PIL import Image as Picture
from PIL import ImageCms

from labelling.photos import BadPhoto, upright_rgb
from labelling.shipped import shipped, shipped_ending
from tests.conftest import picture_bytes
from tests.orientations import all_eight
from tests.private_photos import SECRET, bare_jpeg, private_photo


def pixels(data: bytes) -> np.ndarray:
    """As a program sees them that knows nothing of EXIF and profiles."""
    return np.asarray(Picture.open(io.BytesIO(data)).convert("RGB"))


def jpeg(**options) -> bytes:
    out = io.BytesIO()
    Picture.open(io.BytesIO(picture_bytes(3, (160, 120), "PNG"))).save(out, "JPEG", quality=90, **options)
    return out.getvalue()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}, {"restart_marker_rows": 1}])
def test_pixels_of_an_upright_jpeg_are_the_very_same(options):
    given = shipped(jpeg(**options))
    assert given.ending == "jpg"
    assert np.array_equal(pixels(given.data), upright_rgb(jpeg(**options)))


def test_a_grey_jpeg_stays_one():
    out = io.BytesIO()
    Picture.open(io.BytesIO(picture_bytes(3, (160, 120), "PNG"))).convert("L").save(out, "JPEG")
    given = shipped(out.getvalue())
    assert np.array_equal(pixels(given.data), upright_rgb(out.getvalue()))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "HEIF", "TIFF", "GIF"])
def test_nothing_that_a_camera_wrote_goes_out(format):
    given = shipped(private_photo(format=format))
    assert SECRET not in given.data
    assert given.ending == shipped_ending(format)
    if given.ending == "jpg":
        assert bare_jpeg(given.data)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
def test_whichever_way_a_camera_was_held_the_picture_stands_upright(format):
    upright = Picture.open(io.BytesIO(picture_bytes(5, (160, 120), "PNG"))).convert("RGB")
    for orientation, data in all_eight(upright, format).items():
        given = pixels(shipped(data).data)
        wanted = upright_rgb(data)
        assert given.shape == wanted.shape == (120, 160, 3), orientation
        most = 0 if format != "JPEG" else 16
        assert np.abs(given.astype(int) - wanted.astype(int)).max() <= most, orientation


def test_formats_that_lose_nothing_are_handed_out_without_loss():
    data = picture_bytes(5, (160, 120), "PNG")
    assert shipped(data).ending == "png"
    assert np.array_equal(pixels(shipped(data).data), upright_rgb(data))


def test_colours_of_another_space_are_turned_into_those_that_screens_show():
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    data = jpeg(icc_profile=lab)
    assert np.abs(pixels(shipped(data).data).astype(int) - upright_rgb(data).astype(int)).max() <= 16


def test_a_second_picture_behind_the_first_stays_behind():
    data = jpeg() + jpeg(comment=b"PRIVATE-SECOND")
    assert shipped(data).data == shipped(jpeg()).data


def test_a_thumbnail_in_the_head_of_a_jpeg_stays_behind():
    plain = jpeg()
    thumbnail = b"\xff\xe0" + (16 + 3 * 4).to_bytes(2, "big") + plain[6:18] + b"\x02\x02" + b"PRIVATE-PIXE"
    with_one = plain[:2] + thumbnail + plain[20:]
    assert shipped(with_one).data == shipped(plain).data


def test_a_jpeg_that_is_built_strangely_is_written_anew():
    plain = jpeg()
    tables = plain.index(b"\xff\xc0")
    strange = plain[:tables] + b"\xff\x00" + plain[tables:]  # a stray byte between segments, which decoders skip
    given = shipped(strange)
    assert given.data != strange
    assert np.abs(pixels(given.data).astype(int) - upright_rgb(strange).astype(int)).max() <= 16


def test_the_same_photo_gives_the_same_bytes():
    for format in ("JPEG", "PNG", "HEIF"):
        assert shipped(private_photo(format=format)) == shipped(private_photo(format=format))


def test_what_is_no_photo_is_refused():
    with pytest.raises(BadPhoto):
        shipped(b"no photo")
