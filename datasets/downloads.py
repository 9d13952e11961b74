"""What a finished export is fetched as: its one file, or all of several in one tar that is made as it goes out."""

import tarfile
from collections.abc import Iterator

from datasets.models import Export
from labelling import storage


def download_name(export: Export) -> str:
    data = export.data_files
    ending = data[0]["key"].rsplit(".")[-1] if len(data) == 1 else "tar"
    return f"{export.version.project.slug}-v{export.version.number}-{export.format}.{ending}"


def stream_all(export: Export) -> tuple[int, Iterator[bytes]]:
    """Length and content of the file with all data. Raises ObjectMissing before the first byte is asked for."""
    data = export.data_files
    if len(data) == 1:
        return storage.stream(data[0]["key"])
    for file in export.all_files:
        storage.look_at(file["key"])
    length = sum(tarfile.BLOCKSIZE + _padded(file["byte_size"]) for file in export.all_files)
    return length + 2 * tarfile.BLOCKSIZE, _tar(export.all_files)


def tar_header(name: str, size: int) -> bytes:
    """Without clock or owner, which would make equal files differ."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o644, 0
    return entry.tobuf(tarfile.USTAR_FORMAT)


def _tar(files: list[dict]) -> Iterator[bytes]:
    for file in files:
        yield tar_header(file["name"], file["byte_size"])
        yield from storage.stream(file["key"])[1]
        yield bytes(_padded(file["byte_size"]) - file["byte_size"])
    yield bytes(2 * tarfile.BLOCKSIZE)


def _padded(size: int) -> int:
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
