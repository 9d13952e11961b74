"""Reading one photo: upright whatever its flag says, refused with a sentence whatever is wrong with it."""

import io
import json
import os
import struct
import subprocess
import sys
import zlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import ExifTags, ImageCms, ImageFile
from PIL import Image as Picture

from labelling.photos import MAX_SCANS, SIZES, BadPhoto, read_photo, upright_rgb

REPO = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("FACET_DATA") or REPO.parent / "shared" / "data")
SECRET = "Meadow Lane 7"


def smooth(width: int = 60, height: int = 40, seed: int = 0) -> np.ndarray:
    """Pixels in which no turning or mirroring looks like another."""
    rough = np.random.default_rng(seed).integers(0, 255, (4, 5, 3), dtype=np.uint8)
    return np.asarray(Picture.fromarray(rough).resize((width, height), Picture.Resampling.BICUBIC))


def encoded(pixels: np.ndarray | Picture.Image, format: str = "JPEG", **options) -> bytes:
    picture = pixels if isinstance(pixels, Picture.Image) else Picture.fromarray(pixels)
    out = io.BytesIO()
    picture.save(out, format, **options)
    return out.getvalue()


def exif_with(orientation: int = 1, **more) -> Picture.Exif:
    exif = Picture.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    for name, value in more.items():
        exif[ExifTags.Base[name]] = value
    return exif


