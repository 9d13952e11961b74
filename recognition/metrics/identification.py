"""Closed-set search: who of the enrolled people is it? Recognition rate and CMC."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from recognition.metrics.gallery import IdentityScores
from recognition.metrics.inputs import (
    BoolArray,
    FloatArray,
    IntArray,
    LabelArray,
    require_at_least,
    share_or_none,
)
from recognition.metrics.intervals import Interval, wilson_interval

CELLS_PER_BLOCK = 1 << 22
DEFAULT_RANKS = 20


@dataclass(frozen=True, eq=False)
class Identification:
    """What searching each probe in the gallery gave.

    counted: shape (probes,), whether the probe's person could be found at all.
    ranks: shape (counted probes,), from 1; people with the same score stand before the right one.
    predicted: shape (counted probes,), the person named: the right one at rank 1, else the best
    other one. cmc: shape (ranks,), share of counted probes found at rank 1, 2, …; empty without any.
    no_gallery: probes whose person is not enrolled. not_comparable: probes whose person is enrolled
    only with faces of the same photo or session. Neither enters the rate.
    """

    counted: BoolArray
    ranks: IntArray
    predicted: LabelArray
    cmc: FloatArray
    no_gallery: int
    not_comparable: int

    @property
    def probes(self) -> int:
        """How many probes the rate is made of."""
        return int(self.ranks.size)

    @property
    def correct(self) -> int:
        """Probes at rank 1: nearer to their own person than to anybody else, ties being wrong."""
        return int(np.count_nonzero(self.ranks == 1))

    @property
    def recognition_rate(self) -> float | None:
        """Share of counted probes at rank 1, None without any."""
        return share_or_none(self.correct, self.probes)

    def interval(self, level: float = 0.95) -> Interval | None:
        """Wilson interval of the recognition rate; probes are taken as independent."""
        return wilson_interval(self.correct, self.probes, level=level)


def closed_set_identification(
    scores: IdentityScores, probe_labels: ArrayLike, *, ranks: int = DEFAULT_RANKS
) -> Identification:
    """Search every probe whose person is enrolled and return ranks, CMC and the people named.

    probe_labels: shape (probes,). The rank is 1 + the number of other people whose score is at
    least as high as that of the probe's own person, so a tie is never a success.
    Source: ISO/IEC 19795-1 (CMC, closed set); the strict reading of ties is ours.
    """
    require_at_least("ranks", ranks, 1)
    own = scores.columns_of(probe_labels)
    enrolled = own >= 0
    own_scores = np.full(own.size, -np.inf)
    own_scores[enrolled] = scores.scores[enrolled, own[enrolled]]
    counted = enrolled & np.isfinite(own_scores)
    found_ranks, named = _search(scores.scores, np.flatnonzero(counted), own)
    within = np.bincount(np.minimum(found_ranks, ranks + 1), minlength=ranks + 2)[1 : ranks + 1]
    return Identification(
        counted=counted,
        ranks=found_ranks,
        predicted=scores.identities[named],
        cmc=np.cumsum(within) / found_ranks.size if found_ranks.size else np.zeros(0),
        no_gallery=int(np.count_nonzero(~enrolled)),
        not_comparable=int(np.count_nonzero(enrolled & ~counted)),
    )


def ranks_of_own(scores: FloatArray, own: IntArray) -> tuple[IntArray, IntArray]:
    """Return the rank of column own[n] in row n, and the column named; both shape (rows,).

    scores: shape (rows, people). Ties count against the own column.
    """
    rows = np.arange(own.size)
    own_scores = scores[rows, own]
    others = scores.copy()
    others[rows, own] = -np.inf
    ranks = 1 + np.count_nonzero(others >= own_scores[:, None], axis=1)
    return ranks, np.where(ranks == 1, own, np.argmax(others, axis=1))


def best_others(scores: FloatArray, own: IntArray) -> tuple[FloatArray, IntArray]:
    """Return the highest score of each row in any column but own[n], and that column; both shape (rows,).

    scores: shape (rows, people). own: −1 where there is no own column. −inf and column 0 where there is no other.
    """
    best, column = np.full(own.size, -np.inf), np.zeros(own.size, dtype=np.intp)
    if scores.shape[1] == 0:
        return best, column
    step = max(1, CELLS_PER_BLOCK // scores.shape[1])
    for start in range(0, own.size, step):
        block, mine = scores[start : start + step].copy(), own[start : start + step]
        rows = np.flatnonzero(mine >= 0)
        block[rows, mine[rows]] = -np.inf
        column[start : start + step] = block.argmax(axis=1)
        best[start : start + step] = block.max(axis=1)
    return best, column


def _search(scores: FloatArray, probes: IntArray, own: IntArray) -> tuple[IntArray, IntArray]:
    """ranks_of_own in blocks of rows, so that its copy stays small."""
    ranks = np.empty(probes.size, dtype=np.intp)
    named = np.empty(probes.size, dtype=np.intp)
    step = max(1, CELLS_PER_BLOCK // max(scores.shape[1], 1))
    for start in range(0, probes.size, step):
        block = probes[start : start + step]
        ranks[start : start + step], named[start : start + step] = ranks_of_own(scores[block], own[block])
    return ranks, named
