import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognition.metrics.confusion import ConfusionCounts
from recognition.metrics.inputs import MetricInputError
from recognition.metrics.roc import roc_curve
from recognition.metrics.thresholds import OperatingPoint, threshold_for_cost, threshold_for_max_fpr

GENUINE = [0.9, 0.7, 0.5]
IMPOSTOR = [0.6] * 2 + [0.1] * 18  # two of twenty stand above 0.5


def test_the_highest_tpr_within_the_limit_is_chosen():
    curve = roc_curve(GENUINE, IMPOSTOR)
    loose = threshold_for_max_fpr(curve, 0.15)
    assert loose.point == OperatingPoint(0.5, ConfusionCounts(tp=3, fp=2, fn=0, tn=18))
    assert (loose.supported, loose.tpr, loose.impostors_needed) == (True, 1.0, 20)


def test_a_limit_the_impostors_cannot_support_gives_no_point():
    choice = threshold_for_max_fpr(roc_curve(GENUINE, IMPOSTOR), 0.1)
    assert (choice.supported, choice.point, choice.tpr) == (False, None, None)
    assert (choice.impostors, choice.impostors_needed) == (20, 30)


def test_without_genuine_pairs_there_is_no_point():
    assert not threshold_for_max_fpr(roc_curve([], IMPOSTOR), 0.5).supported


def test_when_every_threshold_lets_too_many_through_nothing_is_accepted():
    choice = threshold_for_max_fpr(roc_curve([0.3], [0.9] * 10), 0.5)
    assert choice.point == OperatingPoint(None, ConfusionCounts(tp=0, fp=0, fn=1, tn=10))
    assert choice.tpr == 0.0


def test_a_limit_met_exactly_is_met():
    curve = roc_curve([0.5], [0.6] * 29 + [0.1] * 71)
    assert threshold_for_max_fpr(curve, 0.29).tpr == 1.0


def test_costs_move_the_threshold():
    curve = roc_curve(GENUINE, IMPOSTOR)
    dear_rejects = threshold_for_cost(curve, false_accept_cost=1, false_reject_cost=10)
    assert (dear_rejects.threshold, dear_rejects.counts.fn) == (0.5, 0)
    dear_accepts = threshold_for_cost(curve, false_accept_cost=10, false_reject_cost=1)
    assert (dear_accepts.threshold, dear_accepts.counts.fp) == (0.7, 0)


def test_refusing_everything_is_a_choice():
    point = threshold_for_cost(roc_curve([0.3], [0.9] * 10), false_accept_cost=1, false_reject_cost=1)
    assert point == OperatingPoint(None, ConfusionCounts(tp=0, fp=0, fn=1, tn=10))


def test_equal_costs_take_the_strictest_threshold():
    # Refusing all costs one false reject, accepting at 0.5 costs one false accept.
    point = threshold_for_cost(roc_curve([0.5], [0.5]), false_accept_cost=1, false_reject_cost=1)
    assert point.threshold is None


def test_the_share_of_genuine_comparisons_in_use_counts():
    curve = roc_curve([0.9, 0.5], [0.6, 0.1])
    costs = {"false_accept_cost": 1, "false_reject_cost": 1}
    assert threshold_for_cost(curve, **costs, genuine_share=0.9).threshold == 0.5
    assert threshold_for_cost(curve, **costs, genuine_share=0.1).threshold == 0.9


@pytest.mark.parametrize(("genuine", "impostor"), [([], []), ([0.5], []), ([], [0.5])])
def test_cost_needs_both_kinds_of_pairs(genuine, impostor):
    assert threshold_for_cost(roc_curve(genuine, impostor), false_accept_cost=1, false_reject_cost=1) is None


scores = st.lists(st.integers(0, 6).map(lambda n: n / 7), min_size=1, max_size=30)


@settings(deadline=None)
@given(scores, scores, st.integers(1, 20), st.integers(1, 20))
def test_no_threshold_is_cheaper_than_the_chosen_one(genuine, impostor, accept_cost, reject_cost):
    point = threshold_for_cost(
        roc_curve(genuine, impostor), false_accept_cost=accept_cost, false_reject_cost=reject_cost
    )

    def cost(threshold):
        accepted, refused = np.array(impostor) >= threshold, np.array(genuine) < threshold
        return accept_cost * accepted.sum() + reject_cost * refused.sum()

    chosen = 9.0 if point.threshold is None else point.threshold
    assert cost(chosen) == min(cost(threshold) for threshold in {*genuine, *impostor, 9.0})
    assert point.counts.fp == np.sum(np.array(impostor) >= chosen)


@pytest.mark.parametrize("costs", [(0, 0), (-1, 1), (np.nan, 1), (1, np.inf)])
def test_costs_that_are_no_costs_are_refused(costs):
    with pytest.raises(MetricInputError, match="Costs"):
        threshold_for_cost(roc_curve([0.5], [0.4]), false_accept_cost=costs[0], false_reject_cost=costs[1])


@pytest.mark.parametrize("share", [0, 1, 1.5])
def test_shares_and_limits_outside_zero_and_one_are_refused(share):
    curve = roc_curve([0.5], [0.4])
    with pytest.raises(MetricInputError, match="between 0 and 1"):
        threshold_for_max_fpr(curve, share)
    with pytest.raises(MetricInputError, match="between 0 and 1"):
        threshold_for_cost(curve, false_accept_cost=1, false_reject_cost=1, genuine_share=share)
