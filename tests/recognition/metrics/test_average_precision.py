import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from recognition.metrics.average_precision import (
    average_precision,
    corners_of_precision_recall,
    precision_recall_curve,
)
from recognition.metrics.roc import roc_curve

# Few distinct scores, so that nearly every example has ties.
ranked = st.lists(st.tuples(st.integers(0, 6).map(lambda n: n / 7), st.booleans()), min_size=1, max_size=80)


def test_average_precision_of_a_hand_worked_ranking():
    assert average_precision([0.9, 0.8, 0.7], [True, False, True]) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_tied_scores_are_one_step_whatever_their_order():
    assert average_precision([0.5, 0.5], [True, False]) == 0.5
    assert average_precision([0.5, 0.5], [False, True]) == 0.5


def test_average_precision_ends():
    assert average_precision([0.9, 0.1], [True, False]) == 1.0
    assert average_precision([0.9, 0.8, 0.1], [False, False, True]) == pytest.approx(1 / 3)


@pytest.mark.parametrize("scores", [[], [0.1, 0.2]])
def test_without_positives_there_is_no_average_precision(scores):
    none = [False] * len(scores)
    assert average_precision(scores, none) is None
    curve = precision_recall_curve(scores, none)
    assert curve.precision.shape == curve.recall.shape == curve.thresholds.shape == (0,)


def test_only_positives_give_precision_one_throughout():
    curve = precision_recall_curve([0.3, 0.2, 0.3], [True, True, True])
    assert curve.thresholds.tolist() == [0.3, 0.2]
    assert curve.precision.tolist() == [1, 1]
    assert curve.recall.tolist() == pytest.approx([2 / 3, 1])


@settings(deadline=None)
@given(ranked)
def test_average_precision_agrees_with_scikit_learn(ranking):
    scores, positive = zip(*ranking, strict=True)
    ours = average_precision(scores, positive)
    if not any(positive):
        assert ours is None
    else:
        assert ours == pytest.approx(sk.average_precision_score(positive, scores), abs=1e-9)


@settings(deadline=None)
@given(ranked)
def test_the_curve_agrees_with_scikit_learn(ranking):
    scores, positive = zip(*ranking, strict=True)
    if not any(positive):
        return
    ours = precision_recall_curve(scores, positive)
    precision, recall, thresholds = sk.precision_recall_curve(positive, scores)
    # scikit-learn runs the other way and ends with an invented point (recall 0, precision 1).
    np.testing.assert_allclose(ours.thresholds, thresholds[::-1])
    np.testing.assert_allclose(ours.precision, precision[-2::-1], atol=1e-9)
    np.testing.assert_allclose(ours.recall, recall[-2::-1], atol=1e-9)


@settings(deadline=None)
@given(ranked)
def test_average_precision_is_the_area_summed_over_its_own_curve(ranking):
    scores, positive = zip(*ranking, strict=True)
    curve = precision_recall_curve(scores, positive)
    area = float(np.sum(np.diff(curve.recall, prepend=0) * curve.precision))
    assert (average_precision(scores, positive) or 0.0) == pytest.approx(area, abs=1e-12)


def test_half_precision_scores_are_ranked_as_given():
    scores = np.array([0.9, 0.8, 0.7], dtype=np.float16)
    assert average_precision(scores, [True, False, True]) == pytest.approx(5 / 6)


def test_the_corners_of_the_curve_are_its_points_where_recall_rises():
    rng = np.random.default_rng(4)
    scores, positive = rng.normal(size=300).round(1), rng.random(300) < 0.2
    whole = precision_recall_curve(scores, positive)
    rises = np.diff(whole.recall, prepend=0) > 0
    corners = corners_of_precision_recall(roc_curve(scores[positive], scores[~positive]))
    np.testing.assert_allclose(corners.recall, whole.recall[rises], atol=1e-12)
    np.testing.assert_allclose(corners.precision, whole.precision[rises], atol=1e-12)
    assert corners_of_precision_recall(roc_curve([], [0.1])).recall.size == 0
