"""Takes photos in: from an upload or a worker, each with its own outcome, never the same one twice."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import IntegrityError, transaction

from labelling import storage
from labelling.identities import get_or_create_identity
from labelling.models import ErasedPhoto, FileStatus, Identity, Image, OriginalElsewhere, Project
from labelling.photo_processes import read_photo_apart
from labelling.photos import BadPhoto, Photo
from labelling.signals import announce, images_added

PHOTO_SUFFIXES = {
    ".jpg", ".jpeg", ".jpe", ".mpo", ".png", ".webp", ".heic", ".heif", ".hif", ".tif", ".tiff", ".gif", ".bmp",
    ".pgm", ".ppm",
}  # fmt: skip
# Photos of one call that are decoded and stored side by side. While one waits for the store another is decoded.
AT_ONCE = 4
BATCH_FILES, BATCH_BYTES = 32, 96 * 1024 * 1024


@dataclass(frozen=True)
class Outcome:
    name: str
    status: str  # of FileStatus
    id: int | None = None
    reason: str = ""

    def as_dict(self) -> dict:
        return {"name": self.name, "status": self.status, "id": self.id, "reason": self.reason}


@dataclass(frozen=True)
class Arrival:
    """A file as it came. taken_at: where the source knows it better than the file.

    stays: an unsaved row, where the original stays where it is; no copy of it is kept then.
    """

    name: str
    data: bytes
    identity: Identity | None = None
    taken_at: datetime | None = None
    stays: OriginalElsewhere | None = None


@dataclass(frozen=True)
class FoundPhoto:
    """A file to take in, and whom its folder says it shows."""

    path: Path
    name: str
    person: str | None


def ingest_photo(project: Project, name: str, data: bytes, *, session: str = "", identity=None, by=None) -> Outcome:
    """One photo, as `ingest_photos`."""
    return ingest_photos(project, [Arrival(name, data, identity)], session=session, by=by)[0]


def ingest_photos(project: Project, arrivals: Sequence[Arrival], *, session: str = "", by=None) -> list[Outcome]:
    """Store photos: original bytes, pictures, a row each. Nothing is kept of one that is refused; outcomes in order."""
    return write_rows(ready_photos(project, arrivals), session=session, by=by)


ERASED = "This photo showed a person who was erased from this project, so it is not taken in again."


@dataclass(frozen=True)
class Ready:
    """Photos whose objects are stored, and the others with what is said of them; rows are still missing. By hash."""

    project: Project
    files: list[tuple[str, Arrival]]
    photos: dict[str, Photo | BadPhoto]
    known: dict[str, Image]


def ready_photos(project: Project, arrivals: Sequence[Arrival]) -> Ready:
    """Read and store what is new: the long part, in which the database waits for nothing.

    Objects go first and are named by content: a row never speaks of an object that is not there, and
    what a crash leaves behind is found again by the next attempt.
    """
    files = [(hashlib.sha256(arrival.data).hexdigest(), arrival) for arrival in arrivals]
    known = _known(project, (sha for sha, _ in files))
    erased = ErasedPhoto.objects.filter(project=project, sha256__in={sha for sha, _ in files} - known.keys())
    refused = dict.fromkeys(erased.values_list("sha256", flat=True), BadPhoto(ERASED))
    fresh: dict[str, Arrival] = {}
    for sha, arrival in files:
        if sha not in known and sha not in refused:
            fresh.setdefault(sha, arrival)  # the first of those with equal bytes, as for the row
    photos = _side_by_side(lambda arrival: _read_and_store(project.pk, arrival), list(fresh.values()))
    return Ready(project, files, refused | dict(zip(fresh, photos, strict=True)), known)


@transaction.atomic
def write_rows(ready: Ready, *, session: str = "", by=None) -> list[Outcome]:
    """The rows of new photos, and what became of each file, in order."""
    rows: dict[str, Image] = {}
    stay: dict[str, OriginalElsewhere] = {}
    for sha, arrival in ready.files:
        photo = ready.photos.get(sha)
        if isinstance(photo, Photo) and sha not in rows:
            rows[sha] = _row(ready.project, photo, arrival, printable(session)[:120], by)
            if arrival.stays:
                stay[sha] = arrival.stays
    created, quicker = _insert(ready.project, list(rows.values()))
    _keep_places(created, stay)
    return _outcomes(ready.files, ready.photos, created, ready.known | quicker)


def _keep_places(created: dict[str, Image], stay: dict[str, OriginalElsewhere]) -> None:
    places = [(created[sha], place) for sha, place in stay.items() if sha in created]
    for image, place in places:
        place.image = image
    OriginalElsewhere.objects.bulk_create(place for _, place in places)


def _outcomes(files, read: dict, created: dict[str, Image], there: dict[str, Image]) -> list[Outcome]:
    outcomes = []
    for sha, arrival in files:
        name = plain_name(arrival.name)
        if isinstance(read.get(sha), BadPhoto):
            outcomes.append(Outcome(name, FileStatus.REJECTED, reason=str(read[sha])))
        elif sha in there:
            outcomes.append(already_here(name, there[sha].pk, there[sha].name))
        else:
            outcomes.append(Outcome(name, FileStatus.CREATED, created[sha].pk))
            there[sha] = created[sha]  # the same file again, in the same breath
    return outcomes


def already_here(name: str, image_id: int, as_name: str) -> Outcome:
    return Outcome(plain_name(name), FileStatus.DUPLICATE, image_id, f"Already here as “{as_name}”.")


def _known(project: Project, hashes: Iterable[str]) -> dict[str, Image]:
    there = Image.objects.in_project(project).filter(sha256__in=set(hashes)).only("pk", "name", "sha256")
    return {image.sha256: image for image in there}


def _side_by_side(do, things: list) -> list:
    """In threads: the decoding is done by other processes, the storing by another server."""
    if len(things) < 2:
        return [do(thing) for thing in things]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="ingest") as pool:
        return list(pool.map(do, things))


def _read_and_store(project_id: int, arrival: Arrival) -> Photo | BadPhoto:
    try:
        photo = read_photo_apart(arrival.data)
    except BadPhoto as error:
        return error
    if arrival.stays is None:
        storage.put(storage.original_key(project_id, photo.sha256), arrival.data)
    for size, picture in photo.pictures.items():
        storage.put(storage.picture_key(project_id, photo.sha256, size), picture, "image/jpeg")
    photo.pictures.clear()  # stored; many photos of one call must not add up
    return photo


def _row(project: Project, photo: Photo, arrival: Arrival, session: str, by) -> Image:
    return Image(
        project=project,
        sha256=photo.sha256,
        name=plain_name(arrival.name),
        byte_size=len(arrival.data),
        format=photo.format,
        width=photo.width,
        height=photo.height,
        phash=photo.phash,
        sharpness=photo.sharpness,
        brightness=photo.brightness,
        camera=photo.camera,
        taken_at=arrival.taken_at or photo.taken_at,
        session=session,
        claimed_identity=arrival.identity,
        created_by=by,
    )


@transaction.atomic
def _insert(project: Project, rows: list[Image]) -> tuple[dict[str, Image], dict[str, Image]]:
    """Rows by hash: those made now, and those of another request that was quicker by a moment."""
    if not rows:
        return {}, {}
    try:
        with transaction.atomic():
            made, quicker = Image.objects.bulk_create(rows), {}
    except IntegrityError:
        quicker = _known(project, [row.sha256 for row in rows])
        return _insert_rest(project, [row for row in rows if row.sha256 not in quicker], quicker)
    announce(images_added, project.pk)
    return {row.sha256: row for row in made}, quicker


def _insert_rest(project: Project, rows: list[Image], quicker: dict) -> tuple[dict[str, Image], dict[str, Image]]:
    made, still_quicker = _insert(project, rows)
    return made, quicker | still_quicker


def plain_name(name: str) -> str:
    """A file name to show: no folders, no invisible or direction-changing letters, not endless."""
    return printable(name.replace("\\", "/").rsplit("/", 1)[-1])[:255] or "unnamed"


def printable(text: str) -> str:
    """Without letters that are invisible or change the direction of others."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def read_bounded(file: IO[bytes]) -> bytes:
    """The file's bytes, at most one more than a photo may have: enough to refuse it, not enough to fill the memory."""
    return file.read(settings.INGEST_MAX_BYTES + 1)


