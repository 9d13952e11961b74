"""The two tables of a version, their canonical order and the hash of their content.

The hash covers what was labelled: photos by content, boxes to a hundredth of a pixel, names and splits.
No database id, clock, file name or path enters it, so equal labels hash equally on any machine.
"""

import hashlib
import io
import json
import tempfile
from collections.abc import Iterator
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets.models import Version
from labelling import storage

# Arrow's own allocators keep what they once had. A worker lives for days, beside others.
pa.set_memory_pool(pa.system_memory_pool())

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
        ("sharpness", pa.float32()),
        ("brightness", pa.float32()),
        ("camera", pa.dictionary(pa.int32(), pa.string())),
        ("image_id", pa.int64()),
    ],
    metadata={"facet": "images 2"},
)


# Columns that some versions have besides: the fold of each photo, what each face is for.
FOLD = pa.field("fold", pa.int8())
ROLE = pa.field("role", pa.dictionary(pa.int8(), pa.string()))

OF_IMAGES = ["image_sha256", "width", "height", "split"]
OF_FACES = ["image_sha256", "who", "identity", "split", "x", "y", "w", "h"]
LINES_AT_ONCE = 50_000
ROW_GROUP = 100_000


def content_hash(images: pa.Table, faces: pa.Table) -> str:
    """sha256 over both tables, which come ordered by image hash; the faces of one image in order of their lines.

    The lines decide, not the rows: boxes that differ by less than the hundredth that counts, or by who is
    in them alone, would else be ordered by what does not count. A fold or a role is a last word of its line, where
    the tables have them: what has none hashes as it did before there were any.
    """
    digest = hashlib.sha256(b"facet version 1\n")
    for batch in images.select(_there(images, OF_IMAGES, FOLD)).to_batches(max_chunksize=LINES_AT_ONCE):
        digest.update(_text(_image_lines(batch)))
    for part in _whole_photos(faces.select(_there(faces, OF_FACES, ROLE))):
        lines = _face_lines(part)
        digest.update(_text(lines.take(pc.sort_indices(lines))))  # each begins with its photo's hash
    return digest.hexdigest()


def line_digests(version: Version) -> np.ndarray:
    """A number for each line that the content hash is made of, sorted, shape (photos and faces,) uint64.

    Eight bytes of a line's BLAKE2: of a million lines no two different ones are equal but once in 30 million versions.
    Raises ManifestBroken.
    """
    found = [np.empty(0, np.uint64)]
    for batch in column_batches(version, "images", OF_IMAGES, FOLD.name):
        found.append(_digests(_image_lines(batch)))
    for batch in column_batches(version, "faces", OF_FACES, ROLE.name):
        found.append(_digests(_face_lines(batch)))
    digests = np.concatenate(found)
    digests.sort()
    return digests


def _digests(lines: pa.StringArray) -> np.ndarray:
    short = b"".join(hashlib.blake2b(line, digest_size=8).digest() for line in lines.cast(pa.binary()).to_pylist())
    return np.frombuffer(short, np.uint64)


def _there(table: pa.Table, columns: list[str], more: pa.Field) -> list[str]:
    return [*columns, more.name] if more.name in table.column_names else columns


def _whole_photos(faces: pa.Table) -> Iterator[pa.RecordBatch]:
    """The rows in parts; no photo's faces are in two of them."""
    start = 0
    while start < faces.num_rows:
        end = min(start + LINES_AT_ONCE, faces.num_rows)
        if end < faces.num_rows:
            last = faces["image_sha256"][end - 1]
            while end < faces.num_rows and faces["image_sha256"][end] == last:
                end += 1
        (part,) = faces.slice(start, end - start).combine_chunks().to_batches()
        yield part
        start = end


def _image_lines(images: pa.RecordBatch) -> pa.StringArray:
    """`image <sha256> <width> <height> <split>`, and the fold where there is one"""
    return pc.binary_join_element_wise("image", *map(_strings, images.columns), " ")


def _face_lines(faces: pa.RecordBatch) -> pa.StringArray:
    """`face <sha256> <x> <y> <w> <h> <who> <name in JSON, or null> <split>`, and the role, or a dash for none"""
    sha256, who, identity, split = map(_strings, faces.columns[:4])
    boxes = [_hundredths(side) for side in faces.columns[4:8]]
    roles = [pc.fill_null(_strings(role), "-") for role in faces.columns[8:]]
    return pc.binary_join_element_wise("face", sha256, *boxes, who, _quoted(identity), split, *roles, " ")


def _strings(column: pa.Array) -> pa.StringArray:
    return column.cast(pa.string())


def _quoted(names: pa.StringArray) -> pa.StringArray:
    """In JSON, each name once: one stands in many lines."""
    encoded = names.dictionary_encode()
    quoted = pa.array([json.dumps(name) for name in encoded.dictionary.to_pylist()], pa.string())
    return pc.fill_null(quoted.take(encoded.indices), "null")


