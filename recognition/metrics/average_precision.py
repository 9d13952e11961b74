"""Precision-recall curves, average precision, and mAP over people."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from recognition.metrics.bootstrap import Resampling, bootstrap_ap
from recognition.metrics.gallery import IdentityScores
from recognition.metrics.inputs import (
    BoolArray,
    FloatArray,
    IntArray,
    Label,
    LabelArray,
    flag_vector,
    label_vector,
    require_at_least,
    score_vector,
)
from recognition.metrics.intervals import Interval, percentile_interval, wilson_interval
from recognition.metrics.roc import RocCurve

DEFAULT_MIN_PROBES = 5


@dataclass(frozen=True, eq=False)
class PrecisionRecallCurve:
    """One point per distinct score, strictest first; all arrays empty when nothing is positive.

    thresholds, precision, recall: shape (k,); accept `score >= threshold`. There is no invented
    point at recall 0, where nothing is accepted and precision is undefined.
    """

    thresholds: FloatArray
    precision: FloatArray
    recall: FloatArray


@dataclass(frozen=True)
class IdentityAp:
    """AP of one person. probes: faces of the person that were ranked."""

    identity: Label
    ap: float
    probes: int
    interval: Interval | None


@dataclass(frozen=True)
class UnmeasuredIdentity:
    """A person without an AP, and how many probes there were: never a 0 or a 1."""

    identity: Label
    probes: int


@dataclass(frozen=True)
class MeanAp:
    """AP per person and its means. Means are None when nobody has enough probes.

    macro: every measured person counts alike. weighted: every probe of a measured person does.
    too_few: enrolled, but fewer probes than min_probes. no_gallery: probes, but nobody enrolled.
    """

    macro: float | None
    weighted: float | None
    macro_interval: Interval | None
    weighted_interval: Interval | None
    min_probes: int
    identities: tuple[IdentityAp, ...]
    too_few: tuple[UnmeasuredIdentity, ...]
    no_gallery: tuple[UnmeasuredIdentity, ...]


def precision_recall_curve(scores: ArrayLike, is_positive: ArrayLike) -> PrecisionRecallCurve:
    """Return precision and recall at every distinct score; equal scores are accepted together.

    scores: shape (n,), higher is more alike. is_positive: shape (n,).
    """
    checked = score_vector("scores", scores)
    positive = flag_vector("is_positive", is_positive, length=checked.size)
    if not positive.any():
        return PrecisionRecallCurve(np.zeros(0), np.zeros(0), np.zeros(0))
    values, codes = np.unique(-checked, return_inverse=True)
    hits = np.cumsum(np.bincount(codes[positive], minlength=values.size))
    accepted = np.cumsum(np.bincount(codes, minlength=values.size))
    return PrecisionRecallCurve(-values.astype(np.float64), hits / accepted, hits / hits[-1])


def corners_of_precision_recall(curve: RocCurve) -> PrecisionRecallCurve:
    """The points of the precision-recall curve at which recall rises, from counts that a RocCurve already holds.

    genuine of the curve are the positives, impostors the others. Between two of these points recall stands still and
    precision falls; AP does not look there. Costs as many points as there are distinct positive scores, not all scores.
    """
    if curve.genuine == 0:
        return PrecisionRecallCurve(np.zeros(0), np.zeros(0), np.zeros(0))
    return PrecisionRecallCurve(
        curve.thresholds, curve.true_accepts / (curve.true_accepts + curve.false_accepts), curve.tpr
    )


def average_precision(scores: ArrayLike, is_positive: ArrayLike) -> float | None:
    """Return Σ (Rₙ − Rₙ₋₁) Pₙ over falling thresholds; None when nothing is positive.

    scores: shape (n,), higher is more alike. is_positive: shape (n,). Nothing is interpolated.
    Example: ranking hit, miss, hit gives ½·1 + ½·⅔ = 0.8333.
    Source: Manning, Raghavan, Schütze, Introduction to Information Retrieval (2008), 8.4.
    """
    checked = score_vector("scores", scores)
    positive = flag_vector("is_positive", is_positive, length=checked.size)
    return _average_precision(checked, checked[positive]) if positive.any() else None


def per_identity_ap(
    scores: IdentityScores,
    probe_labels: ArrayLike,
    *,
    min_probes: int = DEFAULT_MIN_PROBES,
    resampling: Resampling | None = None,
) -> MeanAp:
    """Return AP for each enrolled person, mAP, and who could not be measured.

    For person i all probes are ranked by their score for i; the positives are the probes that show
    i. A probe that may not be compared with i (same photo or session as all of i's gallery) is left
    out of i's ranking. Probes of people who are not enrolled stay in, as negatives.

    probe_labels: shape (probes,). min_probes: fewest comparable probes a person needs.
    resampling: how to draw bootstrap intervals; None leaves them out.
    """
    require_at_least("min_probes", min_probes, 1)
    own = scores.columns_of(probe_labels)
    counts = _comparable_probes(scores, own)
    measured = np.flatnonzero(counts >= min_probes)
    columns = (np.ascontiguousarray(scores.scores[:, column]) for column in measured)
    aps = [_column_ap(values, own == column) for column, values in zip(measured, columns, strict=True)]
    macro = float(np.mean(aps)) if aps else None
    weighted = float(np.average(aps, weights=counts[measured])) if aps else None
    intervals, macro_interval, weighted_interval = [None] * len(aps), None, None
    if resampling is not None and aps:
        draws = bootstrap_ap(scores.scores, own, measured, resampling)
        found = zip(aps, draws.per_identity, counts[measured].tolist(), strict=True)
        intervals = [_interval(ap, drawn, probes, resampling.level) for ap, drawn, probes in found]
        everybody = int(counts[measured].sum())
        macro_interval = _interval(macro, draws.macro, everybody, resampling.level)
        weighted_interval = _interval(weighted, draws.weighted, everybody, resampling.level)
    return MeanAp(
        macro=macro,
        weighted=weighted,
        macro_interval=macro_interval,
        weighted_interval=weighted_interval,
        min_probes=min_probes,
        identities=tuple(
            IdentityAp(scores.label(column), ap, int(counts[column]), interval)
            for column, ap, interval in zip(measured, aps, intervals, strict=True)
        ),
        too_few=tuple(
            UnmeasuredIdentity(scores.label(column), int(counts[column]))
            for column in np.flatnonzero(counts < min_probes)
        ),
        no_gallery=_not_enrolled(label_vector("probe_labels", probe_labels), own),
    )


def _average_precision(values: FloatArray, positives: FloatArray) -> float:
    """AP from all scores and those of the positives, of which there must be one.

    Only thresholds at a positive score raise recall, so only those are looked up: one sort of plain
    values instead of an argsort, which matters at thousands of people times thousands of probes.
    """
    steps, new_hits = np.unique(positives, return_counts=True)
    accepted = values.size - np.searchsorted(np.sort(values), steps, side="left")
    hits = np.cumsum(new_hits[::-1])[::-1]
    return float(np.sum(new_hits * (hits / accepted)) / positives.size)


def _column_ap(values: FloatArray, positive: BoolArray) -> float:
    # −inf (not comparable) is below every score of a positive, so only the positives need sorting out.
    return _average_precision(values, values[positive & np.isfinite(values)])


def _comparable_probes(scores: IdentityScores, own: IntArray) -> IntArray:
    """How many probes of each enrolled person may be compared with that person's gallery."""
    enrolled = np.flatnonzero(own >= 0)
    comparable = enrolled[np.isfinite(scores.scores[enrolled, own[enrolled]])]
    return np.bincount(own[comparable], minlength=scores.identities.size)


def _interval(estimate: float, drawn: FloatArray, probes: int, level: float) -> Interval | None:
    """Percentile interval of the resamples; where nothing went wrong, what `probes` successes show.

    A perfect ranking stays perfect in every resample, so the bootstrap would claim certainty from
    five photos. AP is at least the share of positives that stand before every negative, and the
    Wilson interval tells how low that share may be after `probes` successes out of `probes`.
    """
    if estimate == 1.0:
        return wilson_interval(probes, probes, level=level)
    return percentile_interval(drawn, level=level)


def _not_enrolled(labels: LabelArray, own: IntArray) -> tuple[UnmeasuredIdentity, ...]:
    names, counts = np.unique(labels[own < 0], return_counts=True)
    return tuple(UnmeasuredIdentity(name, count) for name, count in zip(names.tolist(), counts.tolist(), strict=True))
