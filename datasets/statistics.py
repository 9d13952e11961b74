"""What a version holds, counted once when it is frozen."""

import pyarrow as pa
import pyarrow.compute as pc

from datasets.imbalance import imbalance
from datasets.splits import SPLITS
from labelling.models import Who


def statistics(images: pa.Table, faces: pa.Table, *, left_out: dict) -> dict:
    """Counts, imbalance and people of both tables, plain values only; people with most faces come first.

    left_out: what else is known of what did not come in.
    """
    who, images_in, faces_in = _counts(faces["who"]), _counts(images["split"]), _counts(faces["split"])
    people = _people(faces)
    return {
        "images": images.num_rows,
        "faces": faces.num_rows,
        "identities": len(people),
        "who": dict(sorted(who.items())),
        "splits": {split: {"images": images_in.get(split, 0), "faces": faces_in.get(split, 0)} for split in SPLITS},
        "imbalance": imbalance([person["faces"] for person in people]),
        "people": people,
        # Unnamed faces are in the version as boxes; they are left out of everything that is about people.
        "left_out": {**left_out, "unnamed_faces": who.get(Who.UNASSIGNED, 0)},
    }


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    """How often each value is there. Counted in Arrow: a million faces take moments, not seconds."""
    return {row["values"]: row["counts"] for row in column.value_counts().to_pylist()}


def _people(faces: pa.Table) -> list[dict]:
    named = faces.select(["identity", "class_id", "split"]).filter(pc.is_valid(faces["identity"]))
    rows = named.group_by(["identity", "class_id", "split"]).aggregate([([], "count_all")]).to_pylist()
    people: dict[str, dict] = {}
    for row in rows:
        nobody_yet = {"name": row["identity"], "class_id": row["class_id"], "faces": 0, **dict.fromkeys(SPLITS, 0)}
        person = people.setdefault(row["identity"], nobody_yet)
        person["faces"] += row["count_all"]
        person[row["split"]] += row["count_all"]
    return sorted(people.values(), key=lambda person: (-person["faces"], person["name"]))
