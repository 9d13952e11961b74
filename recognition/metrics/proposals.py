"""How well a detector's proposals meet what people then said: precision and recall at each confidence."""

from bisect import bisect_left
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import ArrayLike

from recognition.metrics.inputs import (
    FloatArray,
    IntArray,
    flag_vector,
    require_at_least,
    require_share,
    score_vector,
    share_or_none,
)
from recognition.metrics.intervals import wilson_interval

# One side of this interval is right 95 times in 100.
ONE_SIDED = 0.9


@dataclass(frozen=True, eq=False)
class ProposalCurve:
    """One point per distinct score, strictest first; arrays of shape (k,), empty without a proposal.

    thresholds: propose `score >= threshold`. hits, false_alarms: proposals from there on that are a face, or none.
    faces: all there are, proposed or drawn by hand.
    """

    thresholds: FloatArray
    hits: IntArray
    false_alarms: IntArray
    faces: int

    @property
    def precision(self) -> FloatArray:
        return self.hits / (self.hits + self.false_alarms)

    @property
    def recall(self) -> FloatArray:
        # Without a face nothing can be found: an empty curve rather than one of zeros.
        return self.hits / self.faces if self.faces else np.full(self.hits.shape, np.nan)

    def at(self, threshold: float) -> tuple[int, int]:
        """Hits and false alarms among proposals of at least that score."""
        reached = int(np.count_nonzero(self.thresholds >= threshold))
        return (int(self.hits[reached - 1]), int(self.false_alarms[reached - 1])) if reached else (0, 0)


@dataclass(frozen=True)
class RecallThreshold:
    """The strictest threshold that keeps the recall asked for; None where the faces there are do not show one.

    recall: observed at the threshold, or the highest observed at all. lower_bound: of it, at 95 %, one-sided.
    missing: how many more faces, all of them found, would show it; None where the observed recall itself is too low.
    """

    threshold: float | None
    recall: float | None
    lower_bound: float | None
    missing: int | None


def proposal_curve(scores: ArrayLike, is_face: ArrayLike, *, missed: int) -> ProposalCurve:
    """Return the curve of proposals that people decided about.

    scores: shape (n,), the detector's. is_face: shape (n,), what people said. missed: faces drawn by hand.
    """
    checked = score_vector("scores", scores)
    positive = flag_vector("is_face", is_face, length=checked.size)
    require_at_least("missed", missed, 0)
    values, codes = np.unique(-checked, return_inverse=True)
    hits = np.cumsum(np.bincount(codes[positive], minlength=values.size))
    proposed = np.cumsum(np.bincount(codes, minlength=values.size))
    return ProposalCurve(-values.astype(np.float64), hits, proposed - hits, int(np.count_nonzero(positive)) + missed)


def threshold_for_recall(curve: ProposalCurve, target: float) -> RecallThreshold:
    """Return the strictest threshold whose recall is, at 95 %, no lower than `target` (between 0 and 1).

    The lower end of Wilson's interval is held against the target, so few faces give no threshold: without any miss
    it takes about 2.7 · target / (1 − target) of them.
    """
    require_share("target", target)

    def bound(place: int) -> float:
        return _lower_bound(int(curve.hits[place]), curve.faces)

    reached = bisect_left(range(curve.hits.size), target, key=bound)  # hits never fall along the curve
    if reached < curve.hits.size:
        recall = float(curve.recall[reached])
        return RecallThreshold(float(curve.thresholds[reached]), recall, bound(reached), 0)
    hits = int(curve.hits[-1]) if curve.hits.size else 0
    recall = share_or_none(hits, curve.faces)
    if recall is not None and recall < target:
        return RecallThreshold(None, recall, _lower_bound(hits, curve.faces), None)
    lowest = _lower_bound(hits, curve.faces) if curve.faces else None
    return RecallThreshold(None, recall, lowest, _missing(hits, curve.faces, target))


def _lower_bound(hits: int, faces: int) -> float:
    return wilson_interval(hits, faces, level=ONE_SIDED).low if faces else 0.0


def _missing(hits: int, faces: int, target: float) -> int:
    """How many more found faces would show the target."""
    low, high = 0, max(1, ceil(3 / (1 - target)))
    while _lower_bound(hits + high, faces + high) < target:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _lower_bound(hits + middle, faces + middle) >= target else (middle, high)
    return high
