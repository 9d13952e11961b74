"""What a version holds, counted once when it is frozen."""

from collections import Counter, defaultdict

import pyarrow as pa

from datasets.imbalance import imbalance
from datasets.splits import SPLITS
from labelling.models import Who


def statistics(images: pa.Table, faces: pa.Table, *, proposed_left_out: int) -> dict:
    """Counts, imbalance and people of both tables, plain values only; people with most faces come first."""
    splits, who = faces["split"].to_pylist(), Counter(faces["who"].to_pylist())
    images_in, faces_in = Counter(images["split"].to_pylist()), Counter(splits)
    people = _people(faces, splits)
    return {
        "images": images.num_rows,
        "faces": faces.num_rows,
        "identities": len(people),
        "who": dict(sorted(who.items())),
        "splits": {split: {"images": images_in[split], "faces": faces_in[split]} for split in SPLITS},
        "imbalance": imbalance([person["faces"] for person in people]),
        "people": people,
        # Unnamed faces are in the version as boxes; they are left out of everything that is about people.
        "left_out": {"proposed_faces": proposed_left_out, "unnamed_faces": who[Who.UNASSIGNED]},
    }


def _people(faces: pa.Table, splits: list[str]) -> list[dict]:
    per_person: dict[str, Counter] = defaultdict(Counter)
    ids: dict[str, int] = {}
    for name, split, class_id in zip(faces["identity"].to_pylist(), splits, faces["class_id"].to_pylist(), strict=True):
        if name is not None:
            per_person[name][split] += 1
            ids[name] = class_id
    ordered = sorted(per_person.items(), key=lambda item: (-item[1].total(), item[0]))
    return [
        {"name": name, "class_id": ids[name], "faces": counts.total(), **{split: counts[split] for split in SPLITS}}
        for name, counts in ordered
    ]
