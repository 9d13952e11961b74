"""Reads one photo from bytes: is it one, is it whole, which way is up. Pillow only; no database, no store.

What comes from outside is read first in a process of its own (`photo_processes.py`).
"""

import contextlib
import hashlib
import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from django.conf import settings
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError
from pillow_heif import register_heif_opener

# Only these decoders are ever opened. JPEG's also knows MPO, a JPEG with a second picture inside, as many
# phones make; Pillow has no opener of that name, and asking for one breaks all that come after it.
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "TIFF", "GIF", "BMP", "PPM")
register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
SIZES = {"tiny": 128, "small": 320, "large": 1600}  # longest side, pixels
MEASURED = "small"  # sharpness is comparable at one size only
JPEG_QUALITY = 88
# A progressive JPEG has about ten scans. A hostile one has thousands of empty ones, each of which walks over
# the whole picture; this many may do so over a picture of INGEST_MAX_PIXELS, more over a smaller one.
MAX_SCANS = 200

# What Pillow's decoders raise for damaged files.
DAMAGE = (
    OSError, SyntaxError, ValueError, TypeError, AttributeError, LookupError, EOFError, ArithmeticError,
    struct.error, zlib.error,
)  # fmt: skip

# What an EXIF orientation asks for, to stand upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class BadPhoto(ValueError):
    """This file cannot go in. The message says why and what to do."""


@dataclass(frozen=True)
class Photo:
    """An upright photo, measured. `pictures` maps a size's name to JPEG bytes without any EXIF."""

    sha256: str
    format: str
    width: int
    height: int
    phash: int
    sharpness: float
    brightness: float
    camera: str
    taken_at: datetime | None
    pictures: dict[str, bytes]


def read_photo(data: bytes) -> Photo:
    """Check, turn upright and measure the photo in `data`. Raises BadPhoto with a plain sentence."""
    refuse_unread(data)
    try:
        return _measured(data)
    except MemoryError:
        raise BadPhoto("Decoding this photo takes more memory than there is. Scale it down.") from None


def _measured(data: bytes) -> Photo:
    image, name, exif = decoded(data)
    upright = as_shown(image, exif)
    del image
    pictures, small = _pictures(upright)
    grey = np.asarray(small.convert("L"), dtype=np.float32)
    return Photo(
        sha256=hashlib.sha256(data).hexdigest(),
        format="JPEG" if name == "MPO" else name,
        width=upright.width,
        height=upright.height,
        phash=perceptual_hash(small),
        sharpness=_sharpness(grey),
        brightness=float(grey.mean()),
        camera=_text(exif.get(ExifTags.Base.Model)),
        taken_at=_moment(exif),
        pictures=pictures,
    )


def refuse_unread(data: bytes) -> None:
    """Raises BadPhoto for what needs no decoder to be refused."""
    if not data:
        raise BadPhoto("The file is empty.")
    if len(data) > settings.INGEST_MAX_BYTES:
        limit = settings.INGEST_MAX_BYTES // 2**20
        raise BadPhoto(f"The file is larger than {limit} MB. Make it smaller, or raise the limit.")


def upright_rgb(data: bytes) -> np.ndarray:
    """The upright photo as uint8 RGB, shape (height, width, 3): the pixels that boxes are measured in."""
    image, _, exif = decoded(data)
    return np.asarray(as_shown(image, exif))


def decoded(data: bytes) -> tuple[Image.Image, str, dict]:
    """The picture as it lies in the file, the name of its format, and what its camera wrote. Raises BadPhoto."""
    try:
        with warnings.catch_warnings():
            # Pillow's own bomb warning stands below our limit, which is checked from the header right here;
            # the others are about oddities that it reads all the same.
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            name = image.format or ""
            _refuse_oversized(*image.size)
            _refuse_endless_scans(data, *image.size)
            image.load()
            return image, name, _exif(image)
    except BadPhoto:
        raise
    except Image.DecompressionBombError:
        raise BadPhoto(_too_many_pixels()) from None
    except UnidentifiedImageError:
        raise BadPhoto("This is not a photo Facet reads. Convert it to JPEG, PNG, WebP, HEIC or TIFF.") from None
    except DAMAGE as error:
        if "truncated" in str(error).lower():
            raise BadPhoto("The file is cut short. Copy it again from the camera or card.") from None
        raise BadPhoto("The file is damaged and cannot be decoded. Export it again as JPEG or PNG.") from None


def _refuse_oversized(width: int, height: int) -> None:
    if width * height > settings.INGEST_MAX_PIXELS:
        raise BadPhoto(f"{width} × {height}: {_too_many_pixels()}")


def _refuse_endless_scans(data: bytes, width: int, height: int) -> None:
    # Inside of compressed JPEG data these two bytes cannot stand next to each other: they begin a scan.
    walks = data.count(b"\xff\xda") * width * height
    if data.startswith(b"\xff\xd8") and walks > MAX_SCANS * settings.INGEST_MAX_PIXELS:
        raise BadPhoto("This JPEG is made of far too many scans to decode. Export it again.")


