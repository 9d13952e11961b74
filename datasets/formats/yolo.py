"""YOLO as Ultralytics reads it: a text for each photo, people as classes.

`labels/<split>/<sha256>.txt` goes beside `images/<split>/<sha256>.<ending>`. A photo without a face has an empty text:
a trainer then knows that it was looked at. `photos.csv`, `classes.json`, and `faces.csv` where people are no classes,
say what the format has no place for.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from datasets.formats import photo_list, yolo_of_others
from datasets.formats.classes import Classes, OnlyFaces, meant
from datasets.formats.tables import batches, box_of, counted, file_name, tuples
from datasets.formats.zipped import member, opened, zip_pieces
from datasets.given import BadLabels, GivenFace, GivenPhoto
from datasets.splits import SPLITS
from labelling.models import Who

TITLE = "YOLO (labels as text, zipped)"
SUFFIX = "zip"
CONTENTS = ("labels", "images")
PEOPLE = ("classes", "attribute")
FACES = "faces.csv"
WHO_COLUMNS = ("file", "line", "who", "identity", "identity_id")
CLASSES = "classes.json"
LABELS = re.compile(r"labels/[^/]+/([0-9a-f]{64})\.txt")
# Of the side of a photo. A hundredth of a pixel comes back exactly from photos of up to a million pixels a side.
DIGITS = 10


def write(files: dict[str, bytes], info: dict, counts: dict, people: str = "classes") -> Iterator[bytes]:
    """A zip, piece by piece; fills `counts` with what was really written."""
    yield from zip_pieces(entries(files, info, counts, people))


def entries(files: dict[str, bytes], info: dict, counts: dict, people: str) -> Iterator[tuple[str, bytes]]:
    """With people as an attribute, the only class is “face”, and `faces.csv` says who each line of a text is."""
    classes = Classes(_people(files["faces"])) if people == "classes" else OnlyFaces()
    yield CLASSES, classes.as_json()
    yield "data.yaml", _yaml(classes, info)
    lines, faces = [], []
    for image, mine in counted(files, counts):
        lines.append(photo_list.line(image, picture_name(image)))
        texts = f"labels/{image['split']}/{image['image_sha256']}.txt"
        yield texts, "".join(_line(classes, image, face) for face in mine).encode()
        if people != "classes":
            faces += [_who(texts, number, face) for number, face in enumerate(mine, start=1)]
    if people != "classes":
        yield FACES, photo_list.as_csv(WHO_COLUMNS, faces)
    yield photo_list.NAME, photo_list.as_csv(photo_list.COLUMNS, lines)


def picture_name(image: dict) -> str:
    return f"images/{image['split']}/{file_name(image)}"


def _who(texts: str, line: int, face: dict) -> tuple:
    name = photo_list.cell(face["identity"]) if face["identity"] is not None else ""
    return texts, line, face["who"], name, "" if face["class_id"] is None else face["class_id"]


def _people(faces: bytes) -> set[tuple[int, str]]:
    columns = ["class_id", "identity"]
    return {
        person for batch in batches(faces, columns) for person in set(tuples(batch, *columns)) if person[1] is not None
    }


def _yaml(classes: Classes, info: dict) -> bytes:
    """JSON is YAML too, and its quoting leaves no name a way out."""
    lines = [f"# {info['content_hash']}", "path: ."]
    lines += [f"{split}: images/{split}" for split in SPLITS]
    lines += ["names:", *(f"  {number}: {json.dumps(name)}" for number, name in enumerate(classes.names))]
    return ("\n".join(lines) + "\n").encode()


def _line(classes: Classes, image: dict, face: dict) -> str:
    x, y, w, h = box_of(face)
    shares = ((x + w / 2) / image["width"], (y + h / 2) / image["height"], w / image["width"], h / image["height"])
    return f"{classes.number(face)} " + " ".join(f"{share:.{DIGITS}f}" for share in shares) + "\n"


def read(path: Path) -> Iterator[GivenPhoto]:
    """The photos of `photos.csv`, each with its faces. Raises BadLabels, which says what is wrong where."""
    with opened(path) as archive:
        if not {photo_list.NAME, CLASSES} <= set(archive.namelist()):
            yield from yolo_of_others.read(archive, path.name)
            return
        photos = member(archive, photo_list.NAME)
        try:
            who_is = meant(member(archive, CLASSES))
        except (ValueError, TypeError) as error:
            raise BadLabels(f"{CLASSES} cannot be read: {error}.") from None
        listed = _listed(member(archive, FACES)) if FACES in archive.namelist() else {}
        sides = {photo.sha256: (photo.width, photo.height) for photo in photo_list.given_photos(photos, {})}
        faces = defaultdict(list)
        for name in archive.namelist():
            found = LABELS.fullmatch(name)
            if found:
                faces[found[1]] += _faces(name, member(archive, name), who_is, sides.get(found[1]), listed)
        yield from photo_list.given_photos(photos, faces)


def _listed(data: bytes) -> dict[tuple[str, int], tuple[Who, str | None]]:
    """Who each line of each text is, where their class does not say it. Raises BadLabels."""
    listed = {}
    for number, row in enumerate(photo_list.from_csv(data, FACES, WHO_COLUMNS[:4]), start=2):
        try:
            who = Who(row["who"])
            identity = photo_list.plain(row["identity"]) if who == Who.ASSIGNED else None
            listed[row["file"], int(row["line"])] = who, identity
        except (ValueError, TypeError, AttributeError) as error:
            raise BadLabels(f"Line {number} of {FACES} cannot be read: {error}.") from None
    return listed


def _faces(name: str, data: bytes, who_is: list, sides: tuple[int, int] | None, listed: dict) -> Iterator[GivenFace]:
    if sides is None:
        raise BadLabels(f"{name} belongs to a photo that is not in {photo_list.NAME}.")
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            place, *shares = line.split()
            xc, yc, w, h = (float(share) * side for share, side in zip(shares, sides * 2, strict=True))
            who, identity = listed.get((name, number)) or who_is[int(place)]
        except (ValueError, IndexError) as error:
            raise BadLabels(f"Line {number} of {name} cannot be read: {error}.") from None
        box = tuple(round(side, 2) for side in (xc - w / 2, yc - h / 2, w, h))
        yield GivenFace(box, who, identity if who == Who.ASSIGNED else None)
