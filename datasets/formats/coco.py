"""COCO: one category, “face”; who it is stands in a field of its own, so that mAP keeps its meaning.

Annotation ids start at 1: readers of COCO take id 0 for “no match”. Of files that others wrote, categories are people,
unless there is but one and it says what every face is.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from datasets.formats.tables import box_of, file_name, rows
from datasets.given import BadLabels, GivenFace, GivenPhoto
from datasets.manifest import parse_table
from labelling.models import Who

TITLE = "COCO (one JSON file)"
SUFFIX = "json"


def write(files: dict[str, bytes], info: dict, counts: dict) -> Iterator[bytes]:
    """The export piece by piece, in canonical order; fills `counts` with what was really written."""
    images, faces = parse_table(files["images"]), parse_table(files["faces"])
    counts.update(images=0, faces=0)
    yield b'{"info": ' + _json(info)
    yield b', "categories": [{"id": 1, "name": "face", "supercategory": "person"}]'
    yield b', "images": ['
    ids: dict[str, int] = {}
    for row in rows(images):
        ids[row["image_sha256"]] = len(ids) + 1
        yield (b", " if counts["images"] else b"") + _json(_image(len(ids), row))
        counts["images"] += 1
    yield b'], "annotations": ['
    for row in rows(faces):
        yield (b", " if counts["faces"] else b"") + _json(_annotation(counts["faces"] + 1, ids, row))
        counts["faces"] += 1
    yield b"]}\n"


def _image(number: int, row: dict) -> dict:
    return {
        "id": number,
        "file_name": file_name(row),
        "width": row["width"],
        "height": row["height"],
        "original_name": row["name"],
        "split": row["split"],
    }


def _annotation(number: int, ids: dict[str, int], row: dict) -> dict:
    x, y, w, h = box_of(row)
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


# What a category is called that every face has, whoever it shows.
ANYBODY = {"face", "faces", "head", "person", "people"}
SHA256 = re.compile(r"[0-9a-f]{64}")


def read(path: Path) -> Iterator[GivenPhoto]:
    """The photos of the file in its order, each with its faces. Raises BadLabels, which says what is wrong where."""
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise BadLabels(f"{path.name} is no JSON: {error}.") from None
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        raise BadLabels(f"{path.name} is no COCO file: it has no list of “images”.")
    people = _people(content.get("categories") or [])
    faces = defaultdict(list)
    for number, row in enumerate(content.get("annotations") or [], start=1):
        try:
            faces[row["image_id"]].append(_given_face(row, people))
        except (KeyError, TypeError, ValueError) as error:
            raise BadLabels(f"Annotation {number} of {path.name} cannot be read: {_why(error)}.") from None
    for number, row in enumerate(content["images"], start=1):
        try:
            photo = _given_photo(row, tuple(faces.pop(row["id"], ())))
        except (KeyError, TypeError, ValueError) as error:
            raise BadLabels(f"Image {number} of {path.name} cannot be read: {_why(error)}.") from None
        yield photo
    if faces:
        raise BadLabels(f"{path.name} has annotations of an image {next(iter(faces))!r} that is not among its images.")


def _why(error: Exception) -> str:
    return f"it has no “{error.args[0]}”" if isinstance(error, KeyError) else str(error)


def _people(categories: list) -> dict:
    """Names of people by category id; nobody where the only category is what every face is."""
    names = {row["id"]: str(row["name"]) for row in categories}
    return {} if len(names) == 1 and next(iter(names.values())).casefold() in ANYBODY else names


def _given_photo(row: dict, faces: tuple[GivenFace, ...]) -> GivenPhoto:
    name = str(row["file_name"])
    stem = name.replace("\\", "/").rsplit("/", 1)[-1].split(".", 1)[0]
    sha256 = stem if SHA256.fullmatch(stem) else ""
    return GivenPhoto(sha256, str(row.get("original_name") or name), int(row["width"]), int(row["height"]), faces)


def _given_face(row: dict, people: dict) -> GivenFace:
    x, y, w, h = map(float, row["bbox"])
    name = row["identity"] if "identity" in row else people.get(row.get("category_id"))
    if "who" in row:
        who = Who(row["who"])
    elif name:
        who = Who.ASSIGNED
    else:
        who = Who.IGNORED if row.get("ignore") or row.get("iscrowd") else Who.UNASSIGNED
    return GivenFace((x, y, w, h), who, str(name) if who == Who.ASSIGNED else None)
