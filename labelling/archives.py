"""Files of a zip or tar archive, read one after the other and never unpacked to disk. Runs in workers only.

Nothing in an archive is believed: names stay names, links and devices are refused, and what unpacks to far more than
it is ends the reading.
"""

import re
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from typing import IO

from labelling import storage
from labelling.ingest import person_of, read_bounded
from labelling.models import Intake, IntakeSource
from labelling.taking_in import BrokenSource, SourceFile, Unreadable, source

MOST_FILES = 200_000
# Photos hardly shrink in an archive. One file that grows more than this, or all of them together, is no photo.
MOST_GROWTH = 200
ALWAYS_ALLOWED = 2**30
MOST_HEADER = 2**20
# Files and folders whose name begins with a dot (not “.” and “..” themselves), and what systems leave behind.
CLUTTER = re.compile(r"(^|/)(\.(?!\.?(/|$))|__MACOSX/|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
DAMAGED = "The archive is damaged from here on; what came before was taken in. Pack it again and upload it."
DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError)


@source(IntakeSource.ARCHIVE)
def files_of(intake: Intake) -> Iterator[SourceFile]:
    """Raises BrokenSource, in words, when the archive is none or cannot be read on."""
    with tempfile.TemporaryFile() as archive:
        storage.download_to(intake.options["key"], archive)
        size = archive.tell()
        read = _zipped if zipfile.is_zipfile(archive) else _tarred
        archive.seek(0)
        yield from read(archive, size)


def _zipped(archive: IO[bytes], size: int) -> Iterator[SourceFile]:
    try:
        opened = zipfile.ZipFile(archive)
    except DAMAGE as error:
        raise BrokenSource("This zip archive cannot be opened. Pack it again and upload it.") from error
    with opened:
        members = opened.infolist()
        _must_be_few(len(members))
        for member in members:
            if member.is_dir() or CLUTTER.search(member.filename):
                continue
            yield SourceFile(member.filename, partial(_unzipped, opened, member), person_of(member.filename))


def _unzipped(opened: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if stat.S_ISLNK(member.external_attr >> 16):
        raise Unreadable("This is a link to another file, and links are not followed. Pack the file itself.")
    if member.flag_bits & 1:
        raise Unreadable("This file is locked with a password. Pack it again without one.")
    if member.file_size > MOST_GROWTH * max(member.compress_size, 1) and member.file_size > MOST_HEADER:
        raise Unreadable(f"This file unpacks to more than {MOST_GROWTH} times its size, which no photo does.")
    try:
        with opened.open(member) as file:
            return read_bounded(file)
    except (*DAMAGE, RuntimeError) as error:
        raise Unreadable("This file is damaged inside the archive. Pack it again.") from error


def _tarred(archive: IO[bytes], size: int) -> Iterator[SourceFile]:
    with _tar(archive) as opened:
        unpacked = 0
        for number, member in enumerate(_members(opened), start=1):
            _must_be_few(number)
            unpacked += member.size
            if unpacked > max(MOST_GROWTH * size, ALWAYS_ALLOWED):
                raise BrokenSource(
                    f"The archive unpacks to more than {MOST_GROWTH} times its size; reading it ended here."
                )
            if member.isdir() or CLUTTER.search(member.name):
                continue
            yield SourceFile(member.name, partial(_untarred, opened, member), person_of(member.name))


def _tar(archive: IO[bytes]) -> tarfile.TarFile:
    try:
        return tarfile.open(fileobj=archive, mode="r|*", tarinfo=_BoundedHeader)
    except DAMAGE as error:
        raise BrokenSource("This is neither a zip nor a tar archive. Pack the photos as one of these.") from error


def _members(opened: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    try:
        while (member := opened.next()) is not None:
            yield member
            opened.members.clear()  # it would keep all of them
    except DAMAGE as error:
        raise BrokenSource(DAMAGED) from error


def _untarred(opened: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if not member.isreg():
        raise Unreadable("This is a link or device, not a file, and is not followed. Pack the file itself.")
    try:
        return read_bounded(opened.extractfile(member))
    except DAMAGE as error:
        raise BrokenSource(DAMAGED) from error


class _BoundedHeader(tarfile.TarInfo):
    """Long names and other notes stand in front of a file as if they were files, and are read whole into memory."""

    @classmethod
    def frombuf(cls, buf, encoding, errors):
        member = super().frombuf(buf, encoding, errors)
        notes = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, *_LONG_NAMES)
        if member.type in notes and member.size > MOST_HEADER:
            raise tarfile.ReadError("Notes about a file are longer than any name can be.")
        return member


_LONG_NAMES = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)


def _must_be_few(count: int) -> None:
    if count > MOST_FILES:
        raise BrokenSource(f"There are more than {MOST_FILES:,} files in the archive. Pack them into several.")


def looks_like_archive(name: str) -> bool:
    return name.lower().endswith((".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz"))
