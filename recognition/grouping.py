"""Puts faces together by likeness, within what people said. numpy only.

Agglomeration by average linkage over a nearest-neighbour graph. The mean cosine between two groups is the product
of their mean vectors, so a merge costs one look at its neighbours. Every named person is a group from the start:
waiting faces gather around them. Two groups are never merged when that would break a word or put somebody twice
into a photo.
"""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from recognition.known_faces import WAITING, KnownFaces
from recognition.likeness import FloatArray
from recognition.linkage import Linkage

NEIGHBOURS = 20
NEAR_PEOPLE = 5
BLOCK = 16_000_000  # similarities held at once: 64 MB


@dataclass(frozen=True)
class Words:
    """What people said: pairs of face ids that are or are not one person, people by face id it is not, and people
    who stand in a photo already."""

    must: Iterable[tuple[int, int]] = ()
    cannot: Iterable[tuple[int, int]] = ()
    not_person: Mapping[int, set[int]] = field(default_factory=dict)
    in_photo: Mapping[int, set[int]] = field(default_factory=dict)


@dataclass
class Group:
    """members: rows of waiting faces. person: whom they were gathered around, 0 for nobody. barred: who it is not."""

    members: list[int]
    person: int
    barred: set[int]


def group_faces(faces: KnownFaces, words: Words, linkage: Linkage, *, least: float) -> list[Group]:
    """Groups of the waiting faces of `faces`; every one is in exactly one group, most are alone when unlike others.

    Merges the likeliest first, as long as the chance that two groups are one person is at least `least`.
    """
    if not len(faces):
        return []
    table = _Groups(faces, words, linkage, least)
    table.connect()
    table.merge_all()
    return [Group(sorted(node.members), node.person, node.barred) for node in table.nodes.values() if node.members]


@dataclass(slots=True)
class _Node:
    total: FloatArray
    size: int
    person: int
    members: list[int]
    photos: set[int]
    barred: set[int]
    apart: set[int] = field(default_factory=set)  # rows of faces that are somebody else
    rows: set[int] = field(default_factory=set)  # its own rows that such words are about
    near: set[int] = field(default_factory=set)


