"""Parquet files with the pictures inside, as Hugging Face's `load_dataset("parquet", …)` reads them: shards of a split.

The types of pictures and classes stand in the schema's metadata. Row groups are small, so that a shard can be streamed.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from datasets.export_options import CROPS, IMAGES, Options
from datasets.formats.hf_features import SPLIT_NAMES, arrow_schema, features, of_crop
from datasets.formats.samples import NO_BOXES, classes_of, columns, face_fields, given_photo, photo_fields, rows_of
from datasets.formats.tables import file_name
from datasets.formats.tarred import is_tar, opened_tar, shards
from datasets.given import BadLabels, GivenPhoto

TITLE = "Hugging Face Parquet (shards with the pictures inside)"
SUFFIX = "parquet"
CONTENTS = ("images", "crops")
PEOPLE = ("attribute", "classes")
ROWS_TOGETHER, BYTES_TOGETHER = 100, 32 * 1024 * 1024
ROWS_READ = 500


def shard_name(split: str, number: int, total: int = 0) -> str:
    return f"{SPLIT_NAMES[split]}-{number:05d}-of-{total:05d}.parquet"


def context(files: dict[str, bytes], info: dict, options: Options) -> dict:
    classes = classes_of(files, options.people)
    schema = arrow_schema(features(classes, is_crops=options.contents == CROPS))
    return {"classes": classes, "schema": schema}


class Shard:
    def __init__(self, file: IO[bytes], split: str, context: dict, options: Options) -> None:
        self._number, self._schema, self._options = context["classes"].number, context["schema"], options
        # Pictures are compressed already, and libraries do not agree on the bytes.
        self._writer = pq.ParquetWriter(file, self._schema, compression="none")
        self._rows: list[dict] = []
        self._bytes = 0

    def add(self, image: dict, faces: list[dict], pictures: list[bytes]) -> None:
        said = [face_fields(face, self._number) for face in faces]
        if self._options.contents == IMAGES:
            self._row(file_name(image), *pictures, {**photo_fields(image), "objects": columns(said)})
        else:
            for place, (face, crop) in enumerate(zip(said, pictures, strict=True), start=1):
                name = f"{image['image_sha256']}-{place:03d}.jpg"
                self._row(name, crop, {**photo_fields(image), **of_crop(face)})

    def _row(self, name: str, picture: bytes, said: dict) -> None:
        self._rows.append({"image": {"bytes": picture, "path": name}, **said})
        self._bytes += len(picture)
        if len(self._rows) == ROWS_TOGETHER or self._bytes > BYTES_TOGETHER:
            self._flush()

    def _flush(self) -> None:
        self._writer.write_table(pa.Table.from_pylist(self._rows, self._schema))
        self._rows, self._bytes = [], 0

    def close(self) -> None:
        if self._rows:
            self._flush()
        self._writer.close()


def read(path: Path) -> Iterator[GivenPhoto]:
    """The photos of a shard, or of a tar with all of them. Raises BadLabels, which says what is wrong where."""
    if not is_tar(path):
        yield from _photos(path, path.name)
        return
    found = 0
    with opened_tar(path) as archive:
        for name, file in shards(archive, ".parquet"):
            found += 1
            yield from _photos(file, name)
    if not found:
        raise BadLabels(f"{path.name} has no Parquet file in it.")


def _photos(source: Path | IO[bytes], name: str) -> Iterator[GivenPhoto]:
    try:
        file = pq.ParquetFile(source)
        if "objects" not in file.schema_arrow.names:
            raise BadLabels(NO_BOXES if "identity_id" in file.schema_arrow.names else f"{name} has no “objects”.")
        wanted = [column for column in file.schema_arrow.names if column != "image"]
        number = 0
        for batch in file.iter_batches(ROWS_READ, columns=wanted):
            for row in batch.to_pylist():
                number += 1
                yield given_photo(row, rows_of(row["objects"]), f"Row {number} of {name}")
    except pa.ArrowException as error:
        raise BadLabels(f"{name} is no Parquet file as Facet writes them: {error}") from None
