"""Addresses of pictures and crops, made in bulk: `reverse` costs more than all else about a face on the wire."""

from functools import cache

from django.urls import get_script_prefix, reverse

from labelling.models import Face, Image


def picture_urls(image: Image) -> dict[str, str]:
    """Addresses of the photo's two pictures, by size."""
    key = image.sha256[:16]
    return {size: _frame(get_script_prefix(), "picture", size).format(image.pk, key) for size in ("small", "large")}


def crop_url(face: Face) -> str:
    return crop_url_of(face.pk, face.box_key)


def crop_url_of(face_id: int, box_key: str) -> str:
    return _frame(get_script_prefix(), "crop").format(face_id, box_key)


@cache
def _frame(prefix: str, name: str, *between: str) -> str:
    """The route's address with holes for id and key. The prefix belongs to the server, not to the request."""
    id_hole, key_hole = 7_777_777_777, "KEY"
    return reverse(name, args=[id_hole, *between, key_hole]).replace(str(id_hole), "{}").replace(key_hole, "{}")
