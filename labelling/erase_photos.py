"""The photos of a person who is erased: deleted where they show nobody else, the face painted over where they do."""

import io
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from PIL import ImageDraw

from jobs.work import Work
from labelling import originals, storage
from labelling.models import (
    BucketObject,
    ErasedPhoto,
    Erasure,
    Face,
    FaceState,
    Gold,
    Image,
    Opinion,
    PhotoFate,
    Project,
)
from labelling.photo_processes import read_photo_apart
from labelling.photos import BadPhoto, as_shown, decoded

# Hair, ears and neck beside the box of a face.
MARGIN = 0.35
QUALITY = 95
NEUTRAL = (128, 128, 128)


def photos_of(project: Project, people: Iterable[int]) -> QuerySet:
    """Those that show one of these people; `is_shared`: whether they show anybody else."""
    faces = Face.objects.filter(image=OuterRef("pk"))
    others = faces.exclude(state=FaceState.REJECTED).exclude(identity__in=people)
    shown = Image.objects.in_project(project).filter(Exists(faces.filter(identity__in=people)))
    return shown.annotate(is_shared=Exists(others)).order_by("pk")


def erase_photos(erasure: Erasure, people: list[int], work: Work) -> None:
    """All of them. Done again after an interruption it goes on with those that are left."""
    finish_objects(erasure, work)
    while image := photos_of(erasure.project, people).first():
        fate = erasure.shared if image.is_shared else erasure.alone
        work.progress(message="Erasing photos")
        painted = _painted(image, people) if fate == PhotoFate.PAINT else None
        with work.chunk():
            _replace(erasure, image, people, painted)
        finish_objects(erasure, work)


def _painted(image: Image, people: list[int]):
    """The photo without those faces, stored under its own hash; None when its pixels are not to be had."""
    try:
        picture, _, exif = decoded(originals.read(image.project_id, image.sha256))
    except (*originals.NOT_TO_BE_HAD, BadPhoto):
        return None
    upright = as_shown(picture, exif)
    draw = ImageDraw.Draw(upright)
    faces = list(image.faces.filter(identity__in=people))
    for face in faces:
        more_x, more_y = face.w * MARGIN, face.h * MARGIN
        draw.rectangle((face.x - more_x, face.y - more_y, face.x + face.w + more_x, face.y + face.h + more_y), NEUTRAL)
    upright.info.clear()
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=QUALITY, subsampling=0)
    data = out.getvalue()
    photo = read_photo_apart(data)
    storage.put(storage.original_key(image.project_id, photo.sha256), data)
    for size, pixels in photo.pictures.items():
        storage.put(storage.picture_key(image.project_id, photo.sha256, size), pixels, "image/jpeg")
    return photo, len(data), {face.pk for face in faces}


def _replace(erasure: Erasure, image: Image, people: list[int], painted) -> None:
    """The photo's row is gone or about other pixels, and the faces are gone, in one step with the note of what it was.

    Where faces were named since it was painted, nothing happens yet: it is painted once more.
    """
    image = Image.objects.select_for_update().get(pk=image.pk)
    if painted and painted[2] != set(image.faces.filter(identity__in=people).values_list("pk", flat=True)):
        return
    place = originals.elsewhere(image.project_id, image.sha256)
    ErasedPhoto.objects.get_or_create(
        project=erasure.project,
        sha256=image.sha256,
        defaults={
            "erasure": erasure,
            "new_sha256": painted[0].sha256 if painted else "",
            "elsewhere": str(place) if place else "",
        },
    )
    BucketObject.objects.filter(image=image).delete()
    for second_look in (Opinion, Gold):
        second_look.objects.filter(image=image).delete()
    if painted is None:
        image.delete()
        return
    photo, size, faces = painted
    if place:
        place.delete()
    image.faces.filter(pk__in=faces).delete()
    Image.objects.filter(pk=image.pk).update(
        sha256=photo.sha256, byte_size=size, format=photo.format, phash=photo.phash, sharpness=photo.sharpness,
        brightness=photo.brightness, near_group=None, version=image.version + 1,
    )  # fmt: skip


def finish_objects(erasure: Erasure, work: Work) -> None:
    """What the store still has of photos whose rows are gone."""
    for photo in erasure.photos.filter(objects_gone=False):
        key = storage.original_key(erasure.project_id, photo.sha256)
        crops = storage.crop_key(erasure.project_id, photo.sha256, "x").rsplit("/", 1)[0] + "/"
        pictures = storage.picture_key(erasure.project_id, photo.sha256, "x").rsplit("/", 1)[0] + "/"
        for stored in [*storage.listed(crops), *storage.listed(pictures)]:
            storage.delete(stored.key)
        storage.delete(key)
        with work.chunk(0):
            ErasedPhoto.objects.filter(pk=photo.pk).update(objects_gone=True)


@transaction.atomic
def counts(project: Project, people: list[int]) -> dict[str, int]:
    """How many photos would be deleted or painted over, and how many originals are not Facet's to delete."""
    shown = photos_of(project, people)
    return {
        "photos_alone": shown.filter(is_shared=False).count(),
        "photos_shared": shown.filter(is_shared=True).count(),
        "originals_elsewhere": shown.exclude(elsewhere=None).count(),
    }
