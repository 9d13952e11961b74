"""The power law over people against laws that are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition.metrics.learning_curve import FEWEST_PEOPLE, USUAL_SLOPE, LearningCurve, fit_learning_curve

FACES = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256], float)


@given(st.floats(0.05, 0.9), st.floats(0.05, 0.95))
def test_a_law_without_noise_is_found_again(level, slope):
    curve = fit_learning_curve(FACES, 1 - level * FACES**-slope, np.full(9, 10_000_000))
    assert curve.level == pytest.approx(level, rel=1e-3)
    assert curve.slope == pytest.approx(slope, abs=1e-3)
    assert curve.people == 9


def test_gains_are_those_of_the_curve_worked_by_hand():
    curve = LearningCurve(level=0.4, slope=0.5, people=9)
    assert curve.error(4) == pytest.approx(0.2)
    assert curve.gain(4, 12) == pytest.approx(0.2 - 0.1)
    assert curve.gain(4, 12, error=0.3) == pytest.approx(0.15)  # half of what the person has of errors
    assert curve.gain(0, 4) == pytest.approx(1 - 0.2)
    assert curve.gain(10, 5, error=0.0) == 0


def test_more_faces_that_do_not_help_promise_nothing():
    ap = np.linspace(0.9, 0.5, 9)  # those with more faces fare worse
    curve = fit_learning_curve(FACES, ap, np.full(9, 100))
    assert curve.slope == 0
    assert curve.gain(3, 10) == 0


def test_few_people_or_all_alike_give_the_usual_slope():
    few = fit_learning_curve(FACES[:3], np.array([0.5, 0.6, 0.7]), np.full(3, 50))
    assert (few.slope, few.people) == (USUAL_SLOPE, 0)
    alike = fit_learning_curve(np.full(20, 5.0), np.full(20, 0.8), np.full(20, 50))
    assert (alike.slope, alike.people) == (USUAL_SLOPE, 0)
    assert alike.error(5) == pytest.approx(0.2)
    assert fit_learning_curve([], [], []).error(1) == 1
    assert FEWEST_PEOPLE > 3


def test_no_error_in_few_probes_is_no_proof_that_there_is_none():
    curve = fit_learning_curve(FACES, np.ones(9), np.full(9, 5))
    assert curve.error(1) == pytest.approx(0.1)
    assert curve.gain(5, 10, error=0.0) == 0


@pytest.mark.parametrize("faces, ap, probes", [([0], [1], [1]), ([1], [1], [0]), ([1, 2], [1], [1])])
def test_what_makes_no_sense_is_refused(faces, ap, probes):
    with pytest.raises(ValueError):
        fit_learning_curve(faces, ap, probes)
