import numpy as np
import pytest

from recognition.metrics.curves import decimate_curve
from recognition.metrics.inputs import MetricInputError


def test_ends_and_corners_stay_and_straight_stretches_go():
    x = [0, 0, 0, 0.5, 1, 1, 1]
    y = [0, 0.5, 1, 1, 1, 2, 3]
    assert decimate_curve(x, y, 100).tolist() == [0, 2, 4, 6]


def test_the_budget_is_kept_and_spent_on_the_sharpest_corner_first():
    x = np.arange(5)
    y = [0, 0.1, 0, 5, 0]
    assert decimate_curve(x, y, 3).tolist() == [0, 3, 4]


def test_a_thinned_curve_stays_close_to_the_whole():
    rng = np.random.default_rng(0)
    x, y = np.sort(rng.random(5000)), np.sort(rng.random(5000) ** 3)
    kept = decimate_curve(x, y, 200)
    assert kept.size <= 200 and kept[0] == 0 and kept[-1] == 4999
    assert (np.diff(kept) > 0).all()
    assert np.abs(np.interp(x, x[kept], y[kept]) - y).max() < 0.01


def test_a_curve_that_returns_to_its_start_keeps_its_far_point():
    assert decimate_curve([0, 1, 0], [0, 1, 0], 10).tolist() == [0, 1, 2]


@pytest.mark.parametrize("size", [0, 1, 2])
def test_short_curves_are_returned_whole(size):
    assert decimate_curve(range(size), range(size), 2).tolist() == list(range(size))


def test_a_curve_without_height_needs_its_ends_only():
    assert decimate_curve([0, 1, 2], [5, 5, 5], 10).tolist() == [0, 2]


@pytest.mark.parametrize(
    ("x", "y", "points", "sentence"),
    [
        ([0, 1], [0], 5, "equally long"),
        ([0, np.nan], [0, 1], 5, "finite"),
        ([0, 1], [0, 1], 1, "max_points"),
    ],
)
def test_curves_that_cannot_be_drawn_are_refused(x, y, points, sentence):
    with pytest.raises(MetricInputError, match=sentence):
        decimate_curve(x, y, points)
