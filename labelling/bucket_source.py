"""Photos out of a bucket of the same object store, copied or left there; again only what is new or changed is read.

Keys are names and never paths: whatever letters they hold, they go to the store as they came from it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from itertools import batched
from pathlib import PurePosixPath
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Subquery
from django.utils import timezone

from labelling import storage
from labelling.bucket_places import Place, place_of
from labelling.errors import Refused
from labelling.ingest import PHOTO_SUFFIXES, person_of
from labelling.intake import ask
from labelling.models import BucketObject, FileStatus, Intake, IntakeFile, IntakeSource, OriginalElsewhere, Project
from labelling.taking_in import BrokenSource, SourceFile, Unreadable, name_in, source

PAGE = 1000
LONGEST_PATTERN = 200
IN_PLACE = (
    "Originals of new photos that stay in their bucket remain yours and are read there. If one is deleted or changed "
    "there, its crops and training from it stop; its pictures for labelling stay."
)
GONE = "This object went away while the bucket was read. Synchronise again to see whether it is back."
MISSING = "It was there the last time, and is not any more. Its photo stays."


def synchronise(
    project: Project, place: Place, *, pattern: str = "", in_place: bool = False, uid: UUID, by=None, **said
) -> Intake:
    """Have workers look through a place in a bucket. said: as for `intake.ask`.

    in_place: originals stay where they are (`originals.py`), only pictures are made of them; it holds for new photos.
    Without a pattern everything that is named like a photo is meant; with one (`*.jpg`, `2024-*/front/*`) what it
    fits, beginning behind the folder that was given.
    """
    options = {"address": str(place), "pattern": pattern, "in_place": in_place}
    return ask(project, IntakeSource.BUCKET, str(place), uid=uid, by=by, options=options, **said)


@dataclass
class _Seen:
    """An object on its way in; `now` is what was read in the end, None for what is tried again the next time."""

    now: storage.Foreign | None
    known: BucketObject | None


def remember(intake: Intake, files: list[tuple[_Seen, IntakeFile]]) -> None:
    """In the transaction that writes the outcomes: an object without one is read again."""
    place = place_of(intake.options["address"])
    rows = [
        BucketObject(
            project_id=intake.project_id,
            bucket=place.bucket,
            key=seen.now.key,
            etag=seen.now.etag,
            version=seen.now.version[:1024],
            size=seen.now.size,
            image_id=file.image_id,
            intake=intake,
            reads=seen.known.reads + 1 if seen.known else 1,
        )
        for seen, file in files
        if seen.now
    ]
    BucketObject.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["project", "bucket", "key"],
        update_fields=["etag", "version", "size", "image", "intake", "reads", "missing_since"],
    )
    _renew_places(rows)


def _renew_places(seen: list[BucketObject]) -> None:
    """The bytes of a photo that stayed there were read again, as another state of the same object: stored anew, say."""
    by_place = {(row.image_id, row.bucket, row.key): row for row in seen if row.image_id}
    changed = []
    for place in OriginalElsewhere.objects.filter(image__in={row.image_id for row in seen if row.image_id}):
        row = by_place.get((place.image_id, place.bucket, place.key))
        if row:
            place.etag, place.version = row.etag, row.version
            changed.append(place)
    OriginalElsewhere.objects.bulk_update(changed, ["etag", "version"])


def follow_moved(intake: Intake) -> None:
    """Originals that are not where they stayed, but were read somewhere else as well: that is their place now."""
    project_id = intake.project_id
    there = BucketObject.objects.filter(project=project_id, image=OuterRef("image"), missing_since=None, etag__gt="")
    at_its_place = there.filter(bucket=OuterRef("bucket"), key=OuterRef("key"))
    lost = OriginalElsewhere.objects.filter(image__project=project_id).exclude(Exists(at_its_place))
    moved = lost.annotate(now=Subquery(there.order_by("-pk").values("pk")[:1])).filter(now__isnull=False)
    places = list(moved)
    found = BucketObject.objects.in_bulk([place.now for place in places])
    for place in places:
        seen = found[place.now]
        place.bucket, place.key, place.etag, place.version = seen.bucket, seen.key, seen.etag, seen.version
    OriginalElsewhere.objects.bulk_update(places, ["bucket", "key", "etag", "version"], batch_size=PAGE)


@source(IntakeSource.BUCKET, told=remember, ended=follow_moved)
def objects_of(intake: Intake) -> Iterator[SourceFile]:
    """Raises BrokenSource, in words, when the place is closed or cannot be listed."""
    try:
        place = place_of(intake.options["address"])  # the operator may have closed it since
        yield from _Look(intake, place, intake.options.get("pattern", "")).files()
    except (Refused, storage.SourceRefuses) as error:
        raise BrokenSource(str(error)) from error


@dataclass
class _Look:
    """One look through a place: what is new, changed, the same or missing."""

    intake: Intake
    place: Place
    pattern: str
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("new", "changed", "same", "other"), 0))
    present: set[int] = field(default_factory=set)

    def files(self) -> Iterator[SourceFile]:
        # Rows that are made while this look goes on, by itself too, are of objects that are there.
        newest = self._rows().aggregate(newest=Max("pk"))["newest"] or 0
        for page in batched(storage.listed_elsewhere(self.place.bucket, self.place.prefix), PAGE):
            wanted = [found for found in page if self._is_wanted(found.key)]
            self.counts["other"] += len(page) - len(wanted)
            yield from self._unread(wanted)
        self._report(self._missing(newest))

    def _is_wanted(self, key: str) -> bool:
        if key.endswith("/") or "\0" in key:  # a folder's marker; what no database can hold
            return False
        name = key.removeprefix(self.place.prefix)
        if self.pattern:
            return fnmatchcase(name, self.pattern)
        return PurePosixPath(name).suffix.lower() in PHOTO_SUFFIXES

    def _rows(self):
        return BucketObject.objects.filter(project=self.intake.project_id, bucket=self.place.bucket)

    def _unread(self, found: list[storage.Foreign]) -> Iterator[SourceFile]:
        rows = self._rows().only("key", "etag", "size", "intake", "reads", "missing_since")
        known = {row.key: row for row in rows.filter(key__in=[one.key for one in found])}
        self.present.update(row.pk for row in known.values())
        self._rows().filter(pk__in=[row.pk for row in known.values() if row.missing_since]).update(missing_since=None)
        for one in found:
            row = known.get(one.key)
            if row is None or (row.etag, row.size) != (one.etag, one.size):
                self.counts["changed" if row else "new"] += 1
                yield self._file(one, _Seen(one, row))
            elif row.intake_id == self.intake.pk:  # read before this look was interrupted
                self.counts["changed" if row.reads > 1 else "new"] += 1
            else:
                self.counts["same"] += 1

    def _name(self, key: str) -> str:
        """Behind the folder that was given; keys that look alike stay apart."""
        return "".join(
            letter if letter.isprintable() else f"\\u{ord(letter):04x}"
            for letter in key.removeprefix(self.place.prefix)
        )

    def _file(self, one: storage.Foreign, seen: _Seen) -> SourceFile:
        name = self._name(one.key)
        read: Callable[[], bytes] = partial(_read, self.place.bucket, one, seen)
        stays = partial(_place, self.place.bucket, seen) if self.intake.in_place else None
        return SourceFile(name, read, person_of(name), origin=seen, stays=stays)

    def _missing(self, newest: int) -> int:
        """What was there before and is gone: told once, and its photo stays."""
        rows = self._rows().filter(key__startswith=self.place.prefix, missing_since=None, pk__lte=newest)
        gone = [
            (pk, key, image)
            for pk, key, image in rows.values_list("pk", "key", "image").iterator(chunk_size=10_000)
            if pk not in self.present and self._is_wanted(key)
        ]
        seen: dict[str, int] = {}
        with transaction.atomic():
            for some in batched(gone, PAGE):
                self._rows().filter(pk__in=[pk for pk, _, _ in some]).update(missing_since=timezone.now())
                files = [
                    IntakeFile(
                        intake=self.intake, path=name_in(self._name(key), seen), image_id=image,
                        status=FileStatus.MISSING, reason=MISSING,
                    )
                    for _, key, image in some
                ]  # fmt: skip
                IntakeFile.objects.bulk_create(files, ignore_conflicts=True)
        return len(gone)

    def _report(self, missing: int) -> None:
        said = [f"{count:,} {what}" for what, count in self.counts.items() if count and what != "other"]
        said += [f"{missing:,} missing"] if missing else []
        note = (", ".join(said) or "nothing to take in") + "."
        if self.counts["other"]:
            note += f" {self.counts['other']:,} other objects were left alone."
        Intake.objects.filter(pk=self.intake.pk).update(
            note=f"In the bucket: {note}", options={**self.intake.options, "found": {**self.counts, "missing": missing}}
        )


def _place(bucket: str, seen: _Seen) -> OriginalElsewhere | None:
    now = seen.now
    if not now.etag:  # it could not be told from another one later: copied after all
        return None
    return OriginalElsewhere(bucket=bucket, key=now.key, etag=now.etag, version=now.version[:1024])


def _read(bucket: str, one: storage.Foreign, seen: _Seen) -> bytes:
    if one.size > settings.INGEST_MAX_BYTES:
        seen.now = None  # looked at again, should the limit be raised
        limit = settings.INGEST_MAX_BYTES // 2**20
        raise Unreadable(f"The file is larger than {limit} MB. Make it smaller, or raise the limit.")
    try:
        data, seen.now = storage.get_elsewhere(bucket, one.key, settings.INGEST_MAX_BYTES + 1)
    except storage.ObjectMissing:
        seen.now = None
        raise Unreadable(GONE) from None
    except storage.SourceRefuses as error:
        seen.now = None
        raise Unreadable(str(error)) from error
    return data
