import numpy as np
import pytest

from recognition.metrics.gallery import IdentityScores
from recognition.metrics.inputs import MetricInputError
from recognition.metrics.open_set import open_set_identification

PEOPLE = np.array(["Ann", "Bob"])


def scores_of(mated, strangers):
    """Probes of Ann with the given (own, Bob's) scores, then strangers with the given best score."""
    rows = [[own, other] for own, other in mated] + [[best, -1.0] for best in strangers]
    labels = ["Ann"] * len(mated) + ["stranger"] * len(strangers)
    return IdentityScores(PEOPLE, np.array(rows, dtype=float).reshape(-1, 2)), labels


def test_misses_at_a_bearable_rate_of_false_alarms():
    strangers = np.arange(1, 31) / 100  # 0.01 … 0.30; 10 % of 30 lets the top three through
    scores, labels = scores_of([(0.5, 0), (0.28, 0), (0.27, 0), (0.1, 0)], strangers)
    result = open_set_identification(scores, labels, fpir_targets=[0.1])
    (point,) = result.at_fpir
    assert (result.mated, result.strangers) == (4, 30)
    assert point.supported
    assert point.threshold == 0.28
    assert point.fpir == pytest.approx(0.1)
    assert point.fnir == 0.5


def test_the_right_person_behind_another_is_a_miss():
    scores, labels = scores_of([(0.8, 0.9), (0.8, 0.8), (0.8, 0.1)], [0.0] * 30)
    (point,) = open_set_identification(scores, labels, fpir_targets=[0.1]).at_fpir
    assert point.fnir == pytest.approx(2 / 3)
    (point,) = open_set_identification(scores, labels, fpir_targets=[0.1], within_rank=2).at_fpir
    assert point.fnir == 0.0


def test_a_target_that_strangers_cannot_support_is_no_number():
    scores, labels = scores_of([(0.5, 0)], [0.1] * 29)
    (point,) = open_set_identification(scores, labels, fpir_targets=[0.1]).at_fpir
    assert (point.supported, point.strangers_needed) == (False, 30)
    assert (point.threshold, point.fpir, point.fnir) == (None, None, None)


def test_when_nobody_may_be_named_everybody_is_missed():
    scores, labels = scores_of([(0.1, 0)], [0.5] * 30)
    (point,) = open_set_identification(scores, labels, fpir_targets=[0.1]).at_fpir
    assert (point.supported, point.threshold, point.fpir, point.fnir) == (True, None, 0.0, 1.0)


def test_curve_agrees_with_counting_at_each_threshold():
    rng = np.random.default_rng(2)
    values = rng.random((150, 6)).round(2)
    own = rng.integers(0, 9, 150)  # 6, 7 and 8 are strangers
    values[own < 6, own[own < 6]] += 0.4
    result = open_set_identification(IdentityScores(np.arange(6), values), own)
    mated, strangers = own < 6, own >= 6
    others = values.copy()
    others[mated, own[mated]] = -np.inf
    own_score = values[mated, own[mated]]
    first = own_score > others[mated].max(axis=1)
    for threshold, fpir, fnir in zip(result.thresholds, result.fpir, result.fnir, strict=True):
        assert fpir == np.mean(values[strangers].max(axis=1) >= threshold)
        assert fnir == pytest.approx(np.mean(~(first & (own_score >= threshold))))


def test_probes_that_meet_no_gallery_face_are_counted_and_left_out():
    minus = -np.inf
    scores = IdentityScores(PEOPLE, np.array([[minus, 0.2], [minus, minus], [0.4, 0.1]]))
    result = open_set_identification(scores, ["Ann", "stranger", "Ann"])
    assert (result.mated, result.strangers, result.not_comparable) == (1, 0, 2)


def test_no_probes_give_empty_curves():
    result = open_set_identification(IdentityScores(PEOPLE, np.zeros((0, 2))), [])
    assert (result.mated, result.strangers) == (0, 0)
    assert result.thresholds.shape == result.fpir.shape == result.fnir.shape == (0,)
    assert not any(point.supported for point in result.at_fpir)


@pytest.mark.parametrize("target", [0, 1, -0.1, np.nan])
def test_targets_must_be_shares(target):
    scores, labels = scores_of([(0.5, 0)], [0.1])
    with pytest.raises(MetricInputError, match="between 0 and 1"):
        open_set_identification(scores, labels, fpir_targets=[target])
