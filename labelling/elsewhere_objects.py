"""Originals that stayed in their own buckets, for `fsck`: looked at and read in samples, never written or removed."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import batched

from labelling import originals, storage
from labelling.fsck import Finding, Sample, Tally
from labelling.models import OriginalElsewhere, Project
from labelling.photo_objects import MARK, mark_original, whom

PAGE = 500
AT_ONCE = 8


def check_originals_elsewhere(
    project: Project, repair: bool, sample: int | None, tally: Tally, tell: Callable[[str, int, int], None]
) -> Iterator[Finding]:
    """Is each still the same object? Asked one by one: listing a foreign bucket may be long, or not allowed."""
    places = OriginalElsewhere.objects.filter(image__project=project).select_related("image").order_by("pk")
    total = places.count()
    chosen = Sample(total, total if sample is None else sample)
    done = 0
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fsck") as pool:
        for page in batched(places.iterator(chunk_size=PAGE), PAGE):
            for place, error in zip(page, pool.map(_trouble, page), strict=True):
                done += 1
                tally.rows += 1
                tally.objects += error is None
                if chosen.next() or _is_marked(place):
                    tally.contents += error is None
                    error = error or _trouble(place, originals.stream)
                if error:
                    yield _finding(place, error, repair)
                elif repair and _is_marked(place):
                    mark_original(place.pk, "")
                tell("Looking at originals in other buckets", done, total)


def _trouble(place: OriginalElsewhere, read: Callable = originals.look) -> Exception | None:
    try:
        for _ in read(place) or ():
            pass
    except originals.NOT_TO_BE_HAD as error:
        return error
    return None


def _is_marked(place: OriginalElsewhere) -> bool:
    return place.image.note.startswith(MARK)


def _finding(place: OriginalElsewhere, error: Exception, repair: bool) -> Finding:
    kind, trouble = _kind(error)
    what = f"The original of “{place.image.name}” {trouble}."
    done = mark_original(place.pk, trouble) if repair else ""
    return Finding(kind, originals.shown(place), what, f"{error}{whom(place.pk)}", done)


def _kind(error: Exception) -> tuple[str, str]:
    if isinstance(error, storage.ObjectChanged):
        return "damaged", "is another file now in the bucket where it stayed"
    if isinstance(error, storage.ObjectMissing):
        return "missing", "is not in the bucket where it stayed"
    return "refused", "may not be read in the bucket where it stayed"
