"""What the ledger of suggestions tells. Arrays in, numbers out; defined in docs/metrics.md."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from recognition.metrics.inputs import share_or_none
from recognition.metrics.intervals import Interval, wilson_interval

# Closer together where the threshold for accepting lies.
EDGES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
# One side of this interval is right 95 times in 100.
ONE_SIDED = 0.9
# A threshold below says that somebody else is likelier.
LOWEST_THRESHOLD = 0.5


@dataclass(frozen=True)
class Share:
    """`part` of `whole`; `value` and `interval` are None without anything to divide by."""

    part: int
    whole: int
    value: float | None
    interval: Interval | None


@dataclass(frozen=True)
class Bin:
    """Suggestions of about the same probability: what they promised, and how many were right."""

    low: float
    high: float
    promised: float
    right: Share


@dataclass(frozen=True)
class Calibration:
    """bins: without the empty ones. ece: mean distance between promise and truth; brier: mean squared error."""

    bins: list[Bin]
    ece: float | None
    brier: float | None


@dataclass(frozen=True)
class ThresholdCurve:
    """For each threshold, falling: how many first suggestions are accepted and how many of them are right."""

    thresholds: np.ndarray
    accepted: np.ndarray
    right: np.ndarray
    decisions: int

    @property
    def precision(self) -> np.ndarray:
        return self.right / self.accepted

    @property
    def coverage(self) -> np.ndarray:
        return self.accepted / self.decisions


@dataclass(frozen=True)
class LearntThreshold:
    """`threshold` is None while the decisions do not support one; `missing` is how many right ones are lacking then."""

    threshold: float | None
    accepted: int
    right: int
    lower_bound: float | None
    coverage: float | None
    missing: int


def share(part: int, whole: int) -> Share:
    return Share(int(part), int(whole), share_or_none(int(part), int(whole)), wilson_interval(int(part), int(whole)))


def calibration(probability: np.ndarray, right: np.ndarray) -> Calibration:
    """Compare what first suggestions promised with what people said. Both of shape (n,), `right` bool."""
    probability, right = np.asarray(probability, float), np.asarray(right, bool)
    place = np.clip(np.searchsorted(EDGES, probability, side="right") - 1, 0, len(EDGES) - 2)
    bins = []
    for index in np.unique(place):
        held = place == index
        bins.append(
            Bin(
                EDGES[index],
                EDGES[index + 1],
                float(probability[held].mean()),
                share(np.count_nonzero(right[held]), np.count_nonzero(held)),
            )
        )
    if not bins:
        return Calibration([], None, None)
    apart = sum(bin.right.whole * abs(bin.right.value - bin.promised) for bin in bins)
    return Calibration(bins, float(apart / len(right)), float(np.mean((probability - right) ** 2)))


def threshold_curve(probability: np.ndarray, right: np.ndarray) -> ThresholdCurve:
    """One point for each distinct probability; equal ones are accepted together."""
    probability, right = np.asarray(probability, float), np.asarray(right, bool)
    order = np.argsort(-probability, kind="stable")
    falling = probability[order]
    last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True)) if len(falling) else np.zeros(0, int)
    return ThresholdCurve(falling[last], last + 1, np.cumsum(right[order])[last], len(falling))


def learn_threshold(curve: ThresholdCurve, target: float) -> LearntThreshold:
    """The least threshold whose share of right suggestions is, at 95 %, no lower than `target`.

    The lower end of Wilson's interval is held against the target, so few decisions give no threshold, however
    right they were: without any error it takes about 2.7 · target / (1 − target) of them.
    """
    points = [index for index in thinned(curve) if curve.thresholds[index] >= LOWEST_THRESHOLD]
    bounds = {index: _lower_bound(curve.right[index], curve.accepted[index]) for index in points}
    supported = [index for index in points if bounds[index] >= target]
    if not supported:
        missing = [_missing(curve.right[index], curve.accepted[index], target) for index in points]
        return LearntThreshold(None, 0, 0, None, None, min(missing, default=_missing(0, 0, target)))
    least = supported[-1]
    return LearntThreshold(
        threshold=float(curve.thresholds[least]),
        accepted=int(curve.accepted[least]),
        right=int(curve.right[least]),
        lower_bound=bounds[least],
        coverage=float(curve.coverage[least]),
        missing=0,
    )


def _lower_bound(right: int, accepted: int) -> float:
    return wilson_interval(int(right), int(accepted), level=ONE_SIDED).low


def _missing(right: int, accepted: int, target: float) -> int:
    """How many more right decisions would support the target, by doubling and halving."""

    def enough(more: int) -> bool:
        return _lower_bound(right + more, accepted + more) >= target

    high = 1
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def letters_until_unique(names: Iterable[str], of: Iterable[str] | None = None) -> dict[str, int]:
    """For each name the letters to type until nobody else's begins alike; all of them when one begins another.

    Among all `names`, but told of those in `of` only, when given.
    """
    folded = sorted({name.casefold() for name in names})
    needed = {}
    for name in folded if of is None else {name.casefold() for name in of}:
        index = bisect_left(folded, name)
        beside = folded[max(0, index - 1) : index] + folded[index + 1 : index + 2]
        shared = max((_alike(name, other) for other in beside), default=0)
        needed[name] = min(len(name), shared + 1)
    return needed


def _alike(one: str, other: str) -> int:
    """Letters both begin with, by halves: names in a row share most of theirs."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def thinned(curve: ThresholdCurve, most: int = 300) -> np.ndarray:
    """Indices of at most `most` points, the ends among them: more show nothing more, and decide nothing more."""
    return np.unique(np.linspace(0, len(curve.thresholds) - 1, min(most, len(curve.thresholds))).astype(int))


def decisions_needed(target: float) -> int:
    """Of right decisions without an error, before any threshold can be learnt."""
    return _missing(0, 0, target)
