"""Takes the files of an intake in, whatever its source: in batches, each with its outcome, resumed where it stopped.

Runs in workers only. A source is a function that gives an intake's files one by one, always in the same order.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone

from jobs.errors import JobFailed, TryLater
from jobs.work import Work
from labelling import storage
from labelling.identities import get_or_create_identity
from labelling.ingest import Arrival, in_batches, printable, ready_photos, write_rows
from labelling.intake import forget_staged, outcome_row
from labelling.models import FileStatus, Identity, Intake, IntakeFile, OriginalElsewhere
from labelling.models.intakes import MOST_PATH


class Unreadable(Exception):
    """One file of a source cannot be had. The message is a sentence for people."""


class BrokenSource(Exception):
    """The source as a whole cannot be read on. The message is a sentence for people."""


@dataclass(frozen=True)
class SourceFile:
    """A file that was not read yet.

    path: unique in the source, only ever a name. read: gives its bytes, at most one more than a photo may have, or
    raises Unreadable; called at once or never. taken_at: where the source knows it better than the file.
    stays: called after `read`, where the original is not copied: where it is, as an unsaved row.
    It may still say None, for one that has to be copied.
    """

    path: str
    read: Callable[[], bytes]
    person: str | None = None
    taken_at: datetime | None = None
    origin: object = None
    stays: Callable[[], OriginalElsewhere | None] | None = None


Source = Callable[[Intake], Iterator[SourceFile]]
# Hears what became of files, each with its `origin`, in the transaction that writes the outcomes.
Told = Callable[[Intake, list[tuple[object, IntakeFile]]], None]
# Called once everything of a source that could be read is in.
Ended = Callable[[Intake], None]
_sources: dict[str, Source] = {}
_told: dict[str, Told] = {}
_ended: dict[str, Ended] = {}


def source(kind: str, told: Told | None = None, ended: Ended | None = None) -> Callable[[Source], Source]:
    """Register what gives the files of intakes of this kind."""

    def register(function: Source) -> Source:
        _sources[kind] = function
        if told:
            _told[kind] = told
        if ended:
            _ended[kind] = ended
        return function

    return register


def take_in(work: Work) -> dict:
    """Take in what has no outcome yet. Rows and outcomes of a batch are written together, so nothing counts twice."""
    intake = Intake.objects.select_related("project", "identity", "created_by").get(pk=work.params["intake"])
    work.progress(message="Reading files")
    reading = _Reading(intake)
    try:
        for batch in in_batches(reading, lambda read: len(read.data)):
            _take(intake, batch, work)
    except storage.StoreAway as error:
        raise TryLater("The object store does not answer.") from error
    if reading.broken:
        Intake.objects.filter(pk=intake.pk).update(note=str(reading.broken)[:500])
        raise JobFailed(str(reading.broken))
    if intake.source in _ended:
        _ended[intake.source](intake)
    intake.finished_at = timezone.now()
    intake.save(update_fields=["finished_at"])
    forget_staged(intake)
    return {"intake": intake.pk, "said": _said(intake)}


@dataclass(frozen=True)
class _Read:
    file: SourceFile
    data: bytes
    reason: str = ""


class _Reading:
    """Files of a source that have no outcome, each read when it comes: an archive can only be read forwards.

    When the source breaks, what was read before is still given; `broken` says why nothing more came.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self.broken: BrokenSource | None = None

    def __iter__(self) -> Iterator[_Read]:
        told = set(self._intake.files.values_list("path", flat=True))
        seen: dict[str, int] = {}
        try:
            for file in _sources[self._intake.source](self._intake):
                path = name_in(file.path, seen)
                if path not in told:
                    yield _read(replace(file, path=path))
        except BrokenSource as error:
            self.broken = error


def _read(file: SourceFile) -> _Read:
    try:
        return _Read(file, file.read())
    except Unreadable as error:
        return _Read(file, b"", str(error))


def name_in(path: str, seen: dict[str, int]) -> str:
    """Printable and short enough; an archive may hold two files of one name."""
    path = printable(path)[-(MOST_PATH - 8) :] or "unnamed"
    seen[path] = seen.get(path, 0) + 1
    return path if seen[path] == 1 else f"{path} #{seen[path]}"


def _take(intake: Intake, batch: list[_Read], work: Work) -> None:
    fine = [read for read in batch if not read.reason]
    ready = ready_photos(intake.project, [_arrival(intake, read) for read in fine])
    with work.chunk(len(batch)):
        outcomes = write_rows(ready, session=intake.session, by=intake.created_by)
        told = [
            (read.file.origin, outcome_row(intake, read.file.path, outcome, len(read.data)))
            for read, outcome in zip(fine, outcomes, strict=True)
        ]
        told += [(read.file.origin, _refusal(intake, read)) for read in batch if read.reason]
        IntakeFile.objects.bulk_create(row for _, row in told)
        if intake.source in _told:
            _told[intake.source](intake, told)


def _arrival(intake: Intake, read: _Read) -> Arrival:
    file = read.file
    stays = file.stays() if file.stays else None
    return Arrival(file.path, read.data, _person(intake, file), file.taken_at, stays)


def _refusal(intake: Intake, read: _Read) -> IntakeFile:
    return IntakeFile(intake=intake, path=read.file.path, status=FileStatus.REJECTED, reason=read.reason[:500])


def _person(intake: Intake, file: SourceFile) -> Identity | None:
    if intake.people_from_folders and file.person:
        return get_or_create_identity(intake.project, file.person)
    return intake.identity


def _said(intake: Intake) -> str:
    now = Intake.objects.with_counts().values("note", *FileStatus.values).get(pk=intake.pk)
    told = [f"{now[status]:,} {status.label}" for status in FileStatus if now[status]]
    return f"{', '.join(told)}." if told else now["note"] or "There was no photo in it."
