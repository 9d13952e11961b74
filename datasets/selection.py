"""What of a version an export is about: the asked splits, whether with names, and as which files its photos come.

The tables are made anew and handed to the writers, so that no format has to know of any of it.
"""

import io

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets.export_options import LABELS, Options
from datasets.manifest import ROW_GROUP
from datasets.pairs import face_numbers, folder_names
from datasets.splits import SPLITS
from labelling.models import Who
from labelling.shipped import shipped_ending

FORMAT_OF = {"jpg": "JPEG", "png": "PNG"}


def selected(files: dict[str, bytes], options: Options, *, named_only: bool = False) -> dict[str, bytes]:
    """The tables of what goes out; the frozen files themselves where nothing is left out or changed.

    named_only: faces of somebody, and the photos that show one; for formats that know people alone.
    """
    if options.is_plain and options.contents == LABELS and not named_only:
        return files
    images, faces = (pq.read_table(io.BytesIO(files[name]), use_threads=False) for name in ("images", "faces"))
    if options.anonymous:
        images, faces = _without_photo_names(images), _without_names(faces)
    if named_only:
        faces = _with_files(faces)
    images, faces = (_of_splits(table, options.splits) for table in (images, faces))
    if named_only:
        faces = faces.filter(pc.equal(faces["who"].cast(pa.string()), Who.ASSIGNED))
        images = images.filter(pc.is_in(images["image_sha256"], pc.unique(faces["image_sha256"])))
    if options.contents != LABELS:
        images = _with(images, "format", _shipped_formats(images["format"]))
    return {"images": _stored(images), "faces": _stored(faces)}


def of_split(files: dict[str, bytes], split: str) -> dict[str, bytes]:
    """The tables of one split."""
    tables = {name: pq.read_table(io.BytesIO(data), use_threads=False) for name, data in files.items()}
    return {name: _stored(_of_splits(table, (split,))) for name, table in tables.items()}


def counts_of(files: dict[str, bytes]) -> dict[str, int]:
    return {name: pq.read_metadata(io.BytesIO(files[name])).num_rows for name in ("images", "faces")}


def pseudonym(class_id: int) -> str:
    """The same in every version: class ids are given once and never again."""
    return f"person-{class_id:06d}"


def people_of(files: dict[str, bytes]) -> list[dict]:
    """Who is in it, by class id: `name`, `class_id`, `faces`, and how many of those are in each split."""
    faces = pq.read_table(io.BytesIO(files["faces"]), columns=["identity", "class_id", "split"], use_threads=False)
    named = faces.filter(pc.is_valid(faces["identity"]))
    people: dict[int, dict] = {}
    for row in named.group_by(["identity", "class_id", "split"]).aggregate([([], "count_all")]).to_pylist():
        nobody_yet = {"name": row["identity"], "class_id": row["class_id"], "faces": 0, **dict.fromkeys(SPLITS, 0)}
        person = people.setdefault(row["class_id"], nobody_yet)
        person["faces"] += row["count_all"]
        person[row["split"]] += row["count_all"]
    return [people[class_id] for class_id in sorted(people)]


def splits_of(files: dict[str, bytes]) -> dict[str, dict[str, int]]:
    """How many photos and faces are in each split."""
    counts: dict[str, dict[str, int]] = {split: {"images": 0, "faces": 0} for split in SPLITS}
    for name in ("images", "faces"):
        column = pq.read_table(io.BytesIO(files[name]), columns=["split"], use_threads=False)["split"]
        for row in column.cast(pa.string()).value_counts().to_pylist():
            counts[row["values"]][name] = row["counts"]
    return counts


def _of_splits(table: pa.Table, splits: tuple[str, ...]) -> pa.Table:
    return table if splits == SPLITS else table.filter(pc.is_in(table["split"].cast(pa.string()), pa.array(splits)))


def _without_names(faces: pa.Table) -> pa.Table:
    ids = [None if class_id is None else pseudonym(class_id) for class_id in faces["class_id"].to_pylist()]
    return _with(faces, "identity", pa.array(ids, pa.string()))


def _with_files(faces: pa.Table) -> pa.Table:
    """With the `folder` of each face's person and its `number` within, those of the whole version: as pairs have them.

    A face of nobody has no folder.
    """
    names = faces["identity"].to_pylist()
    folders = folder_names(name for name in names if name is not None)
    column = pa.array([folders.get(name) for name in names], pa.string())
    faces = faces.append_column("folder", column)
    return faces.append_column("number", pa.array(face_numbers(faces["identity"]), pa.int64()))


def _shipped_formats(column: pa.ChunkedArray) -> pa.Array:
    """What photos are handed out as, whatever they came as."""
    return pa.array([FORMAT_OF[shipped_ending(name)] for name in column.to_pylist()], pa.string())


def _without_photo_names(images: pa.Table) -> pa.Table:
    """A photo is called by its hash, and sessions by nothing: both are texts that people wrote."""
    names = [f"photo-{sha256[:12]}" for sha256 in images["image_sha256"].to_pylist()]
    images = _with(images, "name", pa.array(names, pa.string()))
    return _with(images, "session", pa.array([""] * len(images), pa.string()))


def _with(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    """With other values in a column, which keeps its type."""
    field = table.schema.field(name)
    return table.set_column(table.schema.get_field_index(name), field, column.cast(field.type))


def _stored(table: pa.Table) -> bytes:
    out = io.BytesIO()
    with pq.ParquetWriter(out, table.schema, compression="zstd") as writer:
        writer.write_table(_fresh(table), row_group_size=ROW_GROUP)
    return out.getvalue()


def _fresh(table: pa.Table) -> pa.Table:
    """The same rows with dictionaries of the values that are still there."""
    columns = [
        column.cast(pa.string()).combine_chunks().cast(column.type) if pa.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    return pa.Table.from_arrays(columns, schema=table.schema)
