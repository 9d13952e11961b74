"""Tar archives, the same bytes on any machine and day; and read forwards without unpacking anything."""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from datasets.given import BadLabels

END = bytes(2 * tarfile.BLOCKSIZE)


def header(name: str, size: int) -> bytes:
    """Without clock or owner, which would make equal files differ."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o644, 0
    return entry.tobuf(tarfile.GNU_FORMAT)


def padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)


def add(file: IO[bytes], name: str, content: bytes) -> None:
    file.write(header(name, len(content)))
    file.write(content)
    file.write(padding(len(content)))


@contextmanager
def opened_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """Raises BadLabels for what is no tar."""
    try:
        with tarfile.open(path, "r:") as archive:
            yield archive
    except tarfile.TarError as error:
        raise BadLabels(f"{path.name} is no whole tar archive: {error}.") from None


def is_tar(path: Path) -> bool:
    return tarfile.is_tarfile(path)


def shards(archive: tarfile.TarFile, ending: str) -> Iterator[tuple[str, IO[bytes]]]:
    """The members of that ending with their content, opened in place."""
    for entry in archive:
        if entry.isreg() and entry.name.endswith(ending):
            yield entry.name, archive.extractfile(entry)
