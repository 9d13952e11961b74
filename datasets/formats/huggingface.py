"""A folder as Hugging Face's `load_dataset("imagefolder", data_dir=…)` reads it.

`train/metadata.jsonl` beside the pictures has a line for each of them, those with faces first: that library guesses the
columns' types from the beginning, and wants the same of each split. Where a split has no face to guess from, the lines
are a Parquet file instead, which says its types.
"""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from datasets.export_options import CROPS
from datasets.formats import hf_features
from datasets.formats.crop_list import Namer
from datasets.formats.samples import NO_BOXES, classes_of, columns, face_fields, given_photo, photo_fields, rows_of
from datasets.formats.tables import counted, file_name
from datasets.formats.zipped import member, opened
from datasets.given import BadLabels, GivenPhoto
from datasets.selection import of_split, splits_of
from datasets.splits import SPLITS

TITLE = "Hugging Face folder (pictures and metadata.jsonl)"
SUFFIX = "zip"
CONTENTS = ("images", "crops")
PEOPLE = ("attribute", "classes")
METADATA = ("metadata.jsonl", "metadata.parquet")
ROWS_READ = 1000


def entries(
    files: dict[str, bytes], info: dict, counts: dict, people: str
) -> Iterator[tuple[str, bytes | Iterator[bytes]]]:
    classes, is_crops = classes_of(files, people), info.get("options", {}).get("contents") == CROPS
    found = splits_of(files)
    splits = [split for split in SPLITS if found[split]["faces" if is_crops else "images"]]
    counts.update(images=0, faces=0)
    yield "README.md", hf_features.readme(info, splits)
    yield "classes.json", classes.as_json()
    for split in splits:
        rows = _rows(of_split(files, split), counts, classes.number, is_crops)
        if all(found[one]["faces"] for one in splits):
            yield f"{_folder(split)}/{METADATA[0]}", rows
        else:
            yield f"{_folder(split)}/{METADATA[1]}", _table(rows, hf_features.features(classes, is_crops=is_crops))
    counts["images"] = sum(of["images"] for of in found.values()) if is_crops else counts["images"]


def _table(lines: Iterator[bytes], features: dict) -> bytes:
    columns = {"file_name": {"dtype": "string", "_type": "Value"}, **features}
    del columns["image"]
    out = io.BytesIO()
    table = pa.Table.from_pylist([json.loads(line) for line in lines], hf_features.arrow_schema(columns))
    pq.write_table(table, out, compression="none")
    return out.getvalue()


def picture_name(image: dict) -> str:
    return f"{_folder(image['split'])}/{file_name(image)}"


def crop_names(files: dict[str, bytes]) -> Namer:
    return lambda image, faces: [
        f"{_folder(image['split'])}/{_crop(image, place)}" for place, _ in enumerate(faces, start=1)
    ]


def _crop(image: dict, place: int) -> str:
    return f"{image['image_sha256']}-{place:03d}.jpg"


def _folder(split: str) -> str:
    return hf_features.SPLIT_NAMES[split]


def _rows(files: dict[str, bytes], counts: dict, number, is_crops: bool) -> Iterator[bytes]:
    """A line for each picture; `counts` grows by what went by."""
    for with_faces in (True, False):
        for image, faces in counted(files, {}):
            if bool(faces) != with_faces:
                continue
            counts["images"] += 1
            counts["faces"] += len(faces)
            said = [face_fields(face, number) for face in faces]
            if not is_crops:
                yield _line({"file_name": file_name(image), **photo_fields(image), "objects": columns(said)})
                continue
            for place, face in enumerate(said, start=1):
                yield _line({"file_name": _crop(image, place), **photo_fields(image), **hf_features.of_crop(face)})


def _line(row: dict) -> bytes:
    return (json.dumps(row, ensure_ascii=False) + "\n").encode()


def read(path: Path) -> Iterator[GivenPhoto]:
    """The photos of each split, with their faces. Raises BadLabels, which says what is wrong where."""
    with opened(path) as archive:
        names = sorted(name for name in archive.namelist() if name.rsplit("/", 1)[-1] in METADATA)
        if not names:
            raise BadLabels(f"{path.name} has no {METADATA[0]}. Of an export in several files, give the first.")
        for name in names:
            rows = _from_lines if name.endswith(METADATA[0]) else _from_table
            for number, row in enumerate(rows(member(archive, name), name), start=1):
                yield _given(row, f"Line {number} of {name}")


def _from_lines(data: bytes, name: str) -> Iterator[dict]:
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            yield json.loads(line)
        except ValueError as error:
            raise BadLabels(f"Line {number} of {name} is no JSON: {error}.") from None


def _from_table(data: bytes, name: str) -> Iterator[dict]:
    try:
        for batch in pq.ParquetFile(io.BytesIO(data)).iter_batches(ROWS_READ):
            yield from batch.to_pylist()
    except pa.ArrowException as error:
        raise BadLabels(f"{name} is no Parquet file: {error}") from None


def _given(row: dict, where: str) -> GivenPhoto:
    if isinstance(row, dict) and "objects" not in row and "identity_id" in row:
        raise BadLabels(NO_BOXES)
    try:
        faces = rows_of(row["objects"])
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise BadLabels(f"{where} has no list of “objects”: {error}.") from None
    return given_photo(row, faces, where)
