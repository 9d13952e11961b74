import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score

from recognition.metrics.confusion import (
    Confusion,
    ConfusionCounts,
    counts_at_threshold,
    identity_counts,
    top_confusions,
)
from recognition.metrics.inputs import MetricInputError


def test_rates_of_a_hand_worked_table():
    counts = ConfusionCounts(tp=6, fp=2, fn=4, tn=8)
    assert counts.tpr == counts.recall == 0.6
    assert counts.fnr == 0.4
    assert counts.fpr == counts.fall_out == 0.2
    assert counts.tnr == 0.8
    assert counts.precision == 0.75
    assert counts.f1 == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))
    assert counts.accuracy == 0.7


def test_rates_without_a_denominator_are_none():
    nothing = ConfusionCounts(0, 0, 0, 0)
    assert [nothing.tpr, nothing.fpr, nothing.precision, nothing.fnr, nothing.tnr, nothing.f1, nothing.accuracy] == [
        None
    ] * 7


def test_f1_is_zero_when_all_claims_are_wrong():
    assert ConfusionCounts(tp=0, fp=3, fn=0, tn=0).f1 == 0.0


def test_rates_over_negatives_are_none_where_negatives_cannot_be_counted():
    counts = ConfusionCounts(tp=1, fp=1, fn=0)
    assert (counts.fpr, counts.tnr, counts.accuracy) == (None, None, None)
    assert counts.precision == 0.5


@pytest.mark.parametrize("bad", [-1, 0.5, True])
def test_counts_that_are_no_counts_are_refused(bad):
    with pytest.raises(MetricInputError, match="fp must be a whole number"):
        ConfusionCounts(tp=0, fp=bad, fn=0, tn=0)


def test_a_score_equal_to_the_threshold_is_accepted():
    counts = counts_at_threshold([0.5, 0.5, 0.4], [True, False, True], 0.5)
    assert counts == ConfusionCounts(tp=1, fp=1, fn=1, tn=0)


def test_no_scores_give_no_counts():
    assert counts_at_threshold([], [], 0.5) == ConfusionCounts(0, 0, 0, 0)


def test_each_identity_is_counted_against_all_others():
    rows = identity_counts(["Ann", "Ann", "Bob", "Cid"], ["Ann", "Bob", "Bob", "Bob"])
    assert {row.identity: row.counts for row in rows} == {
        "Ann": ConfusionCounts(tp=1, fp=0, fn=1, tn=2),
        "Bob": ConfusionCounts(tp=1, fp=2, fn=0, tn=1),
        "Cid": ConfusionCounts(tp=0, fp=0, fn=1, tn=3),
    }
    assert [row.support for row in rows] == [2, 1, 1]


def test_an_unnamed_face_is_a_miss_and_a_named_stranger_a_false_claim():
    rows = identity_counts(["Ann", "-"], ["-", "Ann"], no_identity="-")
    assert [(row.identity, row.counts) for row in rows] == [("Ann", ConfusionCounts(tp=0, fp=1, fn=1, tn=0))]


def test_no_faces_give_no_identities():
    assert identity_counts([], []) == ()
    assert top_confusions([], []) == ()


def test_confusions_are_ranked_by_count_then_label():
    truth = ["Ann", "Ann", "Ann", "Ann", "Bob", "Cid"]
    predicted = ["Bob", "Bob", "Cid", "Ann", "Ann", "Cid"]
    assert top_confusions(truth, predicted) == (
        Confusion("Ann", "Bob", 2, 0.5),
        Confusion("Ann", "Cid", 1, 0.25),
        Confusion("Bob", "Ann", 1, 1.0),
    )
    assert top_confusions(truth, predicted, limit=1) == (Confusion("Ann", "Bob", 2, 0.5),)
    assert top_confusions(truth, predicted, identity="Bob") == (Confusion("Bob", "Ann", 1, 1.0),)


@pytest.mark.filterwarnings("ignore:A single label")
@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_identity_counts_agree_with_scikit_learn(pairs):
    truth, predicted = zip(*pairs, strict=True)
    rows = identity_counts(truth, predicted)
    labels = [row.identity for row in rows]
    matrix = confusion_matrix(truth, predicted, labels=labels)
    options = {"labels": labels, "average": None, "zero_division": 0}
    assert [row.counts.tp for row in rows] == matrix.diagonal().tolist()
    assert [row.counts.precision or 0.0 for row in rows] == pytest.approx(precision_score(truth, predicted, **options))
    assert [row.counts.recall or 0.0 for row in rows] == pytest.approx(recall_score(truth, predicted, **options))
    assert [row.counts.f1 or 0.0 for row in rows] == pytest.approx(f1_score(truth, predicted, **options))
    assert sum(found.count for found in top_confusions(truth, predicted, limit=99)) == len(pairs) - matrix.trace()
