"""The list of what changed between two versions: its kinds, and its rows as a table."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from datasets.manifest import FACES

# In this order they are kept and listed: what happened to people first, then to faces, then to photos.
KINDS = {
    "person_merged": "People merged",
    "person_split": "People split off",
    "person_renamed": "People renamed",
    "person_new": "People new",
    "person_gone": "People gone",
    "face_moved": "Faces that are somebody else",
    "face_added": "Faces added",
    "face_removed": "Faces removed",
    "box_changed": "Boxes changed",
    "split_changed": "Faces in another split",
    "photo_added": "Photos added",
    "photo_removed": "Photos removed",
    "photo_split_changed": "Photos in another split",
}
BOX = ("x", "y", "w", "h")
SIDES = ("old", "new")
_SPLIT, _WHO = FACES.field("split").type, FACES.field("who").type
# Of a change of a person `faces` says how many faces it is about, and what belongs to one photo or face is empty.
CHANGES = pa.schema(
    [
        ("kind", pa.dictionary(pa.int8(), pa.string())),
        ("image_sha256", pa.string()),
        ("image_id", pa.int64()),
        ("photo", pa.string()),
        ("face_id", pa.int64()),
        *((f"{side}_class_id", pa.int32()) for side in SIDES),
        *((f"{side}_name", pa.string()) for side in SIDES),
        *((f"{side}_who", _WHO) for side in SIDES),
        *((f"{side}_split", _SPLIT) for side in SIDES),
        *((f"{side}_{edge}", pa.float64()) for side in SIDES for edge in BOX),
        ("iou", pa.float64()),
        ("faces", pa.int32()),
    ],
    metadata={"facet": "changes 1; boxes in upright pixels, origin top left"},
)


@dataclass(frozen=True)
class Tables:
    """The two tables of a version, at least with the columns that are compared."""

    images: pa.Table
    faces: pa.Table


@dataclass(frozen=True)
class Rows:
    """Changes of one kind as numbers of rows in the old and in the new table, null where a side has none."""

    old: pa.Array
    new: pa.Array

    def __len__(self) -> int:
        return len(self.old)

    def where(self, mask: pa.Array) -> "Rows":
        return Rows(self.old.filter(mask), self.new.filter(mask))

    def part(self, start: int, stop: int) -> "Rows":
        return Rows(self.old.slice(start, stop - start), self.new.slice(start, stop - start))


def people_table(kind: str, people: list[dict]) -> pa.Table:
    return pa.Table.from_pylist([{"kind": kind, **person} for person in people], CHANGES)


def photos_table(kind: str, old: Tables, new: Tables, rows: Rows) -> pa.Table:
    before, after = old.images.take(rows.old), new.images.take(rows.new)
    return _table(kind, len(rows), {**_photo(before, after), "old_split": before["split"], "new_split": after["split"]})


def faces_table(kind: str, old: Tables, new: Tables, rows: Rows, photos: Rows) -> pa.Table:
    """`photos`: the row of the photo of each of these faces, on both sides."""
    before, after = old.faces.take(rows.old), new.faces.take(rows.new)
    columns = _photo(old.images.take(photos.old), new.images.take(photos.new))
    columns["face_id"] = pc.coalesce(after["face_id"], before["face_id"])
    for side, faces in zip(SIDES, (before, after), strict=True):
        for name, column in {"class_id": "class_id", "name": "identity", "who": "who", "split": "split"}.items():
            columns[f"{side}_{name}"] = faces[column]
        columns |= {f"{side}_{edge}": faces[edge] for edge in BOX}
    if kind == "box_changed":
        columns["iou"] = iou([before[edge] for edge in BOX], [after[edge] for edge in BOX])
    return _table(kind, len(rows), columns)


def _photo(before: pa.Table, after: pa.Table) -> dict[str, pa.ChunkedArray]:
    """What the new version calls the photo, or the old one where it is gone."""
    columns = {"image_sha256": "image_sha256", "image_id": "image_id", "photo": "name"}
    return {
        name: pc.coalesce(_plain(after[column]), _plain(before[column])) for name, column in columns.items()
    }  # fmt: skip


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _table(kind: str, length: int, columns: dict) -> pa.Table:
    columns["kind"] = pa.array([kind] * length, pa.string())
    filled = [
        _plain(columns[field.name]).cast(field.type) if field.name in columns else pa.nulls(length, field.type)
        for field in CHANGES
    ]
    return pa.Table.from_arrays(filled, schema=CHANGES)


def as_dict(row: dict) -> dict:
    """A row as the API and the command line hand it out: what there is on each side, and nothing empty."""
    change = {"kind": row["kind"]}
    change |= {
        name: row[column]
        for name, column in {
            "face": "face_id", "image": "image_id", "photo": "photo", "image_sha256": "image_sha256",
            "iou": "iou", "faces": "faces",
        }.items()
        if row[column] is not None
    }  # fmt: skip
    for side in SIDES:
        known = {name: row[f"{side}_{name}"] for name in ("name", "class_id", "who", "split")}
        known["box"] = None if row[f"{side}_x"] is None else [row[f"{side}_{edge}"] for edge in BOX]
        change[side] = {name: value for name, value in known.items() if value is not None} or None
    return change


def iou(old: list, new: list):
    """Intersection over union, box by box; each side is columns x, y, w and h, in any unit."""
    (old_x, old_y, old_w, old_h), (new_x, new_y, new_w, new_h) = old, new
    shared = pc.multiply(_overlap(old_x, old_w, new_x, new_w), _overlap(old_y, old_h, new_y, new_h))
    both = pc.add(pc.multiply(old_w, old_h), pc.multiply(new_w, new_h))
    return pc.divide(shared, pc.subtract(both, shared))


def _overlap(start, length, other_start, other_length):
    end = pc.min_element_wise(pc.add(start, length), pc.add(other_start, other_length))
    return pc.max_element_wise(pc.subtract(end, pc.max_element_wise(start, other_start)), 0.0)
