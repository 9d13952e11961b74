"""What changed between two versions of one project, found in their Parquet tables.

A face is the same face when both its `face_id` and the sha256 of its photo are the same. Both versions come from one
database, where these never change; nothing else is tried, so a box that was deleted and drawn again counts as one
face removed and another added. A person is the same person when the class id is: that is given once and never
reused, whatever the name. A box has changed when it differs by the hundredth of a pixel that the content hash sees.

All of it is done on whole columns. Of each kind of change the numbers of its rows are kept, and `Difference.rows`
makes only that part of the list that is looked at, so that a long list costs no memory.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets.changes import BOX, CHANGES, KINDS, Rows, Tables, faces_table, iou, people_table, photos_table
from datasets.manifest import read_file
from datasets.models import Version
from datasets.people_diff import Person, people_changes
from labelling.models import Who

# What is compared; landmarks, scores and origins are no part of the content.
_IMAGES = ("image_sha256", "name", "split", "image_id")
_FACES = ("image_sha256", *BOX, "who", "identity", "class_id", "split", "face_id")
# Faces without a name are compared as if these were their people: -1, -2, -3.
_NAMELESS = (Who.UNASSIGNED, Who.UNKNOWN, Who.IGNORED)


@dataclass(frozen=True)
class Difference:
    """`summary`: plain values, counts of each kind among them. `rows` gives any part of the list of a kind."""

    summary: dict
    make_rows: dict[str, Callable[[int, int], pa.Table]]

    def rows(self, kind: str, start: int = 0, stop: int | None = None) -> pa.Table:
        """The changes of a kind from `start` up to `stop`, in canonical order, in columns as CHANGES has them."""
        count = self.summary["counts"][kind]
        stop = count if stop is None else min(stop, count)
        return self.make_rows[kind](start, stop) if start < stop else CHANGES.empty_table()


@dataclass(frozen=True)
class _Side:
    """A version, and of each of its faces the row of its photo and the number of its person."""

    tables: Tables
    photo: pa.Array
    person: pa.Array


def diff(old: Version, new: Version) -> Difference:
    """Compare two ready versions of one project. Raises ManifestBroken.

    Versions of equal content are told by their hash, without reading them.
    """
    if old.content_hash == new.content_hash:
        nothing = Difference(_summary(dict.fromkeys(KINDS, 0)), {})
        nothing.summary.update(_about(old, new), faces_kept=old.statistics["faces"])
        return nothing
    found = compare(_read_tables(old), _read_tables(new))
    found.summary.update(_about(old, new))
    return found


def _about(old: Version, new: Version) -> dict:
    return {
        "old": _described(old),
        "new": _described(new),
        "is_equal": old.content_hash == new.content_hash,
        "imbalance": {"old": old.statistics["imbalance"], "new": new.statistics["imbalance"]},
    }


def _described(version: Version) -> dict:
    figures = {name: version.statistics[name] for name in ("images", "faces", "identities")}
    return {"version": version.number, "content_hash": version.content_hash, **figures}


def _read_tables(version: Version) -> Tables:
    # Hashes and names stand in many rows of faces; kept once each, they take a fraction of the memory.
    faces = _read_table(version, "faces", _FACES, texts_that_repeat=["image_sha256", "identity"])
    return Tables(_read_table(version, "images", _IMAGES), faces)


def _read_table(version: Version, name: str, columns: tuple[str, ...], texts_that_repeat: list[str] = ()) -> pa.Table:
    """Read group by group: all at once it would take twice the memory."""
    file = pq.ParquetFile(pa.BufferReader(read_file(version, name)), read_dictionary=texts_that_repeat)
    parts = [file.read_row_group(number, columns=list(columns)) for number in range(file.num_row_groups)]
    return pa.concat_tables(parts).unify_dictionaries().combine_chunks()


def compare(old_tables: Tables, new_tables: Tables) -> Difference:
    """Compare tables that are in canonical order, as those of versions are."""
    old, new = _side(old_tables), _side(new_tables)
    old_photo_of = _row_in(new_tables.images["image_sha256"], old_tables.images["image_sha256"])
    old_face_of = _old_faces(old, new, old_photo_of)
    photos, faces = _kept(old_photo_of), _kept(old_face_of)
    face_rows = {
        "face_moved": faces.where(pc.not_equal(old.person.take(faces.old), new.person.take(faces.new))),
        "face_added": _only_new(old_face_of),
        "face_removed": _only_old(old_face_of, old_tables.faces.num_rows),
        "box_changed": faces.where(_boxes_differ(old_tables.faces, new_tables.faces, faces)),
        "split_changed": faces.where(_splits_differ(old_tables.faces, new_tables.faces, faces)),
    }
    photo_rows = {
        "photo_added": _only_new(old_photo_of),
        "photo_removed": _only_old(old_photo_of, old_tables.images.num_rows),
        "photo_split_changed": photos.where(_splits_differ(old_tables.images, new_tables.images, photos)),
    }
    people = people_changes(_people(old_tables.faces), _people(new_tables.faces), _flows(old, new, faces))
    counts = {kind: len({**people, **face_rows, **photo_rows}[kind]) for kind in KINDS}
    make_rows = {
        **{kind: partial(_people_part, kind, found) for kind, found in people.items()},
        **{kind: partial(_faces_part, kind, old, new, found) for kind, found in face_rows.items()},
        **{kind: partial(_photos_part, kind, old, new, found) for kind, found in photo_rows.items()},
    }
    summary = _summary(counts, faces_kept=len(faces))
    summary["moves"] = _tally(old_tables.faces, new_tables.faces, face_rows["face_moved"], "who")
    summary["splits"] = _tally(old_tables.faces, new_tables.faces, face_rows["split_changed"], "split")
    summary["people_in_another_split"] = _count_named(new.person.take(face_rows["split_changed"].new))
    summary["boxes"] = _box_figures(old_tables.faces, new_tables.faces, face_rows["box_changed"])
    return Difference(summary, make_rows)


def _summary(counts: dict[str, int], faces_kept: int = 0) -> dict:
    """Figures of a comparison; those of none, where `counts` says that there are none."""
    return {
        "counts": counts,
        "faces_kept": faces_kept,
        "moves": [],
        "splits": [],
        "people_in_another_split": 0,
        "boxes": {"least_iou": None, "mean_iou": None},
    }


# Matching


def _side(tables: Tables) -> _Side:
    faces = tables.faces
    nameless = pc.index_in(_texts(faces["who"]), value_set=pa.array(_NAMELESS, pa.string()))
    person = pc.coalesce(_array(faces["class_id"]), pc.subtract(-1, nameless))
    return _Side(tables, _row_in(faces["image_sha256"], tables.images["image_sha256"]), person)


def _row_in(texts: pa.ChunkedArray, column: pa.ChunkedArray) -> pa.Array:
    """Where in `column`, whose values all differ, each of the texts stands; null for those that are not in it."""
    texts, column = _array(texts), _texts(column)
    if pa.types.is_dictionary(texts.type):
        return pc.index_in(texts.dictionary, value_set=column).take(texts.indices)
    return pc.index_in(texts, value_set=column)


def _old_faces(old: _Side, new: _Side, old_photo_of: pa.Array) -> pa.Array:
    """The row in the old table of each face of the new one; null for faces that were not there."""
    rows = pc.index_in(_array(new.tables.faces["face_id"]), value_set=_array(old.tables.faces["face_id"]))
    in_same_photo = pc.equal(old.photo.take(rows), old_photo_of.take(new.photo))
    return pc.if_else(pc.fill_null(in_same_photo, False), rows, pa.scalar(None, rows.type))


def _kept(old_row_of: pa.Array) -> Rows:
    return Rows(old_row_of.drop_null(), pc.indices_nonzero(pc.is_valid(old_row_of)))


def _only_new(old_row_of: pa.Array) -> Rows:
    rows = pc.indices_nonzero(pc.is_null(old_row_of))
    return Rows(pa.nulls(len(rows), pa.int32()), rows)


def _only_old(old_row_of: pa.Array, old_length: int) -> Rows:
    is_gone = np.ones(old_length, dtype=bool)
    is_gone[old_row_of.drop_null().to_numpy()] = False
    rows = pa.array(np.flatnonzero(is_gone))
    return Rows(rows, pa.nulls(len(rows), pa.int32()))


def _boxes_differ(old: pa.Table, new: pa.Table, faces: Rows) -> pa.Array:
    before, after = _boxes(old, faces.old), _boxes(new, faces.new)
    return reduce(pc.or_, (pc.not_equal(pc.round(a, 2), pc.round(b, 2)) for a, b in zip(before, after, strict=True)))


def _splits_differ(old: pa.Table, new: pa.Table, kept: Rows) -> pa.Array:
    return pc.not_equal(_texts(old["split"]).take(kept.old), _texts(new["split"]).take(kept.new))


def _boxes(faces: pa.Table, rows: pa.Array) -> list[pa.Array]:
    return [_array(faces[edge]).take(rows) for edge in BOX]


def _array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _texts(column: pa.ChunkedArray) -> pa.Array:
    return _array(column).cast(pa.string())


# People


def _people(faces: pa.Table) -> dict[int, Person]:
    named = faces.select(["class_id", "identity"]).filter(pc.is_valid(faces["class_id"]))
    rows = named.group_by(["class_id", "identity"]).aggregate([([], "count_all")]).to_pylist()
    return {row["class_id"]: Person(row["identity"], row["count_all"]) for row in rows}


def _flows(old: _Side, new: _Side, faces: Rows) -> dict[tuple[int, int], int]:
    """How many kept faces were whose, and whose they are now."""
    pairs = pa.table({"old": old.person.take(faces.old), "new": new.person.take(faces.new)})
    rows = pairs.group_by(["old", "new"]).aggregate([([], "count_all")]).to_pylist()
    return {(row["old"], row["new"]): row["count_all"] for row in rows}


# Figures


def _tally(old: pa.Table, new: pa.Table, rows: Rows, column: str) -> list[dict]:
    """How many faces went from which value of the column to which, the most first."""
    pairs = pa.table({"old": _texts(old[column]).take(rows.old), "new": _texts(new[column]).take(rows.new)})
    counted = pairs.group_by(["old", "new"]).aggregate([([], "count_all")]).to_pylist()
    found = [{"old": row["old"], "new": row["new"], "faces": row["count_all"]} for row in counted]
    return sorted(found, key=lambda row: (-row["faces"], row["old"], row["new"]))


def _count_named(persons: pa.Array) -> int:
    return pc.count_distinct(persons.filter(pc.greater_equal(persons, 0))).as_py()


def _box_figures(old: pa.Table, new: pa.Table, rows: Rows) -> dict:
    overlap = iou(_boxes(old, rows.old), _boxes(new, rows.new))
    return {"least_iou": pc.min(overlap).as_py(), "mean_iou": pc.mean(overlap).as_py()}


# Parts of the lists


def _people_part(kind: str, people: list[dict], start: int, stop: int) -> pa.Table:
    return people_table(kind, people[start:stop])


def _faces_part(kind: str, old: _Side, new: _Side, found: Rows, start: int, stop: int) -> pa.Table:
    rows = found.part(start, stop)
    photos = Rows(old.photo.take(rows.old), new.photo.take(rows.new))
    return faces_table(kind, old.tables, new.tables, rows, photos)


def _photos_part(kind: str, old: _Side, new: _Side, found: Rows, start: int, stop: int) -> pa.Table:
    return photos_table(kind, old.tables, new.tables, found.part(start, stop))
