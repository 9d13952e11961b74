"""The frozen tables themselves, byte for byte, in one zip beside a note that says what they are."""

import io
import json
import zipfile
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pyarrow as pa

from datasets.given import BadLabels, GivenFace, GivenPhoto
from datasets.manifest import parse_table
from labelling.models import Who

TITLE = "Parquet (the frozen tables, zipped)"
SUFFIX = "zip"


def write(files: dict[str, bytes], info: dict, counts: dict) -> Iterator[bytes]:
    """One zip; fills `counts` with the rows it holds. The same version gives the same bytes anywhere."""
    counts.update({name: parse_table(data).num_rows for name, data in files.items()})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        note = json.dumps(info, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        archive.writestr(_entry("version.json"), note.encode())
        for name in sorted(files):
            archive.writestr(_entry(f"{name}.parquet"), files[name])
    yield out.getvalue()


READ_AT_ONCE = 10_000


def read(path: Path) -> Iterator[GivenPhoto]:
    """The photos in canonical order, each with its faces. Raises BadLabels, which says what is wrong where."""
    images, faces = _tables(path)
    by_photo = groupby(_rows(faces), key=itemgetter("image_sha256"))
    sha256, together = next(by_photo, (None, ()))
    for row in _rows(images):
        given = ()
        if row["image_sha256"] == sha256:
            given = tuple(_given_face(face) for face in together)
            sha256, together = next(by_photo, (None, ()))
        yield GivenPhoto(row["image_sha256"], row["name"], row["width"], row["height"], given)
    if sha256 is not None:
        raise BadLabels(f"{path.name} has faces of a photo {sha256} that is not among its images, or not in order.")


def _tables(path: Path) -> tuple[pa.Table, pa.Table]:
    try:
        with zipfile.ZipFile(path) as archive:
            tables = [parse_table(archive.read(f"{name}.parquet")) for name in ("images", "faces")]
        return tables[0].select(OF_IMAGES), tables[1].select(OF_FACES)
    except (zipfile.BadZipFile, KeyError, pa.ArrowException) as error:
        raise BadLabels(f"{path.name} is not what Facet exports as Parquet: {error}.") from None


OF_IMAGES = ["image_sha256", "name", "width", "height"]
OF_FACES = ["image_sha256", "x", "y", "w", "h", "who", "identity", "score", "landmarks"]


def _rows(table: pa.Table) -> Iterator[dict]:
    for batch in table.to_batches(max_chunksize=READ_AT_ONCE):
        yield from batch.to_pylist()


def _given_face(row: dict) -> GivenFace:
    box = (row["x"], row["y"], row["w"], row["h"])
    return GivenFace(box, Who(row["who"]), row["identity"], row["score"], row["landmarks"])


def _entry(name: str) -> zipfile.ZipInfo:
    """Without clock or platform, which would make equal exports differ."""
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry
