"""Moves named faces to another person, or to nobody, and back: what merging and splitting share."""

from collections.abc import Collection

from django.db.models import F, QuerySet
from django.utils import timezone

from labelling.errors import Stale
from labelling.later import built_upon
from labelling.models import Event, Face, Identity, Image, Who

Row = tuple[int, int, int]  # a face, its version, its photo


def hold(faces: QuerySet, photos: Collection[int] = ()) -> list[Row]:
    """Lock these faces with their photos, and further photos: images before faces, in id order, as everywhere.

    Not against references to them: a worker that writes suggestions is not in the way.
    """
    in_photos = set(faces.order_by().values_list("image_id", flat=True)) | set(photos)
    _hold_photos(in_photos)
    rows = faces.select_for_update(no_key=True, of=("self",)).order_by("pk")
    # A face that came meanwhile lies in a photo that is not locked; the caller sees it when looking again.
    return [row for row in rows.values_list("pk", "version", "image_id") if row[2] in in_photos]


def _hold_photos(ids: Collection[int]) -> None:
    list(Image.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk").values_list("pk", flat=True))


def move(rows: list[Row], to: Identity | None, *, by) -> None:
    """Say that these held faces show `to`, or that nobody knows; in two statements whatever their number."""
    Face.objects.filter(pk__in=[pk for pk, _, _ in rows]).update(
        identity=to,
        who=Who.ASSIGNED if to else Who.UNASSIGNED,
        version=F("version") + 1,
        updated_at=timezone.now(),
        updated_by=by,
    )
    Image.objects.filter(pk__in={image_id for _, _, image_id in rows}).update(version=F("version") + 1)


def moved(rows: list[Row]) -> list[list[int]]:
    """For an event: which faces, in which version. Short, as it may be about ten thousand."""
    return [[pk, version] for pk, version, _ in rows]


def hold_moved(event: Event, photos: Collection[int] = ()) -> list[Row]:
    """Lock what `event` moved, for moving it back. Raises Stale when something else happened to it since."""
    was = dict(event.before["moved"])
    rows = hold(Face.objects.filter(pk__in=was), {*event.images, *photos})
    changed = {pk for pk, version, _ in rows if version != was[pk] + 1}
    elsewhere = Face.objects.filter(pk__in=changed).exclude(identity=event.after["identity"])
    if len(rows) != len(was) or elsewhere.exists() or built_upon(event, changed):
        raise Stale("Some of these faces were changed again since; take the later change back first.")
    return rows
