"""Choosing the threshold from what the user can bear, and what follows from the choice."""

from dataclasses import dataclass

import numpy as np

from recognition.metrics.confusion import ConfusionCounts
from recognition.metrics.inputs import MetricInputError, require_share
from recognition.metrics.intervals import comparisons_needed
from recognition.metrics.roc import RocCurve


@dataclass(frozen=True)
class OperatingPoint:
    """One threshold and its confusion counts over comparisons (positive = genuine).

    threshold: accept `score >= threshold`; None means that nothing may be accepted.
    """

    threshold: float | None
    counts: ConfusionCounts


@dataclass(frozen=True)
class PointAtFpr:
    """What a limit on the false positive rate leaves; `point` is None where data cannot tell.

    impostors_needed: comparisons that must exist before `max_fpr` may be reported at all.
    """

    max_fpr: float
    impostors: int
    impostors_needed: int
    point: OperatingPoint | None

    @property
    def supported(self) -> bool:
        """Whether there were impostor and genuine comparisons enough to answer."""
        return self.point is not None

    @property
    def tpr(self) -> float | None:
        """TPR at that limit, None when unsupported."""
        return None if self.point is None else self.point.counts.tpr


def threshold_for_max_fpr(curve: RocCurve, max_fpr: float) -> PointAtFpr:
    """Return the point of highest TPR whose observed FPR is at most `max_fpr` (between 0 and 1).

    Of equally good thresholds the strictest is taken. With fewer than 3 / max_fpr impostor
    comparisons, or no genuine one, the point is None: an unsupported figure is no figure.
    """
    needed = comparisons_needed(max_fpr)
    if curve.impostors < needed or curve.genuine == 0:
        return PointAtFpr(max_fpr, curve.impostors, needed, None)
    allowed = int(np.count_nonzero(curve.fpr <= max_fpr))  # fpr never falls along the curve
    return PointAtFpr(max_fpr, curve.impostors, needed, _point(curve, allowed - 1))


def threshold_for_cost(
    curve: RocCurve,
    *,
    false_accept_cost: float,
    false_reject_cost: float,
    genuine_share: float | None = None,
) -> OperatingPoint | None:
    """Return the point of least expected cost per comparison; None when either score is missing.

    false_accept_cost, false_reject_cost: in any one unit, at least 0 and not both 0.
    genuine_share: how many comparisons are genuine where the model will be used (between 0 and
    1); None takes the share among the measured pairs, which is seldom that of real use.
    Of equally cheap thresholds the strictest is taken; refusing everything is one of the choices.
    """
    _require_costs(false_accept_cost, false_reject_cost)
    if curve.genuine == 0 or curve.impostors == 0:
        return None
    if genuine_share is None:
        genuine_share = curve.genuine / (curve.genuine + curve.impostors)
    require_share("genuine_share", genuine_share)
    per_false_accept = false_accept_cost * (1 - genuine_share) / curve.impostors
    per_false_reject = false_reject_cost * genuine_share / curve.genuine
    false_accepts = np.concatenate(([0], curve.false_accepts))
    false_rejects = curve.genuine - np.concatenate(([0], curve.true_accepts))
    cost = per_false_accept * false_accepts + per_false_reject * false_rejects
    return _point(curve, int(np.argmin(cost)) - 1)


def _require_costs(*costs: float) -> None:
    if not all(np.isfinite(cost) and cost >= 0 for cost in costs) or not any(costs):
        raise MetricInputError(f"Costs must be finite, at least 0 and not both 0, but are {costs}.")


def _point(curve: RocCurve, index: int) -> OperatingPoint:
    """Point `index` of the curve; -1 stands for accepting nothing."""
    if index < 0:
        return OperatingPoint(None, ConfusionCounts(0, 0, curve.genuine, curve.impostors))
    tp, fp = int(curve.true_accepts[index]), int(curve.false_accepts[index])
    counts = ConfusionCounts(tp, fp, curve.genuine - tp, curve.impostors - fp)
    return OperatingPoint(float(curve.thresholds[index]), counts)
