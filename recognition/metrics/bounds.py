"""What a model should be held against: chance from below, people from above."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from recognition.metrics.inputs import (
    MetricInputError,
    encode_together,
    label_vector,
    require_at_least,
    share_or_none,
)
from recognition.metrics.intervals import Interval, wilson_interval


@dataclass(frozen=True)
class Agreement:
    """How often two people gave the same face the same name: the human level.

    share: agreed / faces. kappa: (share − chance) / (1 − chance), where chance is the agreement of
    two people who give names as often but blindly; None when chance is 1. interval: of the share.
    """

    faces: int
    agreed: int
    share: float | None
    kappa: float | None
    interval: Interval | None


def human_agreement(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Agreement:
    """Compare two annotators' labels of the same faces, each labelled without seeing the other.

    first, second: labels of shape (faces,), integers or text; "unknown" is a label like others.
    Source: Cohen, Educational and Psychological Measurement 20 (1960).
    """
    ours = label_vector("first", first)
    names, (a, b) = encode_together([ours, label_vector("second", second, length=ours.size)])
    faces, agreed = int(a.size), int(np.count_nonzero(a == b))
    if faces == 0:
        return Agreement(0, 0, None, None, None)
    share = agreed / faces
    often = np.bincount(a, minlength=len(names)) / faces
    chance = float(np.dot(often, np.bincount(b, minlength=len(names)) / faces))
    return Agreement(
        faces,
        agreed,
        share,
        share_or_none(share - chance, 1 - chance),
        wilson_interval(agreed, faces, level=level),
    )


def chance_recognition_rate(people: int) -> float | None:
    """Recognition rate of a blind guess among `people` enrolled: 1 / people; None without any."""
    require_at_least("people", people, 0)
    return share_or_none(1, people)


def majority_recognition_rate(probe_labels: ArrayLike) -> float | None:
    """Recognition rate of always naming the most frequent person; None without probes.

    On an imbalanced set this is far above chance, and a model must beat it to have learned faces.
    """
    labels = label_vector("probe_labels", probe_labels)
    if labels.size == 0:
        return None
    return float(np.unique(labels, return_counts=True)[1].max() / labels.size)


def chance_average_precision(positives: int, probes: int) -> float | None:
    """Return the mean AP of a random ranking of `probes`, `positives` of them right; None for no positive.

    ((R − 1)/(N − 1) · (N − H) + H) / N with R positives, N probes and H = 1 + 1/2 + … + 1/N: a little
    above the share R/N, much above it when both are small.
    Source: Bestgen, Exact Expected Average Precision of the Random Baseline (2015).
    """
    require_at_least("probes", probes, 0)
    require_at_least("positives", positives, 0)
    if positives > probes:
        raise MetricInputError(f"positives ({positives}) must not exceed probes ({probes}).")
    if positives == 0:
        return None
    if probes == 1:
        return 1.0
    harmonic = float(np.sum(1.0 / np.arange(1, probes + 1)))
    return ((positives - 1) / (probes - 1) * (probes - harmonic) + harmonic) / probes
