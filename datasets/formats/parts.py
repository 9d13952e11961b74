"""How an export with pictures is cut into files: archives that unzip into one folder, or shards of a split each.

A part is open in a temporary file; whoever fills it says when it is large enough. What a part holds depends on nothing
but the photos in it and where it begins, so that one which is made again has the same bytes.
"""

import zipfile
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import IO, Protocol

from datasets.export_options import CROPS, Options
from datasets.formats.tables import photos, rows
from datasets.formats.zipped import entry_of
from datasets.selection import of_split


class Part(Protocol):
    def add(self, image: dict, faces: list[dict], pictures: list[bytes]) -> None: ...

    def close(self) -> None: ...


class Parts(Protocol):
    """suffix: of each part's name. groups: what may not share a part, each with its tables."""

    suffix: str

    def groups(self) -> Iterator[tuple[str, dict[str, bytes]]]: ...

    def name(self, group: str, number: int) -> str: ...

    def begin(self, file: IO[bytes], group: str, number: int) -> Part: ...

    def last_name(self, file: dict, all_files: list[dict]) -> str:
        """What a part is called once it is known how many there are."""

    def pass_by(self, image: dict, faces: list[dict]) -> None:
        """A photo that is in a part which is stored already."""


class Tree:
    """Archives of one folder: the first begins with the labels, and each goes on with the pictures."""

    suffix = "zip"

    def __init__(self, name: str, writer: ModuleType, files: dict, info: dict, options: Options) -> None:
        self._name, self._writer, self._files, self._info, self._options = name, writer, files, info, options
        self._names = writer.crop_names(files) if options.contents == CROPS else _photo_name(writer)
        self.counts: dict = {}

    def groups(self) -> Iterator[tuple[str, dict[str, bytes]]]:
        yield "", self._files

    def name(self, group: str, number: int) -> str:
        return f"{self._name}-{number:05d}.zip"

    def begin(self, file: IO[bytes], group: str, number: int) -> Part:
        part = _Archive(file, self._names)
        if number == 0:
            for name, content in labels_of(self._writer, self._files, self._info, self.counts, self._options):
                part.write(name, content)
        return part

    def last_name(self, file: dict, all_files: list[dict]) -> str:
        return file["name"]

    def pass_by(self, image: dict, faces: list[dict]) -> None:
        self._names(image, faces)


class Shards:
    """Files of one split each, in which a sample is whole."""

    def __init__(self, name: str, writer: ModuleType, files: dict, info: dict, options: Options) -> None:
        self._writer, self._files, self._options = writer, files, options
        self._context = writer.context(files, info, options)
        self.suffix = writer.SUFFIX

    def groups(self) -> Iterator[tuple[str, dict[str, bytes]]]:
        for split in self._options.splits:
            yield split, of_split(self._files, split)

    def name(self, group: str, number: int) -> str:
        return self._writer.shard_name(group, number)

    def begin(self, file: IO[bytes], group: str, number: int) -> Part:
        return self._writer.Shard(file, group, self._context, self._options)

    def last_name(self, file: dict, all_files: list[dict]) -> str:
        mine = [one["key"] for one in all_files if one["group"] == file["group"]]
        return self._writer.shard_name(file["group"], mine.index(file["key"]), len(mine))

    def pass_by(self, image: dict, faces: list[dict]) -> None:
        pass


def parts_of(name: str, writer: ModuleType, files: dict, info: dict, options: Options) -> Parts:
    return (Shards if hasattr(writer, "Shard") else Tree)(name, writer, files, info, options)


def labels_of(writer: ModuleType, files: dict, info: dict, counts: dict, options: Options) -> Iterator[tuple]:
    """The files of labels that lie beside the pictures, each with its bytes or the pieces of them."""
    if hasattr(writer, "entries"):
        yield from writer.entries(files, info, counts, options.people)
    else:
        yield f"{writer.LABELS_NAME}.{writer.SUFFIX}", writer.write(files, info, counts, options.people)


def each_photo(files: dict[str, bytes]) -> Iterator[tuple[dict, list[dict]]]:
    return photos(rows(files["images"]), rows(files["faces"]))


def _photo_name(writer: ModuleType):
    return lambda image, faces: [writer.picture_name(image)]


class _Archive:
    def __init__(self, file: IO[bytes], names) -> None:
        self._archive, self._names = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED), names

    def write(self, name: str, content: bytes | Iterable[bytes]) -> None:
        if isinstance(content, bytes):
            self._archive.writestr(entry_of(name), content)
            return
        with self._archive.open(entry_of(name), "w", force_zip64=True) as member:
            for piece in content:
                member.write(piece)

    def add(self, image: dict, faces: list[dict], pictures: list[bytes]) -> None:
        for name, picture in zip(self._names(image, faces), pictures, strict=True):
            self.write(name, picture)

    def close(self) -> None:
        self._archive.close()