def _hundredths(column: pa.Array) -> pa.StringArray:
    """As `f"{value:.2f}"` writes them, without a minus before a zero."""
    values = column.to_numpy() + 0.0  # a negative zero, which equals zero, becomes what zero is written as
    hundreds = np.rint(values * 100)
    if not _are_plain(values, hundreds):
        return pa.array([f"{value:.2f}" for value in values.tolist()], pa.string())
    whole, rest = np.divmod(hundreds.astype(np.int64), 100)
    return pc.binary_join_element_wise(_strings(pa.array(whole)), _two_digits().take(pa.array(rest)), ".")


@cache
def _two_digits() -> pa.StringArray:
    """Made when first needed: making any array has Arrow look for pandas, which takes half a second where it is."""
    return pa.array([f"{number:02}" for number in range(100)], pa.string())


def _are_plain(values: np.ndarray, hundreds: np.ndarray) -> bool:
    """Whole hundredths above zero, as boxes are stored: these need no rounding, on which two ways might not agree."""
    return bool((values >= 0).all() and (np.abs(values * 100 - hundreds) < 1e-6).all() and (hundreds < 1e15).all())


def _text(lines: pa.StringArray) -> bytes:
    """Each line with its end, one after the other."""
    ended = pc.binary_join_element_wise(lines, "", "\n")
    first, last = ended.offset, ended.offset + len(ended)
    starts = np.frombuffer(ended.buffers()[1], np.int32)
    return memoryview(ended.buffers()[2])[starts[first] : starts[last]] if len(ended) else b""


def give_memory_back() -> None:
    """What Arrow has let go of goes back to the system, before the next large thing is made."""
    pa.default_memory_pool().release_unused()


def write_table(version: Version, name: str, table: pa.Table) -> None:
    """Store the table as Parquet, and set the version's sha256 of that file (unsaved)."""
    schema = {"images": IMAGES, "faces": FACES}[name]
    for more in (FOLD, ROLE):
        schema = schema.append(more) if more.name in table.column_names else schema
    give_memory_back()
    with tempfile.NamedTemporaryFile(prefix="facet-table-") as file:
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for start in range(0, max(table.num_rows, 1), ROW_GROUP):
                writer.write_table(table.slice(start, ROW_GROUP).cast(schema), row_group_size=ROW_GROUP)
        file.seek(0)
        setattr(version, f"{name}_sha256", hashlib.file_digest(file, "sha256").hexdigest())
        storage.upload_file(version.key(name), file.name)


class ManifestBroken(Exception):
    """The stored file is not the one that was frozen."""


def read_table(version: Version, name: str) -> pa.Table:
    """`faces` or `images` of a ready version. Raises ManifestBroken when the bytes are not the frozen ones."""
    return parse_table(read_file(version, name))


def read_columns(version: Version, name: str, columns: list[str]) -> pa.Table:
    """As `read_table`, of these columns only."""
    return pq.read_table(io.BytesIO(read_file(version, name)), columns=columns, use_threads=False)


def column_batches(version: Version, name: str, columns: list[str], *more: str) -> Iterator[pa.RecordBatch]:
    """As `read_columns`, a part at a time; the file itself is on disk meanwhile, and not in memory.

    more: columns that the version may have.
    """
    with tempfile.TemporaryFile(prefix="facet-table-") as file:
        digest = hashlib.sha256()
        try:
            _, pieces = storage.stream(version.key(name))
        except storage.ObjectMissing as error:
            raise _gone(version, name) from error
        for piece in pieces:
            digest.update(piece)
            file.write(piece)
        if digest.hexdigest() != getattr(version, f"{name}_sha256"):
            raise _another(version, name)
        file.seek(0)
        stored = pq.ParquetFile(file)
        there = [name for name in more if name in stored.schema_arrow.names]
        yield from stored.iter_batches(LINES_AT_ONCE, columns=[*columns, *there], use_threads=False)


def parse_table(data: bytes) -> pa.Table:
    return pq.read_table(io.BytesIO(data))


def read_file(version: Version, name: str) -> bytes:
    """The Parquet file of `faces` or `images`, byte for byte as frozen. Raises ManifestBroken."""
    try:
        data = storage.get(version.key(name))
    except storage.ObjectMissing as error:
        raise _gone(version, name) from error
    if hashlib.sha256(data).hexdigest() != getattr(version, f"{name}_sha256"):
        raise _another(version, name)
    return data


def _gone(version: Version, name: str) -> ManifestBroken:
    return ManifestBroken(f"{name}.parquet of {version} is gone from the object store.")


def _another(version: Version, name: str) -> ManifestBroken:
    return ManifestBroken(f"{name}.parquet of {version} is not the file that was frozen.")