class _Groups:
    def __init__(self, faces: KnownFaces, words: Words, linkage: Linkage, least: float):
        self.faces, self.linkage, self.least = faces, linkage, least
        self.row_of = {int(pk): row for row, pk in enumerate(faces.face_ids)}
        self.nodes: dict[int, _Node] = {}
        self.node_of: dict[int, int] = {}
        self.heap: list[tuple[float, int, int]] = []
        self._seed(words)
        self._keep_apart(words)

    # What holds from the start

    def _seed(self, words: Words) -> None:
        of_person: dict[int, int] = {}
        for row, person in enumerate(self.faces.people):
            if person == WAITING:
                self.node_of[row] = self._start(row, 0)
            elif person in of_person:
                self._take_in(self.nodes[of_person[person]], row)
                self.node_of[row] = of_person[person]
            else:
                self.node_of[row] = of_person[int(person)] = self._start(row, int(person))
        for first, second in words.must:
            if first in self.row_of and second in self.row_of:
                self._join(self.node_of[self.row_of[first]], self.node_of[self.row_of[second]])

    def _start(self, row: int, person: int) -> int:
        number = len(self.nodes)
        self.nodes[number] = _Node(
            total=self.faces.vectors[row].copy(),
            size=1,
            person=person,
            members=[] if person else [row],
            photos={int(self.faces.photos[row])},
            barred=set(),
        )
        return number

    def _take_in(self, node: _Node, row: int) -> None:
        node.total += self.faces.vectors[row]
        node.size += 1
        node.photos.add(int(self.faces.photos[row]))

    def _join(self, first: int, second: int) -> None:
        """A person said that these are one: that stands above every rule of ours, but not above two names."""
        if first == second or (self.nodes[first].person and self.nodes[second].person):
            return
        kept, gone = (second, first) if self.nodes[second].person else (first, second)
        merged = _merged(self.nodes[kept], self.nodes.pop(gone))
        self.nodes[kept] = merged
        for row in merged.members:
            self.node_of[row] = kept

    def _keep_apart(self, words: Words) -> None:
        for first, second in words.cannot:
            if first in self.row_of and second in self.row_of:
                self._differ(self.row_of[first], self.row_of[second])
        for pk, people in words.not_person.items():
            if pk in self.row_of:
                self.nodes[self.node_of[self.row_of[pk]]].barred |= people
        for row, person in enumerate(self.faces.people):
            if person == WAITING:
                node = self.nodes[self.node_of[row]]
                node.barred |= words.in_photo.get(int(self.faces.photos[row]), set()) - {node.person}

    def _differ(self, first: int, second: int) -> None:
        nodes = self.nodes[self.node_of[first]], self.nodes[self.node_of[second]]
        if nodes[0] is nodes[1]:  # somebody else said that they are one, in a chain of words
            return
        for (node, other), row in zip((nodes, nodes[::-1]), (first, second), strict=True):
            node.rows.add(row)
            node.apart.add(second if row == first else first)
            if other.person:
                node.barred.add(other.person)

    # The graph

    def connect(self) -> None:
        waiting = np.flatnonzero(self.faces.people == WAITING)
        vectors = self.faces.vectors[waiting]
        for first, second in _neighbours(vectors, min(NEIGHBOURS, len(waiting) - 1)):
            self._link(self.node_of[int(waiting[first])], self.node_of[int(waiting[second])])
        people = [number for number, node in self.nodes.items() if node.person]
        if people:
            means = np.stack([self.nodes[number].total / self.nodes[number].size for number in people])
            for row, near in _likest(vectors, means, min(NEAR_PEOPLE, len(people))):
                for place in near:
                    self._link(self.node_of[int(waiting[row])], people[place])
        for number, node in self.nodes.items():
            for other in node.near:
                if number < other:
                    self._consider(number, other)

    def _link(self, first: int, second: int) -> None:
        if first != second:
            self.nodes[first].near.add(second)
            self.nodes[second].near.add(first)

    def _consider(self, first: int, second: int) -> None:
        one, other = self.nodes[first], self.nodes[second]
        pairs = one.size * other.size
        chance = float(self.linkage.probability(float(one.total @ other.total) / pairs, pairs))
        if chance >= self.least and _may_merge(one, other):
            heapq.heappush(self.heap, (-chance, first, second))

    def merge_all(self) -> None:
        number = max(self.nodes, default=0) + 1
        while self.heap:
            _, first, second = heapq.heappop(self.heap)
            if first not in self.nodes or second not in self.nodes:
                continue
            merged = _merged(self.nodes.pop(first), self.nodes.pop(second))
            merged.near -= {first, second}
            merged.near &= self.nodes.keys()
            self.nodes[number] = merged
            for other in merged.near:
                near = self.nodes[other].near
                near -= {first, second}
                near.add(number)
            self._consider_all(number, merged)
            number += 1

    def _consider_all(self, number: int, merged: _Node) -> None:
        others = [other for other in merged.near if _may_merge(merged, self.nodes[other])]
        if not others:
            return
        totals = np.stack([self.nodes[other].total for other in others])
        pairs = merged.size * np.array([self.nodes[other].size for other in others])
        chances = self.linkage.probability(totals @ merged.total / pairs, pairs)
        for other, chance in zip(others, chances, strict=True):
            if chance >= self.least:
                heapq.heappush(self.heap, (-float(chance), min(number, other), max(number, other)))


def _merged(one: _Node, other: _Node) -> _Node:
    return _Node(
        total=one.total + other.total,
        size=one.size + other.size,
        person=one.person or other.person,
        members=one.members + other.members,
        photos=one.photos | other.photos,
        barred=one.barred | other.barred,
        apart=one.apart | other.apart,
        rows=one.rows | other.rows,
        near=one.near | other.near,
    )


def _may_merge(one: _Node, other: _Node) -> bool:
    return not (
        (one.person and other.person)
        or one.person in other.barred
        or other.person in one.barred
        or not one.photos.isdisjoint(other.photos)
        or not one.apart.isdisjoint(other.rows)
    )


def _neighbours(vectors: FloatArray, count: int):
    """Pairs of rows where one is among the `count` likest of the other."""
    if count < 1:
        return
    for start, similarities in _blocks(vectors, vectors):
        rows = np.arange(len(similarities))
        similarities[rows, start + rows] = -np.inf
        near = np.argpartition(-similarities, count - 1, axis=1)[:, :count]
        for row, others in enumerate(near.tolist()):
            for other in others:
                yield start + row, other


def _likest(vectors: FloatArray, others: FloatArray, count: int):
    for start, similarities in _blocks(vectors, others):
        near = np.argpartition(-similarities, count - 1, axis=1)[:, :count]
        for row, places in enumerate(near.tolist()):
            yield start + row, places


def _blocks(vectors: FloatArray, others: FloatArray):
    step = max(1, BLOCK // max(1, len(others)))
    for start in range(0, len(vectors), step):
        yield start, vectors[start : start + step] @ others.T
