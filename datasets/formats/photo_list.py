"""The list of photos that goes with formats which have no place for what a photo is: `photos.csv`."""

import csv
import io
from collections.abc import Iterable, Iterator

from datasets.given import BadLabels, GivenFace, GivenPhoto

NAME = "photos.csv"
COLUMNS = ("sha256", "file", "original_name", "width", "height", "split")
# A cell that begins so is a formula to a spreadsheet; and what begins with the mark itself must keep it.
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "'")


def as_csv(columns: Iterable[str], lines: Iterable[Iterable]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(lines)
    return out.getvalue().encode()


def from_csv(data: bytes, name: str, needed: Iterable[str]) -> Iterator[dict]:
    """Raises BadLabels where a column is missing or the text is no text."""
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        missing = [column for column in needed if column not in (reader.fieldnames or ())]
        if missing:
            raise BadLabels(f"{name} has no column “{missing[0]}”.")
        yield from reader
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadLabels(f"{name} cannot be read: {error}.") from None


def cell(text: str) -> str:
    """Safe to open in a spreadsheet; `plain` takes it back."""
    return f"'{text}" if text.startswith(FORMULAS) else text


def plain(text: str) -> str:
    return text.removeprefix("'")


def line(image: dict, file: str) -> tuple:
    return (image["image_sha256"], file, cell(image["name"]), image["width"], image["height"], image["split"])


def given_photos(data: bytes, faces: dict[str, list[GivenFace]]) -> Iterator[GivenPhoto]:
    """The photos of the list with `faces`, by hash. Raises BadLabels for faces of a photo that is not in it."""
    for number, row in enumerate(from_csv(data, NAME, COLUMNS[:5]), start=2):
        try:
            sides = int(row["width"]), int(row["height"])
        except (TypeError, ValueError) as error:
            raise BadLabels(f"Line {number} of {NAME} cannot be read: {error}.") from None
        yield GivenPhoto(row["sha256"], plain(row["original_name"]), *sides, tuple(faces.pop(row["sha256"], ())))
    if faces:
        raise BadLabels(f"There are faces of a photo {next(iter(faces))} that is not in {NAME}.")
