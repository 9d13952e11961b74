"""What became of people between two versions: merged, split, renamed, new and gone."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    name: str
    faces: int


People = Mapping[int, Person]  # by class id


def people_changes(old: People, new: People, flows: Mapping[tuple[int, int], int]) -> dict[str, list[dict]]:
    """The changes of each kind, in order of class ids.

    `flows`: how many of the faces that both versions have were one person's and are another's now, those that stayed
    included; negative numbers stand for faces without a name.

    Merged: the person is gone, and all their faces that remain are one other's. Split: their faces are two people's or
    more, and somebody among these was not there before; each such person is a change. Whoever was merged is also gone,
    and whoever was split off also new, so that new and gone alone tell how the number of people changed.
    """
    went: dict[int, dict[int, int]] = defaultdict(dict)
    for (person, other), faces in sorted(flows.items()):
        if person >= 0:
            went[person][other] = faces
    merged, split = [], []
    for person, others in went.items():
        if person not in new and len(others) == 1 and min(others) >= 0:
            merged += [_change(old, new, person, other, faces) for other, faces in others.items()]
        named = [other for other in others if other >= 0]
        if len(named) > 1:
            split += [_change(old, new, person, other, others[other]) for other in named if other not in old]
    stayed = sorted(old.keys() & new.keys())
    return {
        "person_merged": merged,
        "person_split": split,
        "person_renamed": [
            _change(old, new, person, person, new[person].faces)
            for person in stayed
            if old[person].name != new[person].name
        ],
        "person_new": [
            _change(old, new, None, person, new[person].faces) for person in sorted(new.keys() - old.keys())
        ],
        "person_gone": [
            _change(old, new, person, None, old[person].faces) for person in sorted(old.keys() - new.keys())
        ],
    }


def _change(old: People, new: People, before: int | None, after: int | None, faces: int) -> dict:
    return {
        "old_class_id": before,
        "new_class_id": after,
        "old_name": None if before is None else old[before].name,
        "new_name": None if after is None else new[after].name,
        "faces": faces,
    }
