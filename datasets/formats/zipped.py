"""Zip archives written as they go out, the same bytes on any machine and day; and read without unpacking anything."""

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

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
            archive.writestr(_entry(name), content)
            yield sink.taken()
    yield sink.taken()


def _entry(name: str) -> zipfile.ZipInfo:
    """Without clock or platform, which would make equal exports differ."""
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Raises BadLabels for what is no archive, or lacks what is asked of it inside."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise BadLabels(f"{path.name} is no zip archive: {error}.") from None
    except KeyError as error:
        raise BadLabels(f"{path.name} is no such export: {error.args[0]}.") from None


def member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Its content. Raises KeyError where there is no such member, BadLabels where it is far too large."""
    if archive.getinfo(name).file_size > MOST_BYTES:
        raise BadLabels(f"“{name}” in the archive is larger than {MOST_BYTES // 1024**3} GB.")
    return archive.read(name)
