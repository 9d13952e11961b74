"""COCO: one category, “face”; who it is stands in a field of its own, so that mAP keeps its meaning.

Annotation ids start at 1: readers of COCO take id 0 for “no match”. Of files that others wrote, categories are people,
unless one says what every face is. Others may have zipped theirs.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

from datasets.formats.json_stream import BEGIN, elements
from datasets.formats.labels import meant_by
from datasets.formats.tables import batches, ending_of, file_name, hash_in, rows, tuples
from datasets.formats.zipped import documents, last
from datasets.given import BadLabels, GivenFace, GivenPhoto
from datasets.selection import people_of
from labelling.models import Who

TITLE = "COCO (one JSON file)"
SUFFIX = "json"
LABELS_NAME = "annotations"
CONTENTS = ("labels", "images")
PEOPLE = ("attribute", "classes")
# Of faces without a person. Categories of people follow by their class ids, never by the alphabet.
FACE = 1


def write(files: dict[str, bytes], info: dict, counts: dict, people: str = "attribute") -> Iterator[bytes]:
    """The export piece by piece, in canonical order; fills `counts` with what was really written."""
    counts.update(images=0, faces=0)
    yield b'{"info": ' + _json(info).encode()
    yield b', "categories": [{"id": 1, "name": "face", "supercategory": "person"}'
    if people == "classes":
        yield from _categories(files)
    yield b'], "images": ['
    yield from _listed(_images(files["images"], counts))
    yield b'], "annotations": ['
    yield from _listed(_annotations(files, counts, people))
    yield b"]}\n"


def picture_name(image: dict) -> str:
    return f"images/{file_name(image)}"


def _category_of(class_id: int | None) -> int:
    return FACE if class_id is None else FACE + 1 + class_id


def _categories(files: dict[str, bytes]) -> Iterator[bytes]:
    for person in people_of(files):
        category = {"id": _category_of(person["class_id"]), "name": person["name"], "supercategory": "face"}
        yield b", " + _json(category).encode()


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


def _annotations(files: dict[str, bytes], counts: dict, people: str) -> Iterator[list[str]]:
    columns = ["image_sha256", "x", "y", "w", "h", "who", "identity", "class_id", "split"]
    quoted = cache(_json)  # one name stands in many lines
    image_of = _Numbers(files["images"])
    for batch in batches(files["faces"], columns):
        first = counts["faces"] + 1
        yield [
            _annotation(
                number, image_of(sha256), _category_of(class_id) if people == "classes" else FACE,
                box, who, quoted(name), _json(class_id), split,
            )
            for number, (sha256, *box, who, name, class_id, split) in enumerate(tuples(batch, *columns), first)
        ]  # fmt: skip
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


def _annotation(
    number: int, image: int, category: int, box: list[float], who: str, name: str, class_id: str, split: str
) -> str:
    x, y, w, h = (round(side, 2) for side in box)
    # Faces too small or blurred to judge count neither for nor against a detector.
    ignore = 1 if who == "ignored" else 0
    return (
        f'{{"id": {number}, "image_id": {image}, "category_id": {category}, "bbox": [{x!r}, {y!r}, {w!r}, {h!r}], '
        f'"area": {round(w * h, 2)!r}, "iscrowd": 0, "ignore": {ignore}, "who": "{who}", "identity": {name}, '
        f'"identity_id": {class_id}, "split": "{split}"}}'
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


WITHOUT_A_BOX = "Annotations without a box cannot be taken: only boxes of faces can."


def read(path: Path) -> Iterator[GivenPhoto]:
    """The photos of the file in its order, each with its faces. Raises BadLabels, which says what is wrong where."""
    for name, file in documents(path, _of_boxes):
        # Annotations may come before their photos, and millions of them: they wait in a file without a name.
        with closing(sqlite3.connect("")) as waiting:
            categories = _set_aside(file, name, waiting)
            yield from _photos(name, waiting, categories)


def _of_boxes(names: list[str]) -> list[str]:
    """Of an archive's files; COCO's own come beside others of the same photos, with captions and joints."""
    lists = [name for name in names if name.endswith(".json")]
    return [name for name in lists if last(name).startswith("instances")] or lists


def _set_aside(file, name: str, waiting: sqlite3.Connection) -> dict:
    """Photos and faces go into `waiting`. Gives what the categories mean."""
    waiting.execute("CREATE TABLE photo (number INTEGER PRIMARY KEY, id TEXT, given TEXT)")
    waiting.execute("CREATE TABLE face (photo TEXT, given TEXT)")
    counts, categories = {"images": 0, "annotations": 0, "categories": 0}, {}
    called = {"images": "Image", "annotations": "Annotation", "categories": "Category"}
    lists = set()
    for key, row in elements(file, name):
        if row is BEGIN:
            lists.add(key)
            continue
        if key not in counts or key not in lists:
            continue
        counts[key] += 1
        try:
            if key == "images":
                given = (json.dumps(row["id"]), json.dumps(_image(row)))
                waiting.execute("INSERT INTO photo (id, given) VALUES (?, ?)", given)
            elif key == "annotations":
                given = (json.dumps(row["image_id"]), json.dumps(_said(row)))
                waiting.execute("INSERT INTO face VALUES (?, ?)", given)
            else:
                categories[json.dumps(row["id"])] = meant_by(row["name"])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise BadLabels(f"{called[key]} {counts[key]} of {name} cannot be read: {_why(error)}.") from None
    if "images" not in lists:
        raise BadLabels(f"{name} is no COCO file: it has no list of “images”.")
    return categories


def _photos(name: str, waiting: sqlite3.Connection, categories: dict) -> Iterator[GivenPhoto]:
    waiting.execute("CREATE INDEX face_by_photo ON face (photo)")
    lost = waiting.execute("SELECT photo FROM face WHERE photo NOT IN (SELECT id FROM photo) LIMIT 1").fetchone()
    if lost:
        raise BadLabels(f"{name} has annotations of an image {lost[0]} that is not among its images.")
    twice = waiting.execute("SELECT id FROM photo GROUP BY id HAVING count(*) > 1 LIMIT 1").fetchone()
    if twice:
        raise BadLabels(f"{name} has several images with the id {twice[0]}.")
    for key, photo in waiting.execute("SELECT id, given FROM photo ORDER BY number"):
        said = waiting.execute("SELECT given FROM face WHERE photo = ? ORDER BY rowid", (key,)).fetchall()
        rows = [json.loads(row) for (row,) in said]
        faces = tuple(_face(row, categories) for row in rows if row["box"])
        remarks = (WITHOUT_A_BOX,) * (len(rows) - len(faces))
        yield GivenPhoto(*json.loads(photo), faces, remarks=remarks, is_whole=not remarks)


def _why(error: Exception) -> str:
    return f"it has no “{error.args[0]}”" if isinstance(error, KeyError) else str(error)


def _image(row: dict) -> tuple[str, str, int, int]:
    """sha256, name, width and height."""
    name = str(row["file_name"])
    return hash_in(name), str(row.get("original_name") or name), int(row["width"]), int(row["height"])


def _said(row: dict) -> dict:
    """What counts of an annotation; its outline may be a thousand times as long."""
    box = row.get("bbox")
    if box:
        x, y, w, h = map(float, box)
        box = GivenFace((x, y, w, h), Who.UNASSIGNED).box
    said = {"box": box, "category": json.dumps(row.get("category_id")), "who": "", "name": row.get("identity")}
    if "who" in row:
        said["who"] = Who(row["who"])
    elif said["name"]:
        said["who"] = Who.ASSIGNED
    said["ignore"] = bool(row.get("ignore") or row.get("iscrowd"))
    return said


def _face(said: dict, categories: dict) -> GivenFace:
    who, name = said["who"], said["name"]
    if not who:
        who, name = categories.get(said["category"], (Who.UNASSIGNED, None))
        if who == Who.UNASSIGNED and said["ignore"]:
            who = Who.IGNORED
    return GivenFace(tuple(said["box"]), Who(who), str(name) if who == Who.ASSIGNED else None)
