"""Face crops for people to look at: cut once on demand, kept in the object store under the box's key."""

import io

from PIL import Image as Picture

from labelling import originals, storage
from labelling.models import Face
from labelling.photos import SIZES, upright_rgb

SIDE = 224  # twice the 112 px they are shown at, for sharp screens
MARGIN = 0.25


def face_crop(face: Face) -> bytes:
    """A square JPEG around the face. Raises one of originals.NOT_TO_BE_HAD when the photo itself is gone."""
    sha256 = face.image.sha256
    key = storage.crop_key(face.project_id, sha256, face.box_key)
    try:
        return storage.get(key)
    except storage.ObjectMissing:
        crop = _cut(face)
        storage.put(key, crop, "image/jpeg")
        return crop


def _cut(face: Face) -> bytes:
    photo = _sharp_enough(face)
    scale = photo.width / face.image.width
    side = max(face.w, face.h) * (1 + 2 * MARGIN)
    middle_x, middle_y = face.x + face.w / 2, face.y + face.h / 2
    left, top = (middle_x - side / 2) * scale, (middle_y - side / 2) * scale
    corners = (round(left), round(top), round(left + side * scale), round(top + side * scale))
    # Pillow fills what lies outside of the photo with black.
    square = photo.crop(corners).resize((SIDE, SIDE), Picture.Resampling.LANCZOS)
    out = io.BytesIO()
    square.save(out, "JPEG", quality=88)
    return out.getvalue()


def _sharp_enough(face: Face) -> Picture.Image:
    """The large picture, or the original where the face would be too few pixels in it."""
    image = face.image
    shrunk = SIZES["large"] / max(image.width, image.height)
    if shrunk < 1 and min(face.w, face.h) * shrunk < 96:
        return Picture.fromarray(upright_rgb(originals.read(image.project_id, image.sha256)))
    large = storage.get(storage.picture_key(image.project_id, image.sha256, "large"))
    return Picture.open(io.BytesIO(large), formats=("JPEG",)).convert("RGB")
