"""The frozen tables themselves, byte for byte, in one zip beside a note that says what they are."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from datasets.formats.tables import photos, rows
from datasets.formats.zipped import member, opened, zip_pieces
from datasets.given import BadLabels, GivenFace, GivenPhoto
from labelling.models import Who

TITLE = "Parquet (the frozen tables, zipped)"
SUFFIX = "zip"
CONTENTS = ("labels",)
PEOPLE = ("attribute",)
OF_IMAGES = ["image_sha256", "name", "width", "height"]
OF_FACES = ["image_sha256", "x", "y", "w", "h", "who", "identity", "score", "landmarks"]


def write(files: dict[str, bytes], info: dict, counts: dict, people: str = "attribute") -> Iterator[bytes]:
    """One zip; fills `counts` with the rows it holds. The same version gives the same bytes anywhere."""
    counts.update({name: pq.read_metadata(io.BytesIO(data)).num_rows for name, data in files.items()})
    note = json.dumps(info, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    tables = [(f"{name}.parquet", files[name]) for name in sorted(files)]
    yield from zip_pieces([("version.json", note.encode()), *tables])


def read(path: Path) -> Iterator[GivenPhoto]:
    """The photos in canonical order, each with its faces. Raises BadLabels, which says what is wrong where."""
    with opened(path) as archive:
        try:
            images = rows(member(archive, "images.parquet"), OF_IMAGES)
            faces = rows(member(archive, "faces.parquet"), OF_FACES)
            for row, mine in photos(images, faces):
                sides = row["width"], row["height"]
                yield GivenPhoto(row["image_sha256"], row["name"], *sides, tuple(map(_given, mine)))
        except (ValueError, pa.ArrowException) as error:
            if isinstance(error, BadLabels):
                raise
            raise BadLabels(f"{path.name} is not what Facet exports as Parquet: {error}") from None


def _given(row: dict) -> GivenFace:
    box = (row["x"], row["y"], row["w"], row["h"])
    return GivenFace(box, Who(row["who"]), row["identity"], row["score"], row["landmarks"])