def find_photos(folder: Path, *, people_from_folders: bool = True, limit: int | None = None) -> list[FoundPhoto]:
    """The photos under `folder` in an order that never changes: `Person/photo.jpg` names a person.

    With `limit`, at most that many; people stay whole, those with most photos first, each taken if it
    still fits. Photos that lie flat in the folder come last.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder “{folder}”.")
    people: dict[str, list[FoundPhoto]] = {}
    flat: list[FoundPhoto] = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in PHOTO_SUFFIXES or not path.is_file():
            continue
        person = person_of(path.relative_to(folder).as_posix())
        if people_from_folders and person:
            people.setdefault(person, []).append(FoundPhoto(path, path.name, person))
        else:
            flat.append(FoundPhoto(path, path.name, None))
    return list(_whole_people(people, flat, limit))


def person_of(path: str) -> str | None:
    """Whom `Ana_Weiss/photo.jpg` shows, by the folder it lies in; None without a folder."""
    folders = [part for part in path.replace("\\", "/").split("/")[:-1] if part not in {"", ".", ".."}]
    return folders[-1].replace("_", " ").strip()[:120] or None if folders else None


def _whole_people(people: dict[str, list[FoundPhoto]], flat: list[FoundPhoto], limit: int | None) -> Iterator:
    room = limit if limit is not None else sum(map(len, people.values())) + len(flat)
    chosen = []
    for person in sorted(people, key=lambda name: (-len(people[name]), name)):
        if len(people[person]) <= room:
            chosen.append(person)
            room -= len(people[person])
    for person in sorted(chosen):
        yield from people[person]
    yield from flat[:room]


def ingest_folder(project: Project, found: Iterable[FoundPhoto], *, session: str = "", by=None) -> Iterator[Outcome]:
    """Take the found photos in; the caller sees each outcome as it happens."""
    for batch in in_batches(found, lambda photo: photo.path.stat().st_size if photo.path.exists() else 0):
        arrivals, unread = [], []
        for photo in batch:
            try:
                with photo.path.open("rb") as file:
                    data = read_bounded(file)
            except OSError as error:
                unread.append(
                    Outcome(photo.name, FileStatus.REJECTED, reason=f"The file could not be read: {error.strerror}.")
                )
                continue
            identity = get_or_create_identity(project, photo.person) if photo.person else None
            arrivals.append(Arrival(photo.name, data, identity))
        yield from unread
        yield from ingest_photos(project, arrivals, session=session, by=by)


def in_batches[T](files: Iterable[T], size_of: Callable[[T], int]) -> Iterator[list[T]]:
    """As many files as are worth a call of `ingest_photos`, and no more bytes than may lie in memory."""
    batch, held = [], 0
    for file in files:
        size = size_of(file)
        if batch and (len(batch) == BATCH_FILES or held + size > BATCH_BYTES):
            yield batch
            batch, held = [], 0
        batch.append(file)
        held += size
    if batch:
        yield batch