def _too_many_pixels() -> str:
    return f"More than {settings.INGEST_MAX_PIXELS // 1_000_000} megapixels. Scale it down."


def _exif(image: Image.Image) -> dict:
    """Tags by number; a broken EXIF block with good pixels is no reason to refuse a photo."""
    tags: dict = {}
    with contextlib.suppress(*DAMAGE):
        exif = image.getexif()
        for number in (ExifTags.Base.Orientation, ExifTags.Base.Model, ExifTags.Base.DateTime):
            with contextlib.suppress(*DAMAGE):  # one bad tag must not hide the others
                tags[number] = exif.get(number)
        tags |= exif.get_ifd(ExifTags.IFD.Exif)
    return tags


def as_shown(image: Image.Image, exif: dict) -> Image.Image:
    """Upright, in eight bits of red, green and blue as a screen shows them."""
    return _as_rgb(_turned(image, exif))


def _turned(image: Image.Image, exif: dict) -> Image.Image:
    """Upright. Done here: Pillow's own function also rewrites the EXIF block, and fails on broken ones."""
    orientation = exif.get(ExifTags.Base.Orientation)
    turn = TURNS.get(orientation) if isinstance(orientation, int) else None
    return image.transpose(turn) if turn is not None else image


def _as_rgb(image: Image.Image) -> Image.Image:
    """Eight bits of red, green and blue as a screen shows them (sRGB), on white where it was transparent."""
    if image.mode.startswith("I") or image.mode == "F":  # 16-bit grey: keep the eight bits that show
        grey = np.asarray(image, dtype=np.float32)
        top = 65535.0 if grey.max() > 255 else 255.0
        return Image.fromarray((grey.clip(0, top) * (255.0 / top)).astype(np.uint8)).convert("RGB")
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        layered = image.convert("RGBA")
        paper = Image.new("RGB", layered.size, "white")
        paper.paste(layered, mask=layered.getchannel("A"))
        return _in_srgb(paper, image.info.get("icc_profile"))
    if image.mode in {"RGB", "CMYK", "L"}:
        return _in_srgb(image, image.info.get("icc_profile"))
    return image.convert("RGB")


_SRGB = ImageCms.createProfile("sRGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """By its colour profile; as it stands where that is sRGB, broken or for another kind of picture."""
    if not stands_in_srgb(profile):
        with contextlib.suppress(ImageCms.PyCMSError, *DAMAGE):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def stands_in_srgb(profile: bytes | None) -> bool:
    """As all photos without a profile are taken to. The profile's own description stands near its beginning."""
    return not profile or b"sRGB" in profile[:4096]


def _pictures(upright: Image.Image) -> tuple[dict[str, bytes], Image.Image]:
    """JPEG bytes of each size and the one that is measured as an image. No size is larger than the photo."""
    encoded, measured = {}, upright
    picture = upright
    picture.info.clear()  # Pillow would write the photo's comment into them, and who knows what it says
    for name, side in sorted(SIZES.items(), key=lambda size: -size[1]):
        picture = _no_larger(picture, side)
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=JPEG_QUALITY)
        encoded[name] = out.getvalue()
        measured = picture if name == MEASURED else measured
    return encoded, measured


def _no_larger(picture: Image.Image, side: int) -> Image.Image:
    shrunk = side / max(picture.size)
    if shrunk >= 1:
        return picture
    size = tuple(max(1, round(length * shrunk)) for length in picture.size)
    # Hamming's window: as good to the eye as Lanczos when a picture is made smaller, in a third of the time.
    return picture.resize(size, Image.Resampling.HAMMING, reducing_gap=1.0)


def _sharpness(grey: np.ndarray) -> float:
    """Variance of the four-neighbour Laplacian; 0 for pictures too small to have one."""
    if min(grey.shape) < 3:
        return 0.0
    middle = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * middle
    return float(laplacian.var())


_N = 32
_DCT = np.cos(np.pi / _N * np.outer(np.arange(8), np.arange(_N) + 0.5))


def perceptual_hash(image: Image.Image) -> int:
    """Signs of the 64 lowest DCT coefficients against their median, as a signed 64-bit number."""
    grey = np.asarray(image.convert("L").resize((_N, _N), Image.Resampling.BOX), dtype=np.float64)
    low = (_DCT @ grey @ _DCT.T).ravel()
    bits = low > np.median(low[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big", signed=True)


def _text(value) -> str:
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    kept = "".join(letter for letter in str(value or "") if letter.isprintable())
    return kept.strip()[:120]


def _moment(exif: dict) -> datetime | None:
    """When the shutter opened, taken as UTC where the camera names no zone."""
    stamp = _text(exif.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime))
    try:
        return datetime.strptime(stamp, "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
