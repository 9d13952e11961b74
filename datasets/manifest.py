"""The two tables of a version, their canonical order and the hash of their content.

The hash covers what was labelled: photos by content, boxes to a hundredth of a pixel, names and splits.
No database id, clock, file name or path enters it, so equal labels hash equally on any machine.
"""

import hashlib
import io
import json
from functools import cache
from itertools import groupby
from operator import itemgetter

import pyarrow as pa
import pyarrow.parquet as pq

from datasets.models import Version
from labelling import storage

FACES = pa.schema(
    [
        ("image_sha256", pa.string()),
        ("x", pa.float64()),
        ("y", pa.float64()),
        ("w", pa.float64()),
        ("h", pa.float64()),
        ("who", pa.dictionary(pa.int8(), pa.string())),
        ("identity", pa.string()),
        ("class_id", pa.int32()),
        ("split", pa.dictionary(pa.int8(), pa.string())),
        ("origin", pa.dictionary(pa.int8(), pa.string())),
        ("score", pa.float32()),
        ("landmarks", pa.list_(pa.float32())),
        ("face_id", pa.int64()),
    ],
    metadata={"facet": "faces 1; boxes in upright pixels, origin top left"},
)
IMAGES = pa.schema(
    [
        ("image_sha256", pa.string()),
        ("name", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("format", pa.dictionary(pa.int8(), pa.string())),
        ("session", pa.string()),
        ("split", pa.dictionary(pa.int8(), pa.string())),
        ("image_id", pa.int64()),
    ],
    metadata={"facet": "images 1"},
)


def content_hash(images: pa.Table, faces: pa.Table) -> str:
    """sha256 over both tables, which come ordered by image hash; the faces of one image in order of their lines.

    The lines decide, not the rows: boxes that differ by less than the hundredth that counts, or by who is
    in them alone, would else be ordered by what does not count.
    """
    digest = hashlib.sha256(b"facet version 1\n")
    for row in _rows(images, "image_sha256", "width", "height", "split"):
        digest.update(_image_line(*row).encode())
    rows = _rows(faces, "image_sha256", "x", "y", "w", "h", "who", "identity", "split")
    quoted = cache(json.dumps)  # one name stands in many lines
    for _, together in groupby(rows, key=itemgetter(0)):
        digest.update("".join(sorted(_face_line(quoted, *row) for row in together)).encode())
    return digest.hexdigest()


def _rows(table: pa.Table, *columns: str):
    for batch in table.select(columns).to_batches(max_chunksize=20_000):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _image_line(sha256: str, width: int, height: int, split: str) -> str:
    return f"image {sha256} {width} {height} {split}\n"


def _face_line(quoted, sha256: str, x: float, y: float, w: float, h: float, who: str, name, split: str) -> str:
    # + 0.0 turns a negative zero, which equals zero, into what zero is written as.
    return f"face {sha256} {x + 0.0:.2f} {y + 0.0:.2f} {w:.2f} {h:.2f} {who} {quoted(name)} {split}\n"


def write_table(version: Version, name: str, table: pa.Table) -> None:
    """Store the table as Parquet, and set the version's sha256 of that file (unsaved)."""
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd", row_group_size=100_000)
    data = out.getvalue()
    setattr(version, f"{name}_sha256", hashlib.sha256(data).hexdigest())
    storage.put(version.key(name), data, "application/vnd.apache.parquet")


class ManifestBroken(Exception):
    """The stored file is not the one that was frozen."""


def read_table(version: Version, name: str) -> pa.Table:
    """`faces` or `images` of a ready version. Raises ManifestBroken when the bytes are not the frozen ones."""
    return parse_table(read_file(version, name))


def read_columns(version: Version, name: str, columns: list[str]) -> pa.Table:
    """As `read_table`, of these columns only."""
    return pq.read_table(io.BytesIO(read_file(version, name)), columns=columns)


def parse_table(data: bytes) -> pa.Table:
    return pq.read_table(io.BytesIO(data))


def read_file(version: Version, name: str) -> bytes:
    """The Parquet file of `faces` or `images`, byte for byte as frozen. Raises ManifestBroken."""
    try:
        data = storage.get(version.key(name))
    except storage.ObjectMissing as error:
        raise ManifestBroken(f"{name}.parquet of {version} is gone from the object store.") from error
    if hashlib.sha256(data).hexdigest() != getattr(version, f"{name}_sha256"):
        raise ManifestBroken(f"{name}.parquet of {version} is not the file that was frozen.")
    return data
