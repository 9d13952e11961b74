"""Verification pairs of a version, as the LFW protocol has them: who is compared with whom, in folds of people.

Pure functions: the same faces, numbers and seed give the same pairs on any machine and under any Python.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Tries at a new pair before all that there are is looked through.
MOST_TRIES = 20
_NOT_IN_A_NAME = re.compile(r"[\s/\\:*?\"<>|\x00-\x1f\x7f]+")


class TooFewFaces(ValueError):
    """Pairs cannot be made so; the message says why and what to do."""


@dataclass(frozen=True)
class Pair:
    """Two faces, each a person's name as folders have it and the face's number within that person, from 1."""

    fold: int
    name: str
    number: int
    other_name: str
    other_number: int

    @property
    def is_genuine(self) -> bool:
        return self.name == self.other_name


def face_numbers(identities: pa.ChunkedArray) -> np.ndarray:
    """The number of each face within its person, from 1, in the order of the manifest; 0 for who has no name.

    identities: the `identity` column of faces.parquet, all of it: numbers do not depend on what is chosen later.
    """
    encoded = identities.combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    person = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    order = np.argsort(person, kind="stable")
    _, first, count = np.unique(person[order], return_index=True, return_counts=True)
    numbers = np.empty(len(person), np.int64)
    numbers[order] = np.arange(len(person)) - np.repeat(first, count) + 1
    numbers[person < 0] = 0
    return numbers


def folder_names(names: Iterable[str]) -> dict[str, str]:
    """A folder for each person, as LFW names them (`Aaron_Eckhart`): no two alike, whatever letter case counts for."""
    taken: set[str] = set()
    folders = {}
    for name in sorted(set(names)):
        plain = _NOT_IN_A_NAME.sub("_", name).strip("._") or "person"
        folder, more = plain, 1
        while folder.casefold() in taken:
            more += 1
            folder = f"{plain}~{more}"
        taken.add(folder.casefold())
        folders[name] = folder
    return folders


def file_name(folder: str, number: int) -> str:
    """Where LFW keeps a face: `Aaron_Eckhart/Aaron_Eckhart_0001.jpg`."""
    return f"{folder}/{folder}_{number:04d}.jpg"


class _Draws:
    """Numbers that a seed decides, the same in every Python there will be."""

    def __init__(self, seed: str):
        self._seed, self._drawn = seed, 0

    def below(self, limit: int) -> int:
        self._drawn += 1
        digest = hashlib.sha256(f"{self._seed}:{self._drawn}".encode()).digest()
        return int.from_bytes(digest[:8]) % limit


def choose_pairs(people: Mapping[str, Sequence[int]], *, folds: int, pairs: int, seed: int) -> list[Pair]:
    """As many genuine as impostor pairs in each fold, at most `pairs` of each; no person is in two folds.

    people: for each name the numbers of the faces to choose from. All folds have equally many pairs: as many as the
    fold with fewest can give. People take turns, so that one with many faces does not fill a fold alone. Raises
    TooFewFaces.
    """
    groups = people_of_folds(people, folds=folds, seed=seed)
    possible = [min(_genuine_there_are(people, group), _impostors_there_are(people, group)) for group in groups]
    if min(possible) == 0:
        raise TooFewFaces(
            f"Fold {possible.index(0) + 1} of {folds} would have no pair: each needs two people, one of them with two "
            "faces. Ask for fewer folds, or choose from more splits."
        )
    most = min(pairs, *possible)
    chosen: list[Pair] = []
    for fold, group in enumerate(groups, 1):
        chosen += _genuine(people, group, most, fold, _Draws(f"{seed}:genuine:{fold}"))
        chosen += _impostors(people, group, most, fold, _Draws(f"{seed}:impostor:{fold}"))
    return chosen


def people_of_folds(people: Mapping[str, Sequence[int]], *, folds: int, seed: int) -> list[list[str]]:
    """Each person in one fold, dealt there and back: those with most genuine pairs first, equals in a seeded order.

    So all folds have equally many people, save for one, and as soon as that can be had each can make pairs.
    """
    groups: list[list[str]] = [[] for _ in range(folds)]

    def shuffled(name: str) -> bytes:
        return hashlib.sha256(f"{seed}:{name}".encode()).digest()

    dealt = sorted(people, key=lambda name: (-_pairs_of(len(people[name])), shuffled(name)))
    for place, name in enumerate(dealt):
        turn, seat = divmod(place, folds)
        groups[seat if turn % 2 == 0 else folds - 1 - seat].append(name)
    return [sorted(group, key=shuffled) for group in groups]


def _pairs_of(faces: int) -> int:
    return faces * (faces - 1) // 2


def _genuine_there_are(people: Mapping[str, Sequence[int]], group: Sequence[str]) -> int:
    return sum(_pairs_of(len(people[name])) for name in group)


def _impostors_there_are(people: Mapping[str, Sequence[int]], group: Sequence[str]) -> int:
    """Pairs of all the faces, without those of one person."""
    return _pairs_of(sum(len(people[name]) for name in group)) - _genuine_there_are(people, group)


def _genuine(people, group, most: int, fold: int, draws: _Draws) -> list[Pair]:
    left = {name: _Deck(_pairs_of(len(people[name])), draws) for name in group if len(people[name]) > 1}
    found: set[tuple[str, int, int]] = set()
    while len(found) < most:
        for name in list(left):
            if len(found) == most:
                break
            low, high = _pair_at(left[name].draw())
            found.add((name, people[name][low], people[name][high]))
            if left[name].is_empty:
                del left[name]
    return [Pair(fold, name, *sorted((one, two))[:1], name, max(one, two)) for name, one, two in sorted(found)]


class _Deck:
    """Numbers below `size` in a drawn order, each once, without a list of them all."""

    def __init__(self, size: int, draws: _Draws):
        self._left, self._draws, self._moved = size, draws, {}

    @property
    def is_empty(self) -> bool:
        return self._left == 0

    def draw(self) -> int:
        place = self._draws.below(self._left)
        self._left -= 1
        drawn = self._moved.pop(place, place)
        if place != self._left:
            self._moved[place] = self._moved.pop(self._left, self._left)
        return drawn


def _pair_at(place: int) -> tuple[int, int]:
    """The pair of that place in 01, 02, 12, 03, 13, 23, …"""
    high = int((1 + (1 + 8 * place) ** 0.5) / 2)
    while _pairs_of(high) > place:
        high -= 1
    while _pairs_of(high + 1) <= place:
        high += 1
    return place - _pairs_of(high), high


def _impostors(people, group, most: int, fold: int, draws: _Draws) -> list[Pair]:
    """Two people drawn alike, then a face of each."""
    found: set[tuple[tuple[str, int], tuple[str, int]]] = set()
    tries = 0
    while len(found) < most and tries < MOST_TRIES * most:
        tries += 1
        one, two = draws.below(len(group)), draws.below(len(group))
        if one != two:
            found.add(tuple(sorted((name, people[name][draws.below(len(people[name]))])
                                   for name in (group[one], group[two]))))  # fmt: skip
    if len(found) < most:  # nearly all there are is wanted
        rest = sorted(set(_all_impostors(people, group)) - found)
        deck = _Deck(len(rest), draws)
        found |= {rest[deck.draw()] for _ in range(most - len(found))}
    return [Pair(fold, *one, *two) for one, two in sorted(found)]


def _all_impostors(people, group) -> Iterator[tuple[tuple[str, int], tuple[str, int]]]:
    names = sorted(group)
    for place, name in enumerate(names):
        for other in names[place + 1 :]:
            yield from (((name, one), (other, two)) for one in people[name] for two in people[other])


def as_text(pairs: Sequence[Pair], folds: int) -> str:
    """`pairs.txt` as LFW has it: folds and pairs a fold, then of each fold the genuine lines and the impostors'."""
    in_a_fold = len(pairs) // (2 * folds)
    lines = [f"{folds}\t{in_a_fold}"]
    for pair in pairs:
        if pair.is_genuine:
            lines.append(f"{pair.name}\t{pair.number}\t{pair.other_number}")
        else:
            lines.append(f"{pair.name}\t{pair.number}\t{pair.other_name}\t{pair.other_number}")
    return "\n".join(lines) + "\n"


def lowest_rate_shown(impostors: int) -> float:
    """The false match rate that no error among so many impostor pairs can rule out, at 95 %: 3/n (rule of three)."""
    return min(1.0, 3 / impostors) if impostors else 1.0
