"""What recognition figures would be if faces were of other people. Arrays in, numbers out; numpy only.

Leave one photo out: each face is searched among all faces of other photos. Definitions: docs/metrics.md, “Forecast”.
"""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from recognition.metrics.average_precision import average_precision

_ROWS = 512  # of similarities held at once


@dataclass(frozen=True, eq=False)
class Searched:
    """nearest, by_mean: for each face 1.0 when its own person came first, 0.0 when not, NaN when nothing compares.

    names: shape (p,). scores: shape (n, p), similarity of each face to the mean of each person's faces of other
    photos; NaN where a person has none.
    """

    people: np.ndarray
    names: np.ndarray
    nearest: np.ndarray
    by_mean: np.ndarray
    scores: np.ndarray

    def ap(self, person: Hashable) -> float | None:
        """Of the person: all faces ranked by likeness to the mean of theirs."""
        column = np.flatnonzero(self.names == person)
        if not column.size:
            return None
        scores = self.scores[:, column[0]]
        there = np.isfinite(scores)
        return average_precision(scores[there], self.people[there] == person) if there.any() else None


def search(vectors: np.ndarray, people: np.ndarray, photos: np.ndarray) -> Searched:
    """vectors: shape (n, d), unit length; people, photos: shape (n,)."""
    names, codes = np.unique(people, return_inverse=True)
    scores = _to_means(vectors, codes, len(names), photos)
    return Searched(
        people=people,
        names=names,
        nearest=_nearest_is_own(vectors, codes, photos),
        by_mean=_own_is_first(scores, codes),
        scores=scores,
    )


def share(right: np.ndarray) -> float | None:
    """Of those that compare; None when none does."""
    counted = right[np.isfinite(right)]
    return float(counted.mean()) if counted.size else None


def _to_means(vectors: np.ndarray, codes: np.ndarray, people: int, photos: np.ndarray) -> np.ndarray:
    sums = np.zeros((people, vectors.shape[1]))
    np.add.at(sums, codes, vectors)
    counts = np.bincount(codes, minlength=people)
    scores = np.full((len(vectors), people), np.nan)
    order = np.argsort(photos, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(photos[order])) + 1):
        apart, left = sums.copy(), counts - np.bincount(codes[rows], minlength=people)
        np.subtract.at(apart, codes[rows], vectors[rows])
        lengths = np.linalg.norm(apart, axis=1)
        there = (left > 0) & (lengths > 1e-9)
        scores[np.ix_(rows, there)] = vectors[rows] @ (apart[there] / lengths[there, None]).T
    return scores


def _own_is_first(scores: np.ndarray, codes: np.ndarray) -> np.ndarray:
    own = scores[np.arange(len(codes)), codes]
    others = np.where(np.isnan(scores), -np.inf, scores)
    others[np.arange(len(codes)), codes] = -np.inf
    best = others.max(axis=1, initial=-np.inf)
    return _verdict(own, best)


def _nearest_is_own(vectors: np.ndarray, codes: np.ndarray, photos: np.ndarray) -> np.ndarray:
    own, other = np.full(len(codes), -np.inf), np.full(len(codes), -np.inf)
    for start in range(0, len(codes), _ROWS):
        rows = slice(start, start + _ROWS)
        similar = vectors[rows] @ vectors.T
        similar[photos[rows, None] == photos[None]] = -np.inf
        same = codes[rows, None] == codes[None]
        own[rows] = np.where(same, similar, -np.inf).max(axis=1)
        other[rows] = np.where(same, -np.inf, similar).max(axis=1)
    return _verdict(np.where(np.isfinite(own), own, np.nan), other)


def _verdict(own: np.ndarray, best_other: np.ndarray) -> np.ndarray:
    """Ties count as wrong; a face that has only its own people, or none, to compare with says nothing."""
    counted = np.isfinite(own) & np.isfinite(best_other)
    return np.where(counted, (own > best_other).astype(float), np.nan)
