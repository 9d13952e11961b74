"""Holds a project's rows against its objects: what is missing, damaged, left over or unfinished, and what to do.

Which objects there are is told by those who store them (`register`), each kind in order of its keys, as the store
lists them: the two streams are read side by side, so that a million photos take no more memory than a hundred.
"""

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from django.utils import timezone

from jobs.models import Job
from jobs.sweep import sweep
from labelling import storage
from labelling.models import Project

GRACE = timedelta(days=1)
SAMPLE = 200
# A lapsed job is taken up within seconds while any worker lives.
JOB_GRACE = timedelta(minutes=1)


@dataclass(frozen=True)
class Expected:
    """An object that a row speaks of."""

    key: str
    name: str  # in words for people: “the original of photo.jpg”
    size: int | None = None
    sha256: str = ""
    must_exist: bool = True
    is_suspect: bool = False  # its content is looked at, whatever the sample says
    row: int | None = None


@dataclass(frozen=True)
class Finding:
    kind: str  # missing, damaged, refused, leftover, unknown, upload or job
    key: str
    what: str
    advice: str
    done: str = ""  # what repairing did about it
    is_left: bool = True

    def as_dict(self) -> dict:
        return {
            "kind": self.kind, "key": self.key, "what": self.what, "advice": self.advice,
            "done": self.done, "left": self.is_left,
        }  # fmt: skip


@dataclass
class Tally:
    """How much was looked at."""

    rows: int = 0
    objects: int = 0
    contents: int = 0


class Area:
    """One kind of object of a project, all under one folder."""

    folder = ""
    by_folder = False  # too many to be listed in one go
    is_sampled = True

    def count(self, project: Project) -> int:
        return sum(1 for _ in self.expected(project))

    def expected(self, project: Project) -> Iterator[Expected]:
        """What rows speak of, in order of the keys, each key once."""
        raise NotImplementedError

    def is_spoken_of(self, project: Project, key: str) -> bool:
        return any(expected.key == key for expected in self.expected(project))

    def flaw(self, expected: Expected) -> str:
        """What is wrong with its content; empty when nothing is. Raises ObjectMissing."""
        return "" if _sha256_of(expected.key) == expected.sha256 else "does not have the content it was stored with"

    def advice(self, project: Project, expected: Expected) -> str:
        """What a person can do about one that is gone or damaged."""
        raise NotImplementedError

    def remake(self, project: Project, expected: Expected) -> str:
        """Make it anew where nothing can be lost by it; what was done, or nothing."""
        return ""

    def mark(self, expected: Expected, trouble: str) -> str:
        """Tell those who use the thing that it is broken, or with no trouble that it is whole again; what was done."""
        return ""


_areas: list[Area] = []


def register(*areas: Area) -> None:
    _areas.extend(area for area in areas if area.folder not in {known.folder for known in _areas})


# Like an area's check, of what lies outside the project's folder: (project, repair, sample, tally, tell).
Beside = Callable[[Project, bool, int | None, Tally, Callable[[str, int, int], None]], Iterator[Finding]]
_beside: list[Beside] = []


def register_beside(check_beside: Beside) -> None:
    if check_beside not in _beside:
        _beside.append(check_beside)


class OutOfOrder(RuntimeError):
    """The streams cannot be compared; nothing that would be said of them could be trusted."""


