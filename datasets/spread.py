"""How faces are spread over people, made ready for a page: a chart, its table, and sentences."""

from collections.abc import Sequence

from datasets.slices import SLICINGS
from datasets.splits import SPLITS

# More bars than this cannot be told apart on any screen.
MOST_IN_CHART = 5000
# Faces per person, from and to; the last has no end.
RANGES = ((1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (21, 50), (51, 100), (101, 200), (201, None))


def chart_data(people: Sequence[dict]) -> dict:
    """Faces of each person by split, people with most faces first, in columns."""
    shown = people[:MOST_IN_CHART]
    return {
        "names": [person["name"] for person in shown],
        "faces": [person["faces"] for person in shown],
        **{split: [person[split] for person in shown] for split in SPLITS},
        "left_out": len(people) - len(shown),
    }


def face_ranges(people: Sequence[dict]) -> list[dict]:
    """How many people have so many faces; ranges in which there is nobody are left out."""
    counts = [person["faces"] for person in people]
    rows = []
    for low, high in RANGES:
        inside = [faces for faces in counts if low <= faces <= (high or faces)]
        if inside:
            words = f"{low}" if low == high else f"more than {low - 1}" if high is None else f"{low}–{high}"
            rows.append({"words": words, "people": len(inside), "faces": sum(inside)})
    return rows


def split_rows(statistics: dict, policy: dict) -> list[dict]:
    """Images, faces and people of each split, its share of all faces, and the share asked for."""
    total = statistics["faces"] or 1
    return [
        {
            "split": split,
            **statistics["splits"][split],
            "people": sum(1 for person in statistics["people"] if person[split]),
            "share": statistics["splits"][split]["faces"] / total,
            "asked": policy.get(split),
        }
        for split in SPLITS
    ]


def slice_tables(statistics: dict) -> list[dict]:
    """Faces and people of each part of each slicing, with the part's share of all faces; none of older versions."""
    counted, total = statistics.get("slices") or {}, statistics["faces"] or 1
    return [
        {
            "name": slicing.name,
            "title": slicing.title,
            "what": slicing.what,
            "rows": [{**row, "share": row["faces"] / total} for row in counted[slicing.name]],
        }
        for slicing in SLICINGS
        if slicing.name in counted
    ]


def not_measurable(people: Sequence[dict]) -> dict:
    """People whom an evaluation cannot say anything about, and why."""
    return {
        "no_test": sum(1 for person in people if not person["test"]),
        "no_gallery": sum(1 for person in people if person["test"] and not person["train"] + person["val"]),
    }
