"""The list that goes with folders of crops: which photo and box each file is of, and whom it shows: `crops.csv`.

Folders of crops know neither photos nor boxes. With this list they can be read back as labels.
"""

import re
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

from datasets.formats.photo_list import as_csv, cell, from_csv, plain
from datasets.formats.tables import box_of, counted
from datasets.formats.zipped import member, opened
from datasets.given import BadLabels, GivenFace, GivenPhoto
from labelling.models import Who

NAME = "crops.csv"
COLUMNS = (
    "file", "sha256", "original_name", "width", "height", "x", "y", "w", "h", "identity", "identity_id", "split",
)  # fmt: skip
MOST_LETTERS = 60
_UNSAFE = re.compile(r"[^\w-]+")

Namer = Callable[[dict, list[dict]], list[str]]


def safe_name(name: str) -> str:
    """Letters, digits, `-` and `_`, of any script: what every file system takes. Two names may give the same."""
    return _UNSAFE.sub("_", name).strip("_")[:MOST_LETTERS] or "person"


def crop_list(files: dict[str, bytes], counts: dict, namer: Namer) -> tuple[str, bytes]:
    """The list as a file; `counts` says of how many photos and faces."""
    lines = [
        (
            file, image["image_sha256"], cell(image["name"]), image["width"], image["height"], *box_of(face),
            cell(face["identity"]), face["class_id"], face["split"],
        )
        for image, faces in counted(files, counts)
        for file, face in zip(namer(image, faces), faces, strict=True)
    ]  # fmt: skip
    return NAME, as_csv(COLUMNS, lines)


def read(path: Path) -> Iterator[GivenPhoto]:
    """The photos of the list in its order, each with its faces. Raises BadLabels, which says what is wrong where."""
    with opened(path) as archive:
        if NAME not in archive.namelist():
            raise BadLabels(
                f"{path.name} has no {NAME}: crops without it say nothing about photos and boxes. Of an export in "
                "several files, give the first."
            )
        rows = enumerate(from_csv(member(archive, NAME), NAME, COLUMNS[:10]), start=2)
        for sha256, some in groupby(rows, key=lambda row: row[1]["sha256"]):
            yield _given_photo(sha256, list(some))


def _given_photo(sha256: str, rows: list[tuple[int, dict]]) -> GivenPhoto:
    faces = []
    for number, row in rows:
        try:
            box = tuple(float(row[side]) for side in "xywh")
            sides = int(row["width"]), int(row["height"])
        except (TypeError, ValueError) as error:
            raise BadLabels(f"Line {number} of {NAME} cannot be read: {error}.") from None
        faces.append(GivenFace(box, Who.ASSIGNED, plain(row["identity"])))
    return GivenPhoto(sha256, plain(rows[0][1]["original_name"]), *sides, tuple(faces))