def png(width: int, height: int, *, depth: int, colour: int, rows: bytes, **chunks: bytes) -> bytes:
    """A PNG written by hand: also the kinds that Pillow does not write, also ones that lie."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    extra = b"".join(chunk(name.encode(), body) for name, body in chunks.items())
    body = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + body + chunk(b"IEND", b"")


# What a camera stores, turned and mirrored so, to be seen upright with that flag (EXIF 2.32, tag 0x0112).
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("orientation", STORED)
def test_every_orientation_gives_the_same_upright_pixels(orientation):
    upright = smooth()
    stored = np.ascontiguousarray(STORED[orientation](upright))
    for options in ({"format": "PNG"}, {"format": "WEBP", "lossless": True}):
        data = encoded(stored, exif=exif_with(orientation), **options)
        assert np.array_equal(upright_rgb(data), upright)
    jpeg = encoded(stored, exif=exif_with(orientation), quality=95)
    photo = read_photo(jpeg)
    assert (photo.width, photo.height) == (60, 40)
    assert np.abs(upright_rgb(jpeg).astype(int) - upright).mean() < 4
    shown = np.asarray(Picture.open(io.BytesIO(photo.pictures["large"]))).astype(int)
    assert shown.shape == upright.shape and np.abs(shown - upright).mean() < 4


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_an_orientation_that_does_not_exist_is_as_none(orientation):
    pixels = smooth()
    assert np.array_equal(upright_rgb(encoded(pixels, "PNG", exif=exif_with(orientation))), pixels)


def test_a_photo_is_described():
    exif = exif_with(Model="  Nikon\0 D800 ", DateTime="2020:02:03 04:05:06")
    data = encoded(smooth(), exif=exif)
    photo = read_photo(data)
    assert (photo.format, photo.width, photo.height) == ("JPEG", 60, 40)
    assert photo.taken_at == datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert photo.camera == "Nikon D800"
    assert 0 <= photo.brightness <= 255 and photo.sharpness > 0
    assert -(2**63) <= photo.phash < 2**63


def test_the_moment_of_the_shutter_counts_more_than_that_of_the_file():
    exif = exif_with(DateTime="2021:01:01 00:00:00")
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2020:12:31 23:59:59"
    assert read_photo(encoded(smooth(), exif=exif)).taken_at == datetime(2020, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("stamp", ["", "yesterday", "0000:00:00 00:00:00", "2020:13:41 25:61:61"])
def test_a_time_that_is_none_is_left_out(stamp):
    assert read_photo(encoded(smooth(), exif=exif_with(DateTime=stamp))).taken_at is None


def test_pictures_fit_their_sizes_and_carry_nothing_but_pixels():
    exif = exif_with(6, Model="Leaky", ImageDescription=SECRET)
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (47.0, 30.0, 12.0)
    data = encoded(smooth(2000, 900), exif=exif, comment=SECRET.encode(), xmp=b"<x:xmpmeta>" + SECRET.encode())
    assert data.count(SECRET.encode()) == 3
    photo = read_photo(data)
    assert (photo.width, photo.height) == (900, 2000)
    for name, side in SIZES.items():
        picture = Picture.open(io.BytesIO(photo.pictures[name]))
        assert picture.format == "JPEG" and max(picture.size) == side
        assert not picture.getexif() and "comment" not in picture.info and "xmp" not in picture.info
        assert SECRET.encode() not in photo.pictures[name]


def test_no_picture_is_larger_than_the_photo():
    for picture in read_photo(encoded(smooth(60, 40))).pictures.values():
        assert Picture.open(io.BytesIO(picture)).size == (60, 40)


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (2, 2)])
def test_strangely_shaped_photos_are_read(size):
    photo = read_photo(encoded(Picture.new("RGB", size, "grey"), "PNG"))
    assert (photo.width, photo.height) == size


def test_transparent_parts_are_seen_on_white():
    pixels = np.zeros((10, 10, 4), np.uint8)
    pixels[:, 5:] = (255, 0, 0, 255)
    for format, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True})):
        rgb = upright_rgb(encoded(pixels, format, **options))
        assert (rgb[:, :5] == 255).all() and (rgb[:, 5:] == (255, 0, 0)).all()


def test_palette_pictures_are_read_with_and_without_transparency():
    palette = Picture.fromarray(smooth()).quantize(16)
    rgb = np.asarray(palette.convert("RGB"))
    assert np.array_equal(upright_rgb(encoded(palette, "PNG")), rgb)
    clear = upright_rgb(encoded(palette, "PNG", transparency=3))
    is_clear = np.asarray(palette) == 3
    assert is_clear.any() and (clear[is_clear] == 255).all()
    assert np.array_equal(clear[~is_clear], rgb[~is_clear])


def test_sixteen_bits_become_the_upper_eight():
    values = np.linspace(0, 65_535, 256, dtype=">u2").reshape(1, 256)
    grey = png(256, 1, depth=16, colour=0, rows=b"\0" + values.tobytes())
    assert np.abs(upright_rgb(grey)[0, :, 0].astype(int) - np.arange(256)).max() <= 1
    colour = png(256, 1, depth=16, colour=2, rows=b"\0" + np.repeat(values, 3).tobytes())
    assert np.abs(upright_rgb(colour)[0, :, 2].astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize("mode", ["L", "1", "LA"])
def test_grey_pictures_become_rgb(mode):
    photo = Picture.fromarray(smooth()).convert("L").convert(mode)
    rgb = upright_rgb(encoded(photo, "PNG"))
    assert rgb.shape == (40, 60, 3) and (rgb[..., 0] == rgb[..., 2]).all()


def test_cmyk_keeps_its_colours():
    cmyk = Picture.new("CMYK", (20, 20), (0, 255, 255, 0))
    assert np.abs(upright_rgb(encoded(cmyk, quality=95))[10, 10].astype(int) - (255, 0, 0)).max() < 12


def test_the_first_picture_of_an_mpo_counts():
    first, second = Picture.fromarray(smooth(seed=1)), Picture.fromarray(smooth(seed=2))
    data = encoded(first, "MPO", save_all=True, append_images=[second], quality=95)
    assert read_photo(data).format == "JPEG"
    assert np.abs(upright_rgb(data).astype(int) - np.asarray(first)).mean() < 4


HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\0" * 200
REFUSED = {
    "empty": (b"", "empty"),
    "one byte": (b"\xff", "Convert it"),
    "text": (b"Dear Sir or Madam, this is a letter.", "Convert it"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "Convert it"),
    "html": (b"<!doctype html><html><body><img src=x onerror=alert(1)></body></html>", "Convert it"),
    "psd": (b"8BPS\0\1" + b"\0" * 100, "Convert it to JPEG, PNG, WebP, HEIC or TIFF"),
    "heic": (HEIC, "Convert it"),
    "zip": (b"PK\x03\x04" + b"\0" * 100, "Convert it"),
    "jpeg cut short": (encoded(smooth(300, 200))[:-500], "cut short"),
    "png cut short": (encoded(smooth(300, 200), "PNG")[:-500], "cut short"),
    "webp cut short": (encoded(smooth(300, 200), "WEBP")[:-500], "damaged"),
    "jpeg header alone": (encoded(smooth())[:200], "."),
    "png with rows missing": (png(5, 5, depth=8, colour=2, rows=b"not enough rows"), "."),
    "png without size": (png(0, 0, depth=8, colour=2, rows=b""), "."),
}


@pytest.mark.parametrize("format", ["GIF", "BMP", "TIFF", "PPM", "HEIF"])
def test_less_usual_formats_end_as_the_same_upright_pixels(format):
    options = {"quality": -1} if format == "HEIF" else {}  # without loss
    data = encoded(smooth(64, 48), format, **options)
    photo = read_photo(data)
    assert (photo.format, photo.width, photo.height) == (format, 64, 48)
    apart = np.abs(upright_rgb(data).astype(int) - smooth(64, 48))
    assert np.median(apart) <= 4  # a GIF has 256 colours


def test_of_many_pictures_in_a_file_the_first_counts():
    first, second = (Picture.fromarray(smooth(seed=seed)) for seed in (1, 2))
    for format, options in (("GIF", {}), ("TIFF", {}), ("WEBP", {"lossless": True})):
        both = encoded(first, format, save_all=True, append_images=[second], **options)
        assert np.array_equal(upright_rgb(both), upright_rgb(encoded(first, format, **options)))


def test_colours_are_those_of_the_profile():
    """A display with wider colours stores the same red as a smaller number."""
    red = np.full((40, 40, 3), (200, 40, 40), np.uint8)
    plain = upright_rgb(encoded(red, "PNG"))
    swapped = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    wrong = upright_rgb(encoded(red, "PNG", icc_profile=swapped.tobytes()))
    assert np.array_equal(wrong, plain)  # a profile for another kind of picture is no reason to refuse it
    assert np.array_equal(upright_rgb(encoded(red, "PNG", icc_profile=b"no profile at all")), plain)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_whole_photo_is_refused_with_advice(name):
    data, words = REFUSED[name]
    with pytest.raises(BadPhoto) as refusal:
        read_photo(data)
    assert words in str(refusal.value)
    assert str(refusal.value).endswith(".")


def test_too_many_bytes_are_refused(settings):
    settings.INGEST_MAX_BYTES = 2**20
    with pytest.raises(BadPhoto, match="larger than 1 MB"):
        read_photo(encoded(smooth()) + b"\0" * 2**20)


def claiming(width: int, height: int) -> dict[str, bytes]:
    """Small files whose headers claim that size."""
    jpeg = bytearray(encoded(smooth()))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    webp = bytearray(encoded(smooth(), "WEBP"))
    frame = webp.index(b"\x9d\x01\x2a")
    webp[frame + 3 : frame + 7] = struct.pack("<HH", min(width, 16_383), min(height, 16_383))
    return {
        "png": png(width, height, depth=8, colour=2, rows=b"\0" * 100),
        "jpeg": bytes(jpeg),
        "webp": bytes(webp),
    }


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("size", [(30_000, 30_000), (9_000, 8_000)])
def test_a_bomb_is_refused_by_its_header_before_anything_is_decoded(format, size, monkeypatch):
    def decode(*args):
        raise AssertionError("This would fill the memory.")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decode)
    monkeypatch.setattr("PIL.WebPImagePlugin.WebPImageFile.load", decode)
    with pytest.raises(BadPhoto, match=r"More than \d+ megapixels. Scale it down"):
        read_photo(claiming(*size)[format])


def test_the_limit_of_pixels_can_be_set(settings):
    data = encoded(smooth(60, 40))
    settings.INGEST_MAX_PIXELS = 60 * 40
    assert read_photo(data).width == 60
    settings.INGEST_MAX_PIXELS = 60 * 40 - 1
    with pytest.raises(BadPhoto, match="60 × 40"):
        read_photo(data)


def with_extra_scans(count: int) -> bytes:
    """A good progressive JPEG whose last scan, an empty refinement, is said again and again."""
    jpeg = encoded(Picture.new("L", (64, 64), 128), progressive=True)
    tables = jpeg[jpeg.rindex(b"\xff\xc4") : -2]
    assert b"\xff\xda" in tables
    return jpeg[:-2] + tables * count + b"\xff\xd9"


def test_a_jpeg_of_thousands_of_scans_is_refused(settings):
    assert read_photo(with_extra_scans(MAX_SCANS)).width == 64  # small pictures may have many
    settings.INGEST_MAX_PIXELS = 64 * 64
    with pytest.raises(BadPhoto, match="far too many scans"):
        read_photo(with_extra_scans(MAX_SCANS))
    assert read_photo(with_extra_scans(20)).width == 64


def test_text_that_unpacks_to_hundreds_of_megabytes_is_refused():
    bomb = b"Comment\0\0" + zlib.compress(b"\0" * 300_000_000, 9)
    with pytest.raises(BadPhoto):
        read_photo(png(8, 8, depth=8, colour=2, rows=b"\0" * 200, zTXt=bomb))


def _exif_bytes() -> bytes:
    exif = exif_with(6, Model="Camera", DateTime="2020:02:03 04:05:06", Software="x" * 40)
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (47.0, 30.0, 12.0)
    return exif.tobytes()


EXIF = _exif_bytes()


def test_a_broken_exif_block_does_not_hide_good_pixels():
    broken = EXIF[:14] + bytes(reversed(EXIF[14:]))
    assert read_photo(encoded(smooth(), exif=broken)).width == 60


@hypothesis_settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(6, len(EXIF) - 1), st.integers(0, 255)), min_size=1, max_size=30))
def test_no_exif_block_however_broken_keeps_a_photo_out(changes):
    block = bytearray(EXIF)
    for place, value in changes:
        block[place] = value
    photo = read_photo(encoded(smooth(), exif=bytes(block)))
    assert {photo.width, photo.height} == {60, 40}


SAMPLES = [
    encoded(smooth(), exif=EXIF),
    encoded(smooth(), progressive=True),
    encoded(smooth(), "PNG", exif=EXIF),
    encoded(Picture.fromarray(smooth()).quantize(8), "PNG", transparency=1),
    encoded(smooth(), "WEBP", exif=EXIF),
    encoded(smooth(), "MPO", save_all=True, append_images=[Picture.fromarray(smooth(seed=3))]),
]


@hypothesis_settings(max_examples=300, deadline=None)
@given(
    sample=st.sampled_from(SAMPLES),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=20),
    kept=st.floats(0.2, 1),
)
def test_damaged_bytes_are_read_or_refused_but_never_a_crash(sample, changes, kept):
    data = bytearray(sample)
    for place, value in changes:
        data[int(place**2 * len(data))] = value  # headers are hit more often
    try:
        photo = read_photo(bytes(data[: int(kept * len(data)) or 1]))
    except BadPhoto as refusal:
        assert str(refusal).endswith(".")
    else:
        assert photo.width > 0 and photo.height > 0


def test_the_perceptual_hash_outlives_encoding_and_scaling_and_tells_photos_apart():
    def distance(a: int, b: int) -> int:
        return ((a ^ b) & (2**64 - 1)).bit_count()

    original = read_photo(encoded(smooth(400, 300), "PNG")).phash
    worse = Picture.fromarray(smooth(400, 300)).resize((200, 150))
    assert distance(original, read_photo(encoded(worse, quality=60)).phash) <= 8
    assert distance(original, read_photo(encoded(smooth(400, 300, seed=9), "PNG")).phash) >= 16


def test_blur_lowers_sharpness():
    noise = Picture.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8))
    blurred = noise.resize((20, 20)).resize((200, 200))
    assert read_photo(encoded(noise)).sharpness > 10 * read_photo(encoded(blurred)).sharpness


READ_ALL = """
import json, resource, sys
from pathlib import Path
from django.conf import settings
settings.configure(INGEST_MAX_BYTES=64 * 2**20, INGEST_MAX_PIXELS=60_000_000)
from labelling.photos import BadPhoto, read_photo
resource.setrlimit(resource.RLIMIT_AS, (2 * 2**30, 2 * 2**30))
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
for path in sorted(path for folder in sys.argv[1:] for path in Path(folder).rglob("*")):
    if path.is_file():
        try:
            photo = read_photo(path.read_bytes())
            print(json.dumps([path.name, f"{photo.width} x {photo.height}"]), flush=True)
        except BadPhoto as refusal:
            print(json.dumps([path.name, str(refusal)]), flush=True)
"""


@pytest.mark.skipif(not (DATA / "odd").is_dir(), reason="FACET_DATA names no folder of real photos")
def test_odd_files_are_read_or_refused_within_bounds_of_memory_and_time():
    folders = [folder for folder in (DATA / "odd").iterdir() if folder.is_dir() and folder.name != "clips"]
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL, *map(str, folders)], cwd=REPO, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"After {done.stdout[-200:]}: {done.stderr[-2000:]}"
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    said = dict(json.loads(line) for line in done.stdout.splitlines())
    assert len(done.stdout.splitlines()) == len(files)
    assert all(" x " in word or word.endswith(".") for word in said.values()), said
