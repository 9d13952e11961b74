"""Imbalance figures against hand-worked values and their own limits."""

from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.imbalance import imbalance

counts = st.lists(st.integers(1, 500), min_size=1, max_size=60)


def test_figures_of_a_small_set_worked_by_hand():
    figures = imbalance([1, 3])
    # Gini of (1, 3): mean absolute difference 2·|1−3|/4 = 1, over twice the mean 2·2 → 0.25.
    entropy = -(0.25 * log(0.25) + 0.75 * log(0.75))
    assert figures == {
        "people": 2,
        "fewest": 1,
        "median": 2.0,
        "most": 3,
        "ratio": 3.0,
        "gini": 0.25,
        "normalised_entropy": pytest.approx(entropy / log(2), abs=1e-6),
        "effective_people": pytest.approx(exp(entropy), abs=1e-3),
        "effective_faces": 4.0,  # 1 + (1 − 0.999³) / 0.001
    }


@given(st.integers(1, 400), st.integers(1, 50))
def test_an_even_set_is_as_even_as_can_be(faces, people):
    figures = imbalance([faces] * people)
    assert figures["gini"] == 0
    assert figures["ratio"] == 1
    assert figures["normalised_entropy"] == 1
    assert figures["effective_people"] == pytest.approx(people, abs=1e-3)


@given(counts, st.randoms(use_true_random=False))
def test_figures_keep_their_limits_and_ignore_the_order(counts, random):
    figures = imbalance(counts)
    assert 0 <= figures["gini"] < 1
    assert 0 <= figures["normalised_entropy"] <= 1
    assert 1 - 1e-3 <= figures["effective_people"] <= len(counts) + 1e-3
    assert figures["fewest"] <= figures["median"] <= figures["most"]
    assert imbalance(random.sample(counts, len(counts))) == figures


@given(counts)
def test_gini_is_the_mean_absolute_difference_over_twice_the_mean(counts):
    pairs = sum(abs(a - b) for a in counts for b in counts) / len(counts) ** 2
    assert imbalance(counts)["gini"] == pytest.approx(pairs / (2 * sum(counts) / len(counts)), abs=1e-6)


def test_nobody_has_no_figures():
    figures = imbalance([])
    assert figures.pop("people") == 0
    assert set(figures.values()) == {None}


def test_a_person_without_faces_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="at least one face"):
        imbalance([3, 0])
