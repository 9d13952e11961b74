"""The pictures that go out with an export: upright, without any EXIF, and crops of faces. Pillow only.

JPEG with settings that are pinned: the same photo gives the same bytes.
"""

import io
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import batched

from PIL import Image as Picture

from datasets.export_options import ALIGNED, IMAGES, Options
from jobs.errors import JobFailed
from labelling import originals, storage
from labelling.models import OriginalElsewhere
from labelling.photos import BadPhoto, upright_rgb
from labelling.shipped import shipped

AT_ONCE = 2
AHEAD = 8  # photos that are read and encoded before the first of them is written
JPEG = {"quality": 95, "subsampling": 0, "optimize": False, "progressive": False}
# Where eyes, nose and the corners of the mouth come to lie in a square of 112 (InsightFace's).
TEMPLATE = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
TEMPLATE_SIDE = 112


def with_pictures(
    project_id: int, photos: Iterable[tuple[dict, list[dict]]], options: Options
) -> Iterator[tuple[dict, list[dict], list[bytes]]]:
    """Each photo with its faces and its pictures: the upright one, or a crop of each face. Raises JobFailed."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="export") as pool:
        for some in batched(photos, AHEAD):
            places = _elsewhere(project_id, [image["image_sha256"] for image, _ in some])

            def made(photo: tuple[dict, list[dict]], places=places) -> list[bytes]:
                image, faces = photo
                data = _original(project_id, image, places.get(image["image_sha256"]))
                return _pictures(data, image, faces, options)

            for (image, faces), pictures in zip(some, pool.map(made, some), strict=True):
                yield image, faces, pictures


def _elsewhere(project_id: int, shas: list[str]) -> dict[str, OriginalElsewhere]:
    """Asked for here: threads would each open a connection of their own."""
    places = OriginalElsewhere.objects.filter(image__project=project_id, image__sha256__in=shas)
    return {place.image.sha256: place for place in places.select_related("image")}


def _original(project_id: int, image: dict, place: OriginalElsewhere | None) -> bytes:
    try:
        if place is not None:
            return b"".join(originals.stream(place))
        return storage.get(storage.original_key(project_id, image["image_sha256"]))
    except originals.NOT_TO_BE_HAD as error:
        raise _not_to_go(image, error) from None


def _pictures(data: bytes, image: dict, faces: list[dict], options: Options) -> list[bytes]:
    try:
        if options.contents == IMAGES:
            picture = shipped(data).data
            with Picture.open(io.BytesIO(picture)) as upright:
                _refuse_other_pixels(image, upright.size)
            return [picture]
        upright = Picture.fromarray(upright_rgb(data))
    except BadPhoto as error:
        raise _not_to_go(image, error) from None
    _refuse_other_pixels(image, upright.size)
    return [encoded(crop(upright, face, options)) for face in faces]


def _not_to_go(image: dict, error: Exception) -> JobFailed:
    return JobFailed(f"“{image['name']}” cannot go out: {error} Restore it, or export labels only.")


def _refuse_other_pixels(image: dict, size: tuple[int, int]) -> None:
    if size != (image["width"], image["height"]):
        raise JobFailed(
            f"“{image['name']}” has {size[0]} × {size[1]} pixels and was frozen with {image['width']} × "
            f"{image['height']}: its boxes would not fit. Its original is not what it was; nothing was handed out."
        )


def encoded(picture: Picture.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", **JPEG)
    return out.getvalue()


def crop(upright: Picture.Image, face: dict, options: Options) -> Picture.Image:
    """A square of the face. One without landmarks that fit its box is cut out as it lies, however it was asked for."""
    if is_aligned(face, options):
        return _aligned(upright, face["landmarks"], options)
    return _cut_out(upright, face, options)


def is_aligned(face: dict, options: Options) -> bool:
    points = face["landmarks"]
    if options.alignment != ALIGNED or not points or len(points) != 10:
        return False
    middle_x, middle_y = sum(points[::2]) / 5, sum(points[1::2]) / 5
    # Somebody may have moved the box since they were found.
    is_inside = 0 <= middle_x - face["x"] <= face["w"] and 0 <= middle_y - face["y"] <= face["h"]
    return is_inside and _spread(points) > 1


def _spread(points: list[float]) -> float:
    """Sum of the squared distances from their middle."""
    middle_x, middle_y = sum(points[::2]) / 5, sum(points[1::2]) / 5
    return sum((x - middle_x) ** 2 + (y - middle_y) ** 2 for x, y in zip(points[::2], points[1::2], strict=True))


def _aligned(upright: Picture.Image, points: list[float], options: Options) -> Picture.Image:
    """Turned, scaled and moved so that the landmarks come nearest to the template, by least squares."""
    wanted = _template(options)
    given = list(zip(points[::2], points[1::2], strict=True))
    (px, py), (qx, qy) = _middle(given), _middle(wanted)
    cosine = sine = 0.0
    for (x, y), (u, v) in zip(given, wanted, strict=True):
        cosine += (x - px) * (u - qx) + (y - py) * (v - qy)
        sine += (x - px) * (v - qy) - (y - py) * (u - qx)
    # The way back, from the crop into the photo, which is what Pillow asks for.
    length = max(cosine**2 + sine**2, 1e-12)
    a, b = cosine * _spread(points) / length, sine * _spread(points) / length
    c, f = px - a * qx - b * qy, py + b * qx - a * qy
    shrink = max(1, int((a * a + b * b) ** 0.5))
    if shrink > 1:  # a face much larger than its crop would else be sampled here and there
        upright = upright.reduce(shrink)
        a, b, c, f = a / shrink, b / shrink, c / shrink, f / shrink
    numbers = tuple(round(number, 6) for number in (a, b, c, -b, a, f))
    side = (options.size, options.size)
    return upright.transform(side, Picture.Transform.AFFINE, numbers, Picture.Resampling.BICUBIC)


def _template(options: Options) -> list[tuple[float, float]]:
    """In pixels of the crop, with the margin around what the template shows."""
    whole, middle = 1 + 2 * options.margin, TEMPLATE_SIDE / 2
    scale = options.size / TEMPLATE_SIDE
    return [(((x - middle) / whole + middle) * scale, ((y - middle) / whole + middle) * scale) for x, y in TEMPLATE]


def _middle(points: list[tuple[float, float]]) -> tuple[float, float]:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def _cut_out(upright: Picture.Image, face: dict, options: Options) -> Picture.Image:
    side = max(face["w"], face["h"]) * (1 + 2 * options.margin)
    left, top = face["x"] + face["w"] / 2 - side / 2, face["y"] + face["h"] / 2 - side / 2
    corners = (round(left), round(top), round(left) + max(1, round(side)), round(top) + max(1, round(side)))
    # Pillow fills what lies outside of the photo with black.
    return upright.crop(corners).resize((options.size, options.size), Picture.Resampling.LANCZOS)
