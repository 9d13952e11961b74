"""One photo as eight cameras would save it: pixels as the sensor lay, and a flag that says which way is up."""

import io

from PIL import ExifTags
from PIL import Image as Picture

TURN = Picture.Transpose
# What a camera does to an upright scene before it writes the flag: the opposite of what a reader has to do.
HELD = {
    1: None,
    2: TURN.FLIP_LEFT_RIGHT,
    3: TURN.ROTATE_180,
    4: TURN.FLIP_TOP_BOTTOM,
    5: TURN.TRANSPOSE,
    6: TURN.ROTATE_90,
    7: TURN.TRANSVERSE,
    8: TURN.ROTATE_270,
}


def saved_as(upright: Picture.Image, orientation: int, format: str = "JPEG", **options) -> bytes:
    held = upright.transpose(HELD[orientation]) if HELD[orientation] is not None else upright
    exif = Picture.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    out = io.BytesIO()
    held.save(
        out, format, exif=exif.tobytes(), **({"quality": 95} if format in {"JPEG", "WEBP", "HEIF"} else {}) | options
    )
    return out.getvalue()


def all_eight(upright: Picture.Image, format: str = "JPEG", **options) -> dict[int, bytes]:
    return {orientation: saved_as(upright, orientation, format, **options) for orientation in HELD}
