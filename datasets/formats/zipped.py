"""Zip archives written as they go out, the same bytes on any machine and day; and read without unpacking anything."""

import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from datasets.given import BadLabels

# A member that says it is larger is no list of labels.
MOST_BYTES = 2 * 1024**3


class _Sink:
    """What was written and not yet handed on. It cannot be sought in, so the archive is written forwards only."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        pass

    def taken(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


def zip_pieces(entries: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """An archive of these names and contents, piece by piece. Not compressed: libraries do not agree on the bytes."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries:
            archive.writestr(entry_of(name), content)
            yield sink.taken()
    yield sink.taken()


def entry_of(name: str) -> zipfile.ZipInfo:
    """Without clock or platform, which would make equal exports differ."""
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry


@contextmanager
def opened(path: Path | IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """Raises BadLabels for what is no archive, or lacks what is asked of it inside."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise BadLabels(f"{path.name} is no zip archive: {error}.") from None
    except KeyError as error:
        raise BadLabels(f"{path.name} is no such export: {error.args[0]}.") from None
    except (zlib.error, EOFError, NotImplementedError, RuntimeError) as error:  # damaged, of an odd kind, encrypted
        if isinstance(error, RecursionError):
            raise
        raise BadLabels(f"{path.name} cannot be unpacked: {error}.") from None


def member(archive: zipfile.ZipFile, name: str, most: int = MOST_BYTES) -> bytes:
    """Its content. Raises KeyError where there is no such member, BadLabels where it is far too large."""
    if archive.getinfo(name).file_size > most:  # no more than it says is ever read
        raise BadLabels(f"“{name[:200]}” in the archive is larger than {most // 1024**2:,} MB, too large for labels.")
    return archive.read(name)


def names_in(archive: zipfile.ZipFile) -> list[str]:
    """Of its files in order, without what systems add of their own. A name is only ever a name, never a path here."""
    names = {info.filename for info in archive.infolist() if not info.is_dir()}
    return sorted(name for name in names if not name.startswith("__MACOSX/") and not last(name).startswith("."))


def last(name: str) -> str:
    """The file's name without its folders."""
    return name.replace("\\", "/").rsplit("/", 1)[-1]


def documents(path: Path, chosen: Callable[[list[str]], list[str]]) -> Iterator[tuple[str, BinaryIO]]:
    """The file itself, open; or of an archive, each member that is chosen. Raises BadLabels where none is."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            yield path.name, file
        return
    with opened(path) as archive:
        names = chosen(names_in(archive))
        if not names:
            raise BadLabels(f"{path.name} is an archive without a file of labels in this format.")
        for name in names:
            with archive.open(name) as file:
                yield name[:200], file
