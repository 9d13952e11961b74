from itertools import permutations

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, cohen_kappa_score

from recognition.metrics.bounds import (
    chance_average_precision,
    chance_recognition_rate,
    human_agreement,
    majority_recognition_rate,
)
from recognition.metrics.inputs import MetricInputError
from recognition.metrics.intervals import (
    comparisons_needed,
    highest_rate_without_errors,
    percentile_interval,
    wilson_interval,
)


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (5, 5), (3, 10), (999, 1000), (1, 1)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilson_interval_agrees_with_scipy(successes, trials, level):
    expected = binomtest(successes, trials).proportion_ci(level, method="wilson")
    ours = wilson_interval(successes, trials, level=level)
    assert (ours.low, ours.high, ours.level) == pytest.approx((expected.low, expected.high, level), abs=1e-9)


def test_wilson_interval_without_trials_is_none_and_of_impossible_counts_refused():
    assert wilson_interval(0, 0) is None
    with pytest.raises(MetricInputError, match="successes"):
        wilson_interval(3, 2)


def test_percentile_interval_leaves_undefined_resamples_out():
    interval = percentile_interval(np.array([np.nan, *np.linspace(0, 1, 101)]), level=0.9)
    assert (interval.low, interval.high) == pytest.approx((0.05, 0.95))
    assert percentile_interval(np.array([np.nan])) is None


@pytest.mark.parametrize(("rate", "needed"), [(0.1, 30), (1e-3, 3000), (1e-6, 3_000_000), (0.07, 43)])
def test_comparisons_needed_follow_the_rule_of_three(rate, needed):
    assert comparisons_needed(rate) == needed


def test_error_free_comparisons_rule_out_rates_as_the_binomial_does():
    for comparisons in (30, 1000):
        bound = highest_rate_without_errors(comparisons)
        assert (1 - bound) ** comparisons == pytest.approx(0.05, abs=0.01)
    assert highest_rate_without_errors(2) == 1.0
    assert highest_rate_without_errors(0) is None


def test_agreement_of_a_hand_worked_case():
    result = human_agreement(["Ann", "Ann", "Bob", "Bob"], ["Ann", "Bob", "Bob", "Bob"])
    assert (result.faces, result.agreed, result.share) == (4, 3, 0.75)
    assert result.kappa == pytest.approx((0.75 - 0.5) / 0.5)
    assert result.interval == wilson_interval(3, 4)


def test_kappa_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    first = rng.integers(0, 6, 300)
    second = np.where(rng.random(300) < 0.8, first, rng.integers(0, 8, 300))
    assert human_agreement(first, second).kappa == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)


def test_agreement_without_faces_or_without_choice():
    assert human_agreement([], []).share is None
    alone = human_agreement(["Ann"], ["Ann"])
    assert (alone.share, alone.kappa) == (1.0, None)


def test_chance_and_majority_rates():
    assert chance_recognition_rate(50) == 0.02
    assert chance_recognition_rate(0) is None
    assert majority_recognition_rate(["Ann", "Ann", "Bob", "Ann"]) == 0.75
    assert majority_recognition_rate([]) is None


@pytest.mark.parametrize(("positives", "probes"), [(1, 1), (1, 4), (2, 5), (3, 6), (6, 6)])
def test_chance_average_precision_is_the_mean_over_all_rankings(positives, probes):
    rankings = set(permutations([1] * positives + [0] * (probes - positives)))
    scores = np.arange(probes, 0, -1)
    expected = np.mean([average_precision_score(ranking, scores) for ranking in rankings])
    assert chance_average_precision(positives, probes) == pytest.approx(expected, abs=1e-12)


def test_chance_average_precision_without_positives_or_with_too_many():
    assert chance_average_precision(0, 10) is None
    with pytest.raises(MetricInputError, match="must not exceed"):
        chance_average_precision(3, 2)
