"""The exact ROC curve of genuine against impostor scores, also when impostors do not fit in memory.

Only at a genuine score can the true positive rate change, and of all thresholds with one TPR the
genuine score itself has the lowest FPR. So counting impostors between the genuine scores keeps
every corner of the curve: AUC, equal error rate and TPR at any FPR are exact, while impostors are
read once, in chunks, and forgotten.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from recognition.metrics.inputs import FloatArray, IntArray, score_vector

IMPOSTORS_PER_CHUNK = 1 << 23  # 32 MB of float32: large enough that searching the genuine scores is cheap
BINS = 1 << 20
FEW = 1 << 16  # fewer are sorted sooner than they are put in bins


@dataclass(frozen=True, eq=False)
class RocCurve:
    """Corners of a ROC curve; k distinct genuine scores make k operating points.

    thresholds: shape (k,), falling; accept `score >= threshold`.
    true_accepts: shape (k,), genuine comparisons accepted at each threshold.
    false_accepts: shape (k,), impostor comparisons accepted at each threshold.
    false_accepts_above: shape (k,), impostors strictly above it; the difference are ties.
    """

    thresholds: FloatArray
    true_accepts: IntArray
    false_accepts: IntArray
    false_accepts_above: IntArray
    genuine: int
    impostors: int

    @property
    def tpr(self) -> FloatArray:
        """Share of genuine comparisons accepted, shape (k,); empty when there are none."""
        return self.true_accepts / max(self.genuine, 1)

    @property
    def fnr(self) -> FloatArray:
        """Share of genuine comparisons refused (FNMR), shape (k,)."""
        return 1.0 - self.tpr

    @property
    def fpr(self) -> FloatArray:
        """Share of impostor comparisons accepted (FMR), shape (k,); NaN without impostors."""
        if self.impostors == 0:
            return np.full(self.thresholds.shape, np.nan)
        return self.false_accepts / self.impostors

    @property
    def auc(self) -> float | None:
        """Area under the curve = P(genuine > impostor) + P(equal) / 2; None when either is missing.

        Summed in whole numbers, so it does not depend on the order of the scores.
        Source: Hanley and McNeil, Radiology 143 (1982).
        """
        if self.genuine == 0 or self.impostors == 0:
            return None
        gained = np.diff(self.true_accepts, prepend=0)
        twice_below = 2 * self.impostors - self.false_accepts - self.false_accepts_above
        # Python integers: two billion-sized counts multiplied would leave 64 bits.
        doubled = sum(int(a) * int(b) for a, b in zip(gained, twice_below, strict=True))
        return doubled / (2 * self.genuine * self.impostors)

    def vertices(self) -> tuple[FloatArray, FloatArray]:
        """Return (fpr, tpr) of the whole polyline from (0, 0) to (1, 1), for drawing; shape (2k + 2,).

        Between corners it runs level or straight up; where genuine and impostor scores tie it runs
        slanted, since no threshold separates them. Empty when either kind of score is missing.
        """
        if self.genuine == 0 or self.impostors == 0:
            return np.zeros(0), np.zeros(0)
        before = np.concatenate(([0], self.true_accepts[:-1]))
        x = np.stack((self.false_accepts_above, self.false_accepts), axis=1).reshape(-1)
        y = np.stack((before, self.true_accepts), axis=1).reshape(-1)
        fpr = np.concatenate(([0], x, [self.impostors])) / self.impostors
        tpr = np.concatenate(([0], y, [self.genuine])) / self.genuine
        return fpr, tpr


class RocCounter:
    """Counts impostors against known genuine scores, chunk by chunk. Order of chunks does not matter."""

    def __init__(self, genuine: ArrayLike) -> None:
        checked = score_vector("genuine", genuine)
        self._scores, counts = np.unique(checked, return_counts=True)
        self._counts = counts.astype(np.int64)
        self._at_least = np.zeros(self._scores.size, dtype=np.int64)
        self._above = np.zeros(self._scores.size, dtype=np.int64)
        self._impostors = 0

    def add_impostors(self, scores: ArrayLike) -> None:
        """Count these impostor scores, shape (m,). Works on a sorted copy of at most one chunk."""
        checked = score_vector("impostor", scores)
        for start in range(0, checked.size, IMPOSTORS_PER_CHUNK):
            self._count(checked[start : start + IMPOSTORS_PER_CHUNK])

    def _count(self, chunk: FloatArray) -> None:
        # One common type, or numpy would convert the whole chunk again in each search.
        common = np.result_type(chunk, self._scores)
        values, wanted = chunk.astype(common, copy=False), self._scores.astype(common, copy=False)
        at_least, above = _counted(values, wanted)
        self._at_least += at_least
        self._above += above
        self._impostors += chunk.size

    def curve(self) -> RocCurve:
        """Return the curve of what has been counted so far."""
        return RocCurve(
            thresholds=self._scores[::-1].astype(np.float64),
            true_accepts=np.cumsum(self._counts[::-1]),
            false_accepts=self._at_least[::-1].copy(),
            false_accepts_above=self._above[::-1].copy(),
            genuine=int(self._counts.sum()),
            impostors=self._impostors,
        )


def _counted(values: FloatArray, wanted: FloatArray) -> tuple[IntArray, IntArray]:
    """How many `values` are at least, and how many are above, each of `wanted` (sorted, distinct, of the same type).

    Only values that fall into one narrow bin with something wanted are sorted; of all others the bin says on which
    side they are. Putting into bins keeps the order, as subtracting and scaling round monotonously, so it is exact.
    """
    bins = _Bins.between(wanted) if values.size > FEW and wanted.size else None
    if bins is None:
        kept, surely = np.sort(values), 0
    else:
        places, own = bins.of(values), bins.of(wanted)
        is_shared = np.zeros(bins.count, dtype=np.bool_)
        is_shared[own] = True
        kept = np.sort(values[is_shared[places]])
        others = np.bincount(places, minlength=bins.count)
        others[is_shared] = 0
        surely = np.cumsum(others[::-1])[::-1][own]
    return (
        surely + kept.size - np.searchsorted(kept, wanted, side="left"),
        surely + kept.size - np.searchsorted(kept, wanted, side="right"),
    )


@dataclass(frozen=True)
class _Bins:
    """Equally wide bins from the lowest to the highest of some scores; one more below, and two for what is higher."""

    low: np.floating
    scale: np.floating
    count: int = BINS + 3

    @classmethod
    def between(cls, scores: FloatArray) -> "_Bins | None":
        """None where the scores lie too close together to be told apart by bins."""
        with np.errstate(over="ignore", divide="ignore"):
            scale = scores.dtype.type(BINS) / (scores[-1] - scores[0])
        return cls(scores[0], scale) if np.isfinite(scale) else None

    def of(self, scores: FloatArray) -> IntArray:
        with np.errstate(over="ignore"):  # further off than a number can say is clipped as well
            places = scores - self.low
            places *= self.scale
        places += 1
        np.clip(places, 0, self.count - 1, out=places)
        return places.astype(np.intp)


def roc_curve(genuine: ArrayLike, impostor: ArrayLike) -> RocCurve:
    """Return the exact curve of scores of shape (n,) and (m,); higher means more alike.

    Either may be empty: the curve then has no rates, and auc and the equal error rate are None.
    Raises MetricInputError for NaN, infinity or a wrong shape.
    """
    counter = RocCounter(genuine)
    counter.add_impostors(impostor)
    return counter.curve()


def equal_error_rate(curve: RocCurve) -> float | None:
    """Error rate where FPR = FNR on the polyline of the curve; None when either score is missing.

    The two rates jump, so they seldom meet at a threshold: where FPR − FNR changes sign, the two
    neighbouring corners are joined by a straight line and the crossing is read from that.
    """
    fpr, tpr = curve.vertices()
    if fpr.size == 0:
        return None
    difference = fpr - (1.0 - tpr)  # rises from −1 at (0, 0) to 1 at (1, 1)
    after = int(np.argmax(difference >= 0))
    before = after - 1
    step = difference[after] - difference[before]
    part = -difference[before] / step
    return float(fpr[before] + part * (fpr[after] - fpr[before]))
