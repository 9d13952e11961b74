"""Which of many 64-bit hashes differ in few bits. numpy only; no database.

Two hashes that differ in at most BITS of their 64 bits are equal in at least one of BITS + 1 bands (the pigeonhole
principle), so only hashes that share a band are compared, a block at a time.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

# Photos whose perceptual hashes differ in no more bits are nearly the same. Of 7,900 portraits 13 pairs are, all of
# them one photo twice; of the 25 pairs that differ in six bits 17 are two people.
BITS = 4
BLOCK = 2_000_000  # comparisons at a time: what bounds the memory


def alike(hashes: np.ndarray, asked: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of places in `hashes` (uint64) that are nearly the same, one of each pair among `asked`.

    They come in blocks; a pair may come more than once, and either way round.
    """
    for first, last in _bands():
        keys = ((hashes >> np.uint64(first)) & np.uint64(2 ** (last - first) - 1)).astype(np.uint16)
        order = np.argsort(keys, kind="stable").astype(np.int32)
        ends = np.cumsum(np.bincount(keys, minlength=2 ** (last - first)))
        by_key = asked[np.argsort(keys[asked], kind="stable")]
        changes = np.flatnonzero(np.diff(keys[by_key])) + 1
        for some in np.split(by_key, changes) if len(by_key) else ():
            key = int(keys[some[0]])
            yield from _compared(hashes, some, order[ends[key - 1] if key else 0 : ends[key]])


def _bands() -> Iterator[tuple[int, int]]:
    edges = [64 * number // (BITS + 1) for number in range(BITS + 2)]
    return pairwise(edges)


def _compared(hashes: np.ndarray, some: np.ndarray, others: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    rows = max(1, BLOCK // len(others))
    there = hashes[others]
    for start in range(0, len(some), rows):
        here = some[start : start + rows]
        first, second = np.nonzero(np.bitwise_count(hashes[here][:, None] ^ there) <= BITS)
        apart = here[first] != others[second]
        if apart.any():
            yield here[first][apart], others[second][apart]


class Groups:
    """Union-find over places 0 to n - 1; a group is named by its smallest place."""

    def __init__(self, count: int):
        self._parents = np.arange(count, dtype=np.int32)

    def join(self, first: np.ndarray, second: np.ndarray) -> None:
        while len(first):
            first, second = self._roots(first), self._roots(second)
            still = first != second
            first, second = first[still], second[still]
            np.minimum.at(self._parents, np.maximum(first, second), np.minimum(first, second))

    def _roots(self, places: np.ndarray) -> np.ndarray:
        while True:
            above = self._parents[places]
            if np.array_equal(above, places):
                return places
            self._parents[places] = self._parents[above]  # half the way for those who come after
            places = above

    def names(self) -> np.ndarray:
        """For each place the smallest one of its group."""
        return self._roots(np.arange(len(self._parents), dtype=np.int32))
