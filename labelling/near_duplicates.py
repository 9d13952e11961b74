"""Photos that are nearly the same: frames of a burst, one photo saved twice. Splits keep them on one side.

`Image.near_group` is the smallest id of the photos in the group, and empty for a photo that is alone. Only photos
that came since the last round are compared, with all there are.
"""

from datetime import timedelta

import numpy as np
from django.db import connection
from django.db.models import Min, QuerySet
from django.utils import timezone

from jobs.enqueue import enqueue_unless_waiting
from jobs.errors import TryLater
from jobs.models import Job, State
from jobs.work import Work
from labelling.hash_pairs import BITS, Groups, alike
from labelling.models import Image

KIND = "near_duplicates"
PAUSE = timedelta(minutes=1)
WRITTEN_AT_ONCE = 1_000
CHECKED_EVERY = 1_000  # blocks
# A photo's number is drawn before its row can be seen, so a round may miss a smaller number than it has seen. After
# this long all of them are there.
SETTLED_AFTER = timedelta(minutes=10)
# Below this sharpness a picture is one even colour or a drawn gradient, and its hash is chance. The least sharp of
# 8,000 real photos has 7.
LEAST_SHARPNESS = 2.0

_ROW = np.dtype([("id", np.int64), ("hash", np.int64), ("group", np.int64)])


def look_soon(project_id: int, **kwargs) -> None:
    enqueue_unless_waiting(KIND, title="Find photos that are nearly the same", project_id=project_id, pause=PAUSE)


def others_like(image: Image) -> int:
    """How many other photos of the project are nearly the same."""
    if image.near_group is None:
        return 0
    return Image.objects.filter(project=image.project_id, near_group=image.near_group).exclude(pk=image.pk).count()


def group_near_duplicates(project_id: int, work: Work) -> dict:
    """Bring the groups of a project up to date.

    Rows are written in order of their ids. What a killed round has written is then true as far as it goes: whoever
    still points to a photo finds the group that this photo has moved to.
    """
    work.progress(message="Comparing photos")
    photos, before = _photos(project_id), _compared_before(project_id)
    now = _groups(photos, before, work)
    changed = np.flatnonzero(now != photos["group"])
    for start in range(0, len(changed), WRITTEN_AT_ONCE):
        some = changed[start : start + WRITTEN_AT_ONCE]
        with work.chunk(0):
            _write(photos["id"][some], photos["group"][some], now[some])
    grouped = int(np.count_nonzero(now))
    said = (
        f"{grouped:,} photos are nearly the same as another one." if grouped else "No two photos are nearly the same."
    )
    return {"bits": BITS, "upto": _settled_upto(project_id, photos, before), "photos": grouped, "said": said}


def _photos(project_id: int) -> np.ndarray:
    rows = _comparable(project_id).order_by("pk").values_list("pk", "phash", "near_group")
    return np.fromiter(((pk, phash, group or 0) for pk, phash, group in rows.iterator(chunk_size=20_000)), dtype=_ROW)


def _comparable(project_id: int) -> QuerySet:
    return Image.objects.filter(project=project_id, sharpness__gte=LEAST_SHARPNESS)


def _compared_before(project_id: int) -> int:
    """Photos up to this number are compared with each other, by the rule of today."""
    rounds = Job.objects.filter(project_id=project_id, kind=KIND, state=State.DONE, result__bits=BITS)
    last = rounds.order_by("-pk").values_list("result", flat=True).first()
    return last["upto"] if last else 0


def _settled_upto(project_id: int, photos: np.ndarray, before: int) -> int:
    fresh = Image.objects.filter(
        project=project_id, pk__gt=before, created_at__gt=timezone.now() - SETTLED_AFTER
    ).aggregate(first=Min("pk"))["first"]
    last = int(photos["id"][-1]) if len(photos) else before
    return max(before, last if fresh is None else min(last, fresh - 1))


def _groups(photos: np.ndarray, before: int, work: Work) -> np.ndarray:
    """For each photo the smallest id of its group, 0 for those that are alone."""
    ids, groups = photos["id"], Groups(len(photos))
    groups.join(*_stored(ids, photos["group"]))
    # Equal hashes are one: a camera that looks at a wall all night is no work.
    hashes, first, which = np.unique(photos["hash"].view(np.uint64), return_index=True, return_inverse=True)
    groups.join(np.arange(len(photos)), first[which])
    asked = np.unique(which[ids > before])
    for number, (one, other) in enumerate(alike(hashes, asked)):
        groups.join(first[one], first[other])
        if number % CHECKED_EVERY == 0:
            work.check()
    names = groups.names()
    is_alone = np.bincount(names, minlength=len(photos))[names] == 1
    return np.where(is_alone, 0, ids[names])


def _stored(ids: np.ndarray, pointed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs that the stored groups say belong together, also where the photo that names a group is gone."""
    known = np.flatnonzero(pointed)
    _, first, which = np.unique(pointed[known], return_index=True, return_inverse=True)
    places = np.searchsorted(ids, pointed[known]).clip(max=max(0, len(ids) - 1))
    is_there = ids[places] == pointed[known]
    return np.append(known, known[is_there]), np.append(known[first[which]], places[is_there])


def _write(ids: np.ndarray, before: np.ndarray, now: np.ndarray) -> None:
    rows = Image.objects.filter(pk__in=ids.tolist()).order_by("pk").select_for_update(no_key=True)
    stored = dict(rows.values_list("pk", "near_group"))
    if [stored.get(pk) or 0 for pk in ids.tolist()] != before.tolist():
        raise TryLater("Two rounds of comparing photos met.")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE labelling_image AS photo SET near_group = news.near_group "
            "FROM unnest(%s::bigint[], %s::bigint[]) AS news(id, near_group) WHERE photo.id = news.id",
            [ids.tolist(), now.tolist()],
        )