def check(
    project: Project,
    *,
    repair: bool = False,
    grace: timedelta = GRACE,
    sample: int | None = SAMPLE,
    tally: Tally | None = None,
    tell: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Iterator[Finding]:
    """Everything that does not fit together, as it is found. With `repair`, what is safe is done on the way.

    Of each kind of object `sample` contents are read, all of them for None.
    """
    tally = Tally() if tally is None else tally
    for area in _areas:
        yield from _AreaCheck(project, area, repair, grace, tally).findings(sample, tell)
    for check_beside in _beside:
        yield from check_beside(project, repair, sample, tally, tell)
    yield from _unknown_folders(project)
    yield from _unfinished_uploads(project, repair, grace)
    yield from _lapsed_jobs(project, repair)


def paired(expected: Iterator[Expected], stored: Iterator[storage.Stored]) -> Iterator[tuple]:
    """Both streams side by side, each in order of its keys: what belongs together, or one of them and None."""
    ours, theirs = _in_order(expected), _in_order(stored)
    row, found = next(ours, None), next(theirs, None)
    while row or found:
        if found is None or (row and row.key < found.key):
            yield row, None
            row = next(ours, None)
        elif row is None or found.key < row.key:
            yield None, found
            found = next(theirs, None)
        else:
            yield row, found
            row, found = next(ours, None), next(theirs, None)


def _in_order(things: Iterator) -> Iterator:
    before = ""
    for thing in things:
        if thing.key <= before:
            raise OutOfOrder(f"“{thing.key}” came after “{before}”: nothing can be compared in that order.")
        before = thing.key
        yield thing


class _AreaCheck:
    def __init__(self, project: Project, area: Area, repair: bool, grace: timedelta, tally: Tally) -> None:
        self._project, self._area = project, area
        self._repair, self._grace, self._tally = repair, grace, tally

    def findings(self, sample: int | None, tell: Callable) -> Iterator[Finding]:
        area, prefix = self._area, storage.project_prefix(self._project.pk) + self._area.folder
        objects = storage.listed_by_folder(prefix) if area.by_folder else storage.listed(prefix)
        total = area.count(self._project)
        chosen = Sample(total, total if sample is None else sample)
        for done, (row, found) in enumerate(paired(area.expected(self._project), objects), start=1):
            self._tally.objects += found is not None
            self._tally.rows += row is not None and row.must_exist
            if row is None:
                yield from self._leftover(found)
            elif found is None:
                yield from self._missing(row)
            else:
                yield from self._present(row, found, look_inside=(area.is_sampled and chosen.next()) or row.is_suspect)
            tell(f"Looking at {area.folder.rstrip('/')}", done, max(done, total))

    def _missing(self, row: Expected) -> Iterator[Finding]:
        # Asked once more: it may have been stored since this part was listed.
        if row.must_exist and not storage.exists(row.key):
            yield self._broken("missing", row, "is not in the object store")

    def _present(self, row: Expected, found: storage.Stored, *, look_inside: bool) -> Iterator[Finding]:
        flaw = _size_flaw(row, found)
        if not flaw and look_inside:
            self._tally.contents += 1
            try:
                flaw = self._area.flaw(row)
            except storage.ObjectMissing:
                return (yield from self._missing(row))
        if flaw:
            yield self._broken("damaged", row, flaw)
        elif row.is_suspect and self._repair:
            self._area.mark(row, "")
        return None

    def _broken(self, kind: str, row: Expected, trouble: str) -> Finding:
        what = f"{row.name[:1].upper()}{row.name[1:]} {trouble}."
        finding = Finding(kind, row.key, what, self._area.advice(self._project, row))
        if not self._repair:
            return finding
        if done := self._area.remake(self._project, row):
            return replace(finding, done=done, is_left=False)
        return replace(finding, done=self._area.mark(row, trouble))

    def _leftover(self, found: storage.Stored) -> Iterator[Finding]:
        if not self._is_old(found):
            return
        what = f"No row speaks of an object of {found.size:,} bytes, stored {found.modified:%Y-%m-%d %H:%M}."
        finding = Finding("leftover", found.key, what, "It only takes room; --repair removes it.")
        if self._repair and self._may_go(found.key):
            storage.delete(found.key)
            finding = replace(finding, done="Removed.", is_left=False)
        yield finding

    def _may_go(self, key: str) -> bool:
        """Looked at once more: the same photo may have come in again since the object was listed."""
        try:
            return self._is_old(storage.look_at(key)) and not self._area.is_spoken_of(self._project, key)
        except storage.ObjectMissing:
            return True

    def _is_old(self, found: storage.Stored) -> bool:
        return timezone.now() - found.modified >= self._grace


class Sample:
    """Chooses so many of so many things, each as likely as any other, while they pass by."""

    def __init__(self, things: int, wanted: int) -> None:
        self._things, self._wanted = things, wanted

    def next(self) -> bool:
        is_chosen = random.random() * max(self._things, 1) < self._wanted  # noqa: S311
        self._things -= 1
        self._wanted -= is_chosen
        return is_chosen


def _size_flaw(row: Expected, found: storage.Stored) -> str:
    if row.size is not None and found.size != row.size:
        return f"has {found.size:,} bytes instead of {row.size:,}"
    return "" if found.size else "is empty"


def _sha256_of(key: str) -> str:
    digest = hashlib.sha256()
    for piece in storage.stream(key)[1]:
        digest.update(piece)
    return digest.hexdigest()


def _unknown_folders(project: Project) -> Iterator[Finding]:
    """What nobody has registered is never removed: somebody may need it who is not known here."""
    prefix = storage.project_prefix(project.pk)
    known = {area.folder for area in _areas}
    for folder in storage.folders(prefix):
        if folder.removeprefix(prefix) not in known:
            what = f"Facet does not know what the objects under “{folder}” are."
            yield Finding("unknown", folder, what, "Look at them; remove them by hand if nobody needs them.")


def _unfinished_uploads(project: Project, repair: bool, grace: timedelta) -> Iterator[Finding]:
    for upload in storage.unfinished_uploads(storage.project_prefix(project.pk)):
        if timezone.now() - upload.begun < grace:
            continue
        what = f"An upload of “{upload.key}” was begun {upload.begun:%Y-%m-%d %H:%M} and never finished."
        finding = Finding("upload", upload.key, what, "Its parts only take room; --repair gives them up.")
        if repair:
            storage.abort_upload(upload)
            finding = replace(finding, done="Given up.", is_left=False)
        yield finding


def _lapsed_jobs(project: Project, repair: bool) -> Iterator[Finding]:
    lapsed = Job.objects.in_project(project.pk).expired().filter(lease_until__lt=timezone.now() - JOB_GRACE)
    for job in lapsed.order_by("pk"):
        what = f"The worker of “{job.title}” has not been heard of since {job.lease_until:%Y-%m-%d %H:%M}."
        finding = Finding("job", f"job {job.pk}", what, "Start a worker: it is taken up again by itself.")
        if repair:
            sweep()
            job.refresh_from_db()
            finding = replace(finding, done=f"It is {job.get_state_display()} now.", is_left=False)
        yield finding
