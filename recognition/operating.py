"""The operating points of an evaluation, kept with its curves, and the one that a person's tolerance leads to.

Kept are corners of the exact curve. Of thresholds that were left out a stricter one is taken, so a choice never accepts
more impostors than it says. Pure; numpy only.
"""

import numpy as np

from recognition.metrics.curves import decimate_curve
from recognition.metrics.roc import RocCurve
from recognition.metrics.thresholds import OperatingPoint, threshold_for_cost, threshold_for_max_fpr

POINTS = 600
RATES = ("tpr", "fpr", "precision", "fnr", "tnr", "f1")


class NoThreshold(ValueError):
    """The evaluation cannot tell; the message says why."""


def operating_points(curve: RocCurve) -> dict | None:
    """Thresholds, falling, with what each accepts; None where there are no pairs of either kind."""
    if not curve.genuine or not curve.impostors:
        return None
    floor = 0.5 / curve.impostors
    kept = decimate_curve(np.log10(np.maximum(curve.fpr, floor)), curve.tpr, POINTS)
    return {
        "thresholds": curve.thresholds[kept].tolist(),
        "true_accepts": curve.true_accepts[kept].tolist(),
        "false_accepts": curve.false_accepts[kept].tolist(),
        "genuine": curve.genuine,
        "impostors": curve.impostors,
    }


def at_max_fpr(stored: dict | None, max_fpr: float) -> dict:
    """The threshold of highest TPR at which at most `max_fpr` (0 to 1) of the impostor pairs are accepted."""
    found = threshold_for_max_fpr(_curve(stored), max_fpr)
    if found.point is None:
        raise NoThreshold(
            f"{found.impostors:,} pairs of different people cannot tell of an FPR of {max_fpr:g}: at least "
            f"{found.impostors_needed:,} are needed. Allow more, or test on more people."
        )
    return _said(found.point, {"by": "max_fpr", "max_fpr": max_fpr})


def at_cost(stored: dict | None, false_accept_cost: float, genuine_share: float | None = None) -> dict:
    """The cheapest threshold, where accepting a stranger costs that many times what refusing the right person does."""
    point = threshold_for_cost(
        _curve(stored), false_accept_cost=false_accept_cost, false_reject_cost=1.0, genuine_share=genuine_share
    )
    choice = {"by": "cost", "false_accept_cost": false_accept_cost, "genuine_share": genuine_share}
    return _said(point, choice)


def _curve(stored: dict | None) -> RocCurve:
    if not stored:
        raise NoThreshold("This evaluation kept no points to choose from. Evaluate again.")
    accepted = np.array(stored["false_accepts"], dtype=np.int64)
    return RocCurve(
        thresholds=np.array(stored["thresholds"], dtype=np.float64),
        true_accepts=np.array(stored["true_accepts"], dtype=np.int64),
        false_accepts=accepted,
        false_accepts_above=accepted,
        genuine=stored["genuine"],
        impostors=stored["impostors"],
    )


def _said(point: OperatingPoint, choice: dict) -> dict:
    counts = point.counts
    if point.threshold is None:
        raise NoThreshold("By this measure it is best to accept nobody at all, which is no threshold to recognise by.")
    return {
        "threshold": point.threshold,
        "choice": choice,
        "tp": counts.tp, "fp": counts.fp, "fn": counts.fn, "tn": counts.tn,
        **{name: getattr(counts, name) for name in RATES},
    }  # fmt: skip
