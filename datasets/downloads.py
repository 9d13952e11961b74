"""What a finished export is fetched as: its one file, or all of several in one tar that is made as it goes out."""

from collections.abc import Iterator

from datasets.formats.tarred import END, header, padding
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
    sizes = [file["byte_size"] for file in export.all_files]
    length = sum(len(header("", size)) + size + len(padding(size)) for size in sizes) + len(END)
    return length, _tar(export.all_files)


def _tar(files: list[dict]) -> Iterator[bytes]:
    for file in files:
        yield header(file["name"], file["byte_size"])
        yield from storage.stream(file["key"])[1]
        yield padding(file["byte_size"])
    yield END
