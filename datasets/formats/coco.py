"""COCO: one category, “face”; who it is stands in a field of its own, so that mAP keeps its meaning.

Annotation ids start at 1: readers of COCO take id 0 for “no match”. Of files that others wrote, categories are people,
unless there is but one and it says what every face is.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from datasets.formats.tables import batches, ending_of, hash_in, rows, tuples
from datasets.given import BadLabels, GivenFace, GivenPhoto
from labelling.models import Who

TITLE = "COCO (one JSON file)"
SUFFIX = "json"


def write(files: dict[str, bytes], info: dict, counts: dict) -> Iterator[bytes]:
    """The export piece by piece, in canonical order; fills `counts` with what was really written."""
    counts.update(images=0, faces=0)
    yield b'{"info": ' + _json(info).encode()
    yield b', "categories": [{"id": 1, "name": "face", "supercategory": "person"}]'
    yield b', "images": ['
    yield from _listed(_images(files["images"], counts))
    yield b'], "annotations": ['
    yield from _listed(_annotations(files, counts))
    yield b"]}\n"


def _listed(parts: Iterator[list[str]]) -> Iterator[bytes]:
    """The texts of all parts with commas between them."""
    before = ""
    for part in parts:
        yield (before + ", ".join(part)).encode()
        before = ", "


# Texts are written as they are: a dictionary for each of a million faces takes most of a minute.
def _images(data: bytes, counts: dict) -> Iterator[list[str]]:
    for batch in batches(data, ["image_sha256", "name", "width", "height", "format", "split"]):
        first = counts["images"] + 1
        columns = tuples(batch, "image_sha256", "name", "width", "height", "format", "split")
        yield [
            f'{{"id": {number}, "file_name": "{sha256}.{ending_of(format_name)}", "width": {width}, "height": {height}'
            f', "original_name": {_json(name)}, "split": "{split}"}}'
            for number, (sha256, name, width, height, format_name, split) in enumerate(columns, first)
        ]
        counts["images"] += len(batch)


def _annotations(files: dict[str, bytes], counts: dict) -> Iterator[list[str]]:
    columns = ["image_sha256", "x", "y", "w", "h", "who", "identity", "class_id", "split"]
    quoted = cache(_json)  # one name stands in many lines
    image_of = _Numbers(files["images"])
    for batch in batches(files["faces"], columns):
        first = counts["faces"] + 1
        yield [
            _annotation(number, image_of(sha256), box, who, quoted(name), _json(class_id), split)
            for number, (sha256, *box, who, name, class_id, split) in enumerate(tuples(batch, *columns), first)
        ]
        counts["faces"] += len(batch)


class _Numbers:
    """The number of a photo by its hash, asked in the order in which the photos come."""

    def __init__(self, images: bytes) -> None:
        self._shas = enumerate((row["image_sha256"] for row in rows(images, ["image_sha256"])), start=1)
        self._number, self._sha256 = 0, ""

    def __call__(self, sha256: str) -> int:
        while self._sha256 != sha256:
            self._number, self._sha256 = next(self._shas)
        return self._number


def _annotation(number: int, image: int, box: list[float], who: str, name: str, class_id: str, split: str) -> str:
    x, y, w, h = (round(side, 2) for side in box)
    # Faces too small or blurred to judge count neither for nor against a detector.
    ignore = 1 if who == "ignored" else 0
    return (
        f'{{"id": {number}, "image_id": {image}, "category_id": 1, "bbox": [{x!r}, {y!r}, {w!r}, {h!r}], '
        f'"area": {round(w * h, 2)!r}, "iscrowd": 0, "ignore": {ignore}, "who": "{who}", "identity": {name}, '
        f'"identity_id": {class_id}, "split": "{split}"}}'
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


# What a category is called that every face has, whoever it shows.
ANYBODY = {"face", "faces", "head", "person", "people"}


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
    sha256 = hash_in(name)
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
