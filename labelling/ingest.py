"""Takes photos in: from an upload or a folder, each with its own outcome, never the same one twice."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings

from labelling import storage
from labelling.identities import get_or_create_identity
from labelling.models import Image, Project
from labelling.photos import BadPhoto, Photo, read_photo
from labelling.signals import announce, images_added

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".mpo"}


@dataclass(frozen=True)
class Outcome:
    name: str
    status: str  # created, duplicate or rejected
    id: int | None = None
    reason: str = ""

    def as_dict(self) -> dict:
        return {"name": self.name, "status": self.status, "id": self.id, "reason": self.reason}


@dataclass(frozen=True)
class FoundPhoto:
    """A file to take in, and whom its folder says it shows."""

    path: Path
    name: str
    person: str | None


def ingest_photo(project: Project, name: str, data: bytes, *, session: str = "", identity=None, by=None) -> Outcome:
    """Store one photo: its original bytes, two pictures, one row. Nothing is kept of a photo that is refused.

    Objects go first and are named by content: a row never speaks of an object that is not there, and
    what a crash leaves behind is found again by the next attempt.
    """
    name = _plain(name)
    known = Image.objects.filter(project=project, sha256=hashlib.sha256(data).hexdigest()).first()
    if known:
        return Outcome(name, "duplicate", known.pk, f"Already here as “{known.name}”.")
    try:
        photo = read_photo(data)
    except BadPhoto as error:
        return Outcome(name, "rejected", reason=str(error))
    _store(project.pk, photo, data)
    image, created = Image.objects.get_or_create(
        project=project,
        sha256=photo.sha256,
        defaults={
            "name": name,
            "byte_size": len(data),
            "format": photo.format,
            "width": photo.width,
            "height": photo.height,
            "phash": photo.phash,
            "sharpness": photo.sharpness,
            "brightness": photo.brightness,
            "camera": photo.camera,
            "taken_at": photo.taken_at,
            "session": _printable(session)[:120],
            "claimed_identity": identity,
            "created_by": by,
        },
    )
    if not created:  # another request was quicker by a moment
        return Outcome(name, "duplicate", image.pk, f"Already here as “{image.name}”.")
    announce(images_added, project.pk)
    return Outcome(name, "created", image.pk)


def _store(project_id: int, photo: Photo, data: bytes) -> None:
    storage.put(storage.original_key(project_id, photo.sha256), data)
    for size, picture in photo.pictures.items():
        storage.put(storage.picture_key(project_id, photo.sha256, size), picture, "image/jpeg")


def _plain(name: str) -> str:
    """A file name to show: no folders, no invisible or direction-changing letters, not endless."""
    return _printable(name.replace("\\", "/").rsplit("/", 1)[-1])[:255] or "unnamed"


def _printable(text: str) -> str:
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
        person = path.parent.name.replace("_", " ").strip() if path.parent != folder else ""
        if people_from_folders and person:
            people.setdefault(person, []).append(FoundPhoto(path, path.name, person))
        else:
            flat.append(FoundPhoto(path, path.name, None))
    return list(_whole_people(people, flat, limit))


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
    """Take the found photos in one by one; the caller sees each outcome as it happens."""
    for photo in found:
        identity = get_or_create_identity(project, photo.person) if photo.person else None
        try:
            with photo.path.open("rb") as file:
                data = read_bounded(file)
        except OSError as error:
            yield Outcome(photo.name, "rejected", reason=f"The file could not be read: {error.strerror}.")
            continue
        yield ingest_photo(project, photo.name, data, session=session, identity=identity, by=by)
