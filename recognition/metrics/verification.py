"""Are these two faces the same person? Figures over pairs, and LFW's ten-fold protocol."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from recognition.metrics.inputs import (
    BoolArray,
    FloatArray,
    IntArray,
    MetricInputError,
    encode_together,
    flag_vector,
    label_vector,
    score_vector,
)
from recognition.metrics.roc import RocCurve, equal_error_rate
from recognition.metrics.thresholds import PointAtFpr, threshold_for_max_fpr

FPR_TARGETS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


@dataclass(frozen=True)
class Verification:
    """Figures of one ROC curve. auc and eer are None when genuine or impostor pairs are missing."""

    genuine: int
    impostors: int
    auc: float | None
    eer: float | None
    at_fpr: tuple[PointAtFpr, ...]


@dataclass(frozen=True)
class FoldAccuracy:
    """One held-out fold: the threshold came from the other folds only."""

    fold: int | str
    pairs: int
    threshold: float
    accuracy: float


@dataclass(frozen=True)
class FoldedAccuracy:
    """Mean over folds ± deviation. Not the best fold, and no threshold saw its own test pairs.

    deviation: sample standard deviation of the folds (divided by folds − 1).
    standard_error: deviation / √folds, the "±" that LFW's result tables print.
    All three are None without folds.
    """

    folds: tuple[FoldAccuracy, ...]
    mean: float | None
    deviation: float | None
    standard_error: float | None


def verification(curve: RocCurve, fpr_targets: Sequence[float] = FPR_TARGETS) -> Verification:
    """Return AUC, equal error rate and TPR at each FPR target that the impostors support."""
    return Verification(
        genuine=curve.genuine,
        impostors=curve.impostors,
        auc=curve.auc,
        eer=equal_error_rate(curve),
        at_fpr=tuple(threshold_for_max_fpr(curve, target) for target in fpr_targets),
    )


def folded_accuracy(scores: ArrayLike, is_same: ArrayLike, folds: ArrayLike) -> FoldedAccuracy:
    """Return LFW's protocol: per fold, the best threshold of all other folds, tested on this one.

    scores: shape (n,), higher is more alike. is_same: shape (n,). folds: label of each pair's fold,
    shape (n,); LFW has ten of 600 pairs, and no person is in two of them.
    Raises MetricInputError when there is only one fold, as no threshold could be learned.
    Source: Huang et al., UMass Amherst technical report 07-49 (2007), View 2.
    """
    checked = score_vector("scores", scores)
    same = flag_vector("is_same", is_same, length=checked.size)
    names, (codes,) = encode_together([label_vector("folds", folds, length=checked.size)])
    if len(names) == 0:
        return FoldedAccuracy((), None, None, None)
    if len(names) == 1:
        raise MetricInputError("folds must name at least two folds: one to learn the threshold from, one to test.")
    results = tuple(_test_fold(checked, same, codes == code, names[code].item()) for code in range(len(names)))
    accuracies = np.array([result.accuracy for result in results], dtype=np.float64)
    deviation = float(np.std(accuracies, ddof=1))
    return FoldedAccuracy(results, float(accuracies.mean()), deviation, deviation / float(np.sqrt(len(results))))


def most_accurate_threshold(scores: ArrayLike, is_same: ArrayLike) -> float:
    """Return the threshold that answers most pairs rightly; the strictest of equally good ones.

    Candidates lie halfway between neighbouring distinct scores, so that a pair just outside those
    seen is not decided by the last digit of one of them; besides, the lowest score (accept every
    pair seen) and the number just above the highest (refuse every one).
    Raises MetricInputError when there are no pairs.
    """
    checked = score_vector("scores", scores).astype(np.float64)
    same = flag_vector("is_same", is_same, length=checked.size)
    if checked.size == 0:
        raise MetricInputError("There are no pairs to learn a threshold from.")
    values, codes = np.unique(checked, return_inverse=True)
    same_count: IntArray = np.bincount(codes[same], minlength=values.size)
    other_count: IntArray = np.bincount(codes[~same], minlength=values.size)
    # right[j]: pairs answered rightly when values[j:] are accepted, for j = 0 … number of values.
    right = np.concatenate(([0], np.cumsum(other_count))) + np.concatenate((np.cumsum(same_count[::-1])[::-1], [0]))
    best = right.size - 1 - int(np.argmax(right[::-1]))
    between = values[:-1] + (values[1:] - values[:-1]) / 2
    # Halfway between two neighbouring floats rounds onto the lower one, which must stay refused.
    between = np.where(between > values[:-1], between, values[1:])
    candidates = np.concatenate(([values[0]], between, [np.nextafter(values[-1], np.inf)]))
    return float(candidates[best])


def _test_fold(scores: FloatArray, same: BoolArray, held_out: BoolArray, name: int | str) -> FoldAccuracy:
    threshold = most_accurate_threshold(scores[~held_out], same[~held_out])
    right = (scores[held_out].astype(np.float64) >= threshold) == same[held_out]
    return FoldAccuracy(name, int(right.size), threshold, float(np.mean(right)))
