"""Precision and recall of proposals at each confidence, and the one that keeps a recall."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition.metrics.inputs import MetricInputError
from recognition.metrics.intervals import wilson_interval
from recognition.metrics.proposals import proposal_curve, threshold_for_recall


def test_a_curve_worked_out_by_hand():
    curve = proposal_curve([0.9, 0.8, 0.95, 0.8], [1, 0, 1, 1], missed=1)
    assert curve.thresholds.tolist() == [0.95, 0.9, 0.8]
    assert (curve.hits.tolist(), curve.false_alarms.tolist(), curve.faces) == ([1, 2, 3], [0, 0, 1], 4)
    assert curve.recall.tolist() == [0.25, 0.5, 0.75]
    assert curve.precision.tolist() == [1, 1, 0.75]
    assert [curve.at(threshold) for threshold in (1, 0.9, 0.85, 0.8, 0)] == [(0, 0), (2, 0), (2, 0), (3, 1), (3, 1)]


def test_without_proposals_or_faces_nothing_is_invented():
    nothing = proposal_curve([], [], missed=0)
    assert nothing.thresholds.size == 0 and nothing.at(0.5) == (0, 0)
    assert threshold_for_recall(nothing, 0.9).threshold is None
    assert threshold_for_recall(nothing, 0.9).recall is None and threshold_for_recall(nothing, 0.9).missing > 0
    only_missed = proposal_curve([], [], missed=3)
    assert (only_missed.faces, threshold_for_recall(only_missed, 0.9).recall) == (3, 0)
    no_faces = proposal_curve([0.9], [0], missed=0)
    assert np.isnan(no_faces.recall).all() and no_faces.precision.tolist() == [0]
    assert threshold_for_recall(no_faces, 0.9).threshold is None


def test_the_strictest_confidence_that_shows_the_recall_is_taken():
    scores = np.concatenate([np.full(900, 0.99), np.full(60, 0.9), np.full(40, 0.8)])
    curve = proposal_curve(scores, np.ones(1000), missed=0)
    found = threshold_for_recall(curve, 0.93)
    assert (found.threshold, found.recall) == (0.9, 0.96)
    assert found.lower_bound == wilson_interval(960, 1000, level=0.9).low > 0.93
    assert threshold_for_recall(curve, 0.95).threshold == 0.8  # 0.96 of 1,000 does not show 0.95


def test_too_few_faces_show_nothing_and_it_is_said_how_many_are_missing():
    curve = proposal_curve(np.full(20, 0.9), np.ones(20), missed=0)
    told = threshold_for_recall(curve, 0.95)
    assert (told.threshold, told.recall) == (None, 1)
    enough = proposal_curve(np.full(20 + told.missing, 0.9), np.ones(20 + told.missing), missed=0)
    short = proposal_curve(np.full(19 + told.missing, 0.9), np.ones(19 + told.missing), missed=0)
    assert threshold_for_recall(enough, 0.95).threshold == 0.9
    assert threshold_for_recall(short, 0.95).threshold is None


def test_a_recall_that_was_never_reached_is_not_a_matter_of_more_faces():
    told = threshold_for_recall(proposal_curve(np.full(80, 0.9), np.ones(80), missed=20), 0.9)
    assert (told.threshold, told.recall, told.missing) == (None, 0.8, None)


def test_wrong_input_is_refused():
    with pytest.raises(MetricInputError):
        proposal_curve([np.nan], [1], missed=0)
    with pytest.raises(MetricInputError):
        proposal_curve([0.5], [1, 0], missed=0)
    with pytest.raises(MetricInputError):
        proposal_curve([0.5], [1], missed=-1)
    with pytest.raises(MetricInputError):
        threshold_for_recall(proposal_curve([0.5], [1], missed=0), 1)


@given(st.lists(st.tuples(st.sampled_from([0.7, 0.8, 0.85, 0.9, 0.99]), st.booleans()), max_size=60), st.integers(0, 9))
def test_counting_one_by_one_gives_the_same(proposals, missed):
    curve = proposal_curve([score for score, _ in proposals], [face for _, face in proposals], missed=missed)
    for place, threshold in enumerate(curve.thresholds):
        reached = [face for score, face in proposals if score >= threshold]
        assert (curve.hits[place], curve.false_alarms[place]) == (sum(reached), len(reached) - sum(reached))
    assert curve.faces == sum(face for _, face in proposals) + missed
