"""A photo as it is handed out: upright, in the pixels that boxes are measured in, and nothing that its camera wrote.

Where the pixels already stand upright in a JPEG, its compressed data are handed on as they are: nothing is lost. All
others are written anew. Pillow only; no database, no store.
"""

import io
import re
from dataclasses import dataclass

from PIL import ExifTags, Image

from labelling.photos import TURNS, as_shown, decoded, stands_in_srgb

LOSSY = {"JPEG", "HEIF", "WEBP"}
JPEG_QUALITY = 95
# Tables, frames and scans; and whether colours are turned, which Adobe's segment alone says.
NEEDED = {0xC0, 0xC1, 0xC2, 0xC4, 0xC9, 0xCA, 0xCC, 0xDA, 0xDB, 0xDD, 0xEE}
JFIF = 0xE0
SCAN, END = 0xDA, 0xD9
# Within a scan: a marker that is neither a stuffed byte nor a restart.
MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)


@dataclass(frozen=True)
class Shipped:
    """`ending`: jpg or png."""

    data: bytes
    ending: str


def shipped_ending(format_name: str) -> str:
    """That of the file which a photo of this format is handed out as."""
    return "jpg" if format_name in LOSSY else "png"


def shipped(data: bytes) -> Shipped:
    """The same bytes for the same photo, on any machine. Raises BadPhoto for what is no photo."""
    image, name, exif = decoded(data)
    name = "JPEG" if name == "MPO" else name
    if name == "JPEG" and exif.get(ExifTags.Base.Orientation) not in TURNS and _shows_as_it_is(image):
        bare = _bare(data)
        if bare is not None:
            return Shipped(bare, "jpg")
    return _written_anew(as_shown(image, exif), shipped_ending(name))


def _shows_as_it_is(image: Image.Image) -> bool:
    return image.mode in {"RGB", "L"} and stands_in_srgb(image.info.get("icc_profile"))


def _written_anew(picture: Image.Image, ending: str) -> Shipped:
    picture.info.clear()  # Pillow would write comments and profiles into the file
    out = io.BytesIO()
    if ending == "jpg":
        picture.save(out, "JPEG", quality=JPEG_QUALITY, subsampling="4:4:4")
    else:
        picture.save(out, "PNG")
    return Shipped(out.getvalue(), ending)


def _bare(jpeg: bytes) -> bytes | None:
    """What its pixels need, and none of what follows the first picture; None where it is not built as usual."""
    parts, place = [jpeg[:2]], 2
    while jpeg[place : place + 1] == b"\xff" and place + 1 < len(jpeg):
        marker = jpeg[place + 1]
        if marker == 0xFF:  # any number of them may stand before a marker
            place += 1
            continue
        if marker == END:
            return b"".join([*parts, jpeg[place : place + 2]])
        end = place + 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
        if marker == SCAN:
            found = MARKER.search(jpeg, end)
            if found is None:
                return None
            end = found.end() - 2
        if marker in NEEDED:
            parts.append(jpeg[place:end])
        elif marker == JFIF and jpeg[place + 4 : place + 9] == b"JFIF\0":
            parts.append(_without_thumbnail(jpeg[place:end]))
        place = end
    return None


def _without_thumbnail(segment: bytes) -> bytes:
    """JFIF's own head may carry a small picture of what the photo showed before."""
    return b"\xff\xe0\x00\x10" + segment[4:16] + b"\0\0"
