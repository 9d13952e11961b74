"""Figures of the ledger against values worked out by hand."""

import numpy as np
import pytest

from recognition.ledger_figures import (
    calibration,
    decisions_needed,
    learn_threshold,
    letters_until_unique,
    share,
    threshold_curve,
)
from recognition.metrics.intervals import wilson_interval


def test_a_share_of_nothing_is_no_figure():
    assert (share(0, 0).value, share(0, 0).interval) == (None, None)
    assert share(3, 4).value == 0.75


def test_calibration_compares_promise_and_truth():
    found = calibration([0.92, 0.94, 0.55, 0.55], [True, False, True, False])
    low, high = found.bins
    assert (low.low, low.high, low.promised, low.right.value) == (0.5, 0.6, pytest.approx(0.55), 0.5)
    assert (high.promised, high.right.part, high.right.whole) == (pytest.approx(0.93), 1, 2)
    assert found.ece == pytest.approx((2 * 0.05 + 2 * 0.43) / 4)
    assert found.brier == pytest.approx((0.08**2 + 0.94**2 + 0.45**2 + 0.55**2) / 4)


def test_a_probability_of_one_is_in_the_last_bin():
    (only,) = calibration([1.0], [True]).bins
    assert (only.low, only.high) == (0.99, 1.0)


def test_nothing_decided_gives_no_calibration():
    found = calibration([], [])
    assert (found.bins, found.ece, found.brier) == ([], None, None)


def test_equal_probabilities_are_accepted_together():
    curve = threshold_curve([0.9, 0.8, 0.9, 0.7], [True, True, False, True])
    assert curve.thresholds.tolist() == [0.9, 0.8, 0.7]
    assert curve.accepted.tolist() == [2, 3, 4]
    assert curve.right.tolist() == [1, 2, 3]
    assert curve.coverage.tolist() == [0.5, 0.75, 1.0]


def test_a_threshold_is_learnt_when_enough_decisions_were_right():
    probability = np.concatenate([np.linspace(0.9, 1.0, 600), np.linspace(0.5, 0.6, 100)])
    right = np.concatenate([np.ones(600, bool), np.zeros(100, bool)])
    learnt = learn_threshold(threshold_curve(probability, right), 0.995)
    assert learnt.threshold == pytest.approx(0.9, abs=0.001)
    assert learnt.accepted == learnt.right >= 595 and learnt.missing == 0
    assert learnt.lower_bound >= 0.995 and learnt.coverage == learnt.accepted / 700


def test_few_decisions_support_no_threshold_however_right():
    learnt = learn_threshold(threshold_curve(np.full(100, 0.95), np.ones(100, bool)), 0.995)
    assert learnt.threshold is None
    assert learnt.missing == decisions_needed(0.995) - 100


def test_what_is_missing_is_what_would_be_enough():
    curve = threshold_curve(np.full(50, 0.95), np.arange(50) > 0)  # one error
    missing = learn_threshold(curve, 0.95).missing
    assert wilson_interval(49 + missing, 50 + missing, level=0.9).low >= 0.95
    assert wilson_interval(48 + missing, 49 + missing, level=0.9).low < 0.95


def test_no_decisions_at_all_lack_all_that_are_needed():
    learnt = learn_threshold(threshold_curve([], []), 0.995)
    assert (learnt.threshold, learnt.missing) == (None, decisions_needed(0.995))
    assert 500 < learnt.missing < 600


def test_what_is_less_likely_than_not_is_never_accepted():
    learnt = learn_threshold(threshold_curve(np.full(2000, 0.3), np.ones(2000, bool)), 0.9)
    assert learnt.threshold is None


def test_letters_until_a_name_is_unique():
    needed = letters_until_unique(["Ana", "Anna", "Ben", "Bo", "Benno"])
    assert needed == {"ana": 3, "anna": 3, "ben": 3, "benno": 4, "bo": 2}
    assert letters_until_unique(["Ana", "Anna", "Ben"], of=["Anna"]) == {"anna": 3}
    assert letters_until_unique(["Zoe"]) == {"zoe": 1}
