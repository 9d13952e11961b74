"""COCO: one category, “face”; who it is stands in a field of its own, so that mAP keeps its meaning.

Annotation ids start at 1: readers of COCO take id 0 for “no match”.
"""

import json
from collections.abc import Iterator

import pyarrow as pa

from datasets.manifest import parse_table

TITLE = "COCO (one JSON file)"
SUFFIX = "json"
FILE_ENDINGS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}


def write(files: dict[str, bytes], info: dict, counts: dict) -> Iterator[bytes]:
    """The export piece by piece, in canonical order; fills `counts` with what was really written."""
    images, faces = parse_table(files["images"]), parse_table(files["faces"])
    counts.update(images=0, faces=0)
    yield b'{"info": ' + _json(info)
    yield b', "categories": [{"id": 1, "name": "face", "supercategory": "person"}]'
    yield b', "images": ['
    ids: dict[str, int] = {}
    for row in _rows(images):
        ids[row["image_sha256"]] = len(ids) + 1
        yield (b", " if counts["images"] else b"") + _json(_image(len(ids), row))
        counts["images"] += 1
    yield b'], "annotations": ['
    for row in _rows(faces):
        yield (b", " if counts["faces"] else b"") + _json(_annotation(counts["faces"] + 1, ids, row))
        counts["faces"] += 1
    yield b"]}\n"


def _rows(table: pa.Table) -> Iterator[dict]:
    for batch in table.to_batches(max_chunksize=10_000):
        yield from batch.to_pylist()


def _image(number: int, row: dict) -> dict:
    ending = FILE_ENDINGS.get(row["format"], "bin")
    return {
        "id": number,
        "file_name": f"{row['image_sha256']}.{ending}",
        "width": row["width"],
        "height": row["height"],
        "original_name": row["name"],
        "split": row["split"],
    }


def _annotation(number: int, ids: dict[str, int], row: dict) -> dict:
    x, y, w, h = (round(row[side], 2) for side in ("x", "y", "w", "h"))
    return {
        "id": number,
        "image_id": ids[row["image_sha256"]],
        "category_id": 1,
        "bbox": [x, y, w, h],
        "area": round(w * h, 2),
        "iscrowd": 0,
        # Faces too small or blurred to judge count neither for nor against a detector.
        "ignore": 1 if row["who"] == "ignored" else 0,
        "who": row["who"],
        "identity": row["identity"],
        "identity_id": row["class_id"],
        "split": row["split"],
    }


def _json(value: dict) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
