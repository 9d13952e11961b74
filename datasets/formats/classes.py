"""Whom a face shows as a class: for formats that know nothing else of a box.

Classes are the people of a version in order of the ids they were given once, never of the alphabet; after them come the
faces of nobody we know, those to ignore and those that nobody has named yet.
"""

import json
from collections.abc import Iterable

from labelling.models import Who

NAMELESS = (Who.UNKNOWN, Who.IGNORED, Who.UNASSIGNED)


class Classes:
    """number: of a face as the tables have it, from 0. names: what they are called, in that order."""

    def __init__(self, people: Iterable[tuple[int, str]]) -> None:
        named = sorted(set(people))
        self._of_person = {class_id: number for number, (class_id, _) in enumerate(named)}
        self._of_nameless = {who: len(named) + place for place, who in enumerate(NAMELESS)}
        self._meant = [(Who.ASSIGNED, name) for _, name in named] + [(who, None) for who in NAMELESS]

    def number(self, face: dict) -> int:
        if face["who"] == Who.ASSIGNED:
            return self._of_person[face["class_id"]]
        return self._of_nameless[face["who"]]

    @property
    def names(self) -> list[str]:
        return [name if name else f"({who.label})" for who, name in self._meant]

    def as_json(self) -> bytes:
        listed = [{"who": who, "identity": name} for who, name in self._meant]
        return (json.dumps(listed, ensure_ascii=False) + "\n").encode()


class OnlyFaces(Classes):
    """One class, whoever it is."""

    names = ["face"]

    def __init__(self) -> None:
        super().__init__(())
        self._meant = [(Who.UNASSIGNED, None)]

    def number(self, face: dict) -> int:
        return 0


def meant(data: bytes) -> list[tuple[Who, str | None]]:
    """What the numbers mean, of `Classes.as_json`. Raises ValueError, KeyError or TypeError for anything else."""
    return [(Who(row["who"]), row["identity"]) for row in json.loads(data)]
