"""CSV: a line for each face, and a list of the photos, those without a face too. Opens in any spreadsheet."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from datasets.formats import photo_list
from datasets.formats.photo_list import as_csv, cell, from_csv, plain
from datasets.formats.tables import box_of, counted, file_name
from datasets.formats.zipped import member, opened, zip_pieces
from datasets.given import BadLabels, GivenFace, GivenPhoto
from labelling.models import Who

TITLE = "CSV (two tables, zipped)"
SUFFIX = "zip"
CONTENTS = ("labels", "images")
PEOPLE = ("attribute",)
FACES = "faces.csv"
COLUMNS = ("sha256", "x", "y", "w", "h", "who", "identity", "identity_id", "split", "origin", "score", "landmarks")


def write(files: dict[str, bytes], info: dict, counts: dict, people: str = "attribute") -> Iterator[bytes]:
    """A zip, piece by piece; fills `counts` with what was really written."""
    yield from zip_pieces(entries(files, info, counts, people))


def entries(files: dict[str, bytes], info: dict, counts: dict, people: str) -> Iterator[tuple[str, bytes]]:
    photos, faces = [], []
    for image, mine in counted(files, counts):
        photos.append(photo_list.line(image, file_name(image)))
        faces += [_line(face) for face in mine]
    yield FACES, as_csv(COLUMNS, faces)
    yield photo_list.NAME, as_csv(photo_list.COLUMNS, photos)


def picture_name(image: dict) -> str:
    return f"images/{file_name(image)}"


def _line(face: dict) -> tuple:
    score = "" if face["score"] is None else round(face["score"], 4)
    points = " ".join(str(round(value, 2)) for value in face["landmarks"] or ())
    name = cell(face["identity"]) if face["identity"] is not None else ""
    who = (face["who"], name, "" if face["class_id"] is None else face["class_id"])
    return (face["image_sha256"], *box_of(face), *who, face["split"], face["origin"], score, points)


def read(path: Path) -> Iterator[GivenPhoto]:
    """The photos in their order, each with its faces. Raises BadLabels, which says what is wrong where."""
    with opened(path) as archive:
        faces = defaultdict(list)
        for number, row in enumerate(from_csv(member(archive, FACES), FACES, COLUMNS[:7]), start=2):
            try:
                faces[row["sha256"]].append(_given(row))
            except (TypeError, ValueError) as error:
                raise BadLabels(f"Line {number} of {FACES} cannot be read: {error}.") from None
        yield from photo_list.given_photos(member(archive, photo_list.NAME), faces)


def _given(row: dict) -> GivenFace:
    who = Who(row["who"])
    points = [float(value) for value in (row.get("landmarks") or "").split()]
    return GivenFace(
        box=tuple(float(row[side]) for side in ("x", "y", "w", "h")),
        who=who,
        name=plain(row["identity"]) if who == Who.ASSIGNED else None,
        score=float(row["score"]) if row.get("score") else None,
        landmarks=points or None,
    )
