import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from recognition.metrics.roc import RocCounter, equal_error_rate, roc_curve

# Few distinct scores, so that genuine and impostor scores tie in nearly every example.
tied_scores = st.lists(st.integers(0, 7).map(lambda n: n / 8), min_size=1, max_size=60)


def sklearn_curve(genuine, impostor):
    truth = [1] * len(genuine) + [0] * len(impostor)
    return truth, [*genuine, *impostor]


def test_curve_of_a_hand_worked_case():
    curve = roc_curve([0.9, 0.6, 0.4], [0.7, 0.5, 0.4, 0.1])
    assert curve.thresholds.tolist() == [0.9, 0.6, 0.4]
    assert curve.true_accepts.tolist() == [1, 2, 3]
    assert curve.false_accepts.tolist() == [0, 1, 3]
    assert curve.false_accepts_above.tolist() == [0, 1, 2]
    assert curve.fpr.tolist() == [0, 0.25, 0.75]
    assert curve.tpr.tolist() == pytest.approx([1 / 3, 2 / 3, 1])
    assert curve.fnr.tolist() == pytest.approx([2 / 3, 1 / 3, 0])
    assert curve.auc == pytest.approx((4 + 3 + 1.5) / 12)


def test_auc_ends_and_ties():
    assert roc_curve([0.9], [0.1]).auc == 1.0
    assert roc_curve([0.1], [0.9]).auc == 0.0
    assert roc_curve([0.5, 0.5], [0.5]).auc == 0.5


@pytest.mark.parametrize(("genuine", "impostor"), [([], []), ([0.5], []), ([], [0.5])])
def test_one_kind_of_score_alone_has_no_area_and_no_error_rate(genuine, impostor):
    curve = roc_curve(genuine, impostor)
    assert curve.auc is None
    assert equal_error_rate(curve) is None
    assert (curve.genuine, curve.impostors) == (len(genuine), len(impostor))
    assert curve.thresholds.shape == curve.tpr.shape == curve.fpr.shape == (len(genuine),)
    assert [part.shape for part in curve.vertices()] == [(0,), (0,)]


@settings(deadline=None)
@given(tied_scores, tied_scores)
def test_auc_agrees_with_scikit_learn(genuine, impostor):
    expected = sk.roc_auc_score(*sklearn_curve(genuine, impostor))
    assert roc_curve(genuine, impostor).auc == pytest.approx(expected, abs=1e-9)


@settings(deadline=None)
@given(tied_scores, tied_scores)
def test_operating_points_agree_with_scikit_learn(genuine, impostor):
    fpr, tpr, thresholds = sk.roc_curve(*sklearn_curve(genuine, impostor), drop_intermediate=False)
    theirs = {t: (f, p) for t, f, p in zip(thresholds, fpr, tpr, strict=True)}
    curve = roc_curve(genuine, impostor)
    for threshold, f, p in zip(curve.thresholds, curve.fpr, curve.tpr, strict=True):
        assert (f, p) == pytest.approx(theirs[threshold], abs=1e-9)


@settings(deadline=None)
@given(tied_scores, tied_scores)
def test_the_polyline_passes_through_every_point_scikit_learn_knows(genuine, impostor):
    fpr, tpr, _ = sk.roc_curve(*sklearn_curve(genuine, impostor), drop_intermediate=False)
    x, y = roc_curve(genuine, impostor).vertices()
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert (np.diff(x) >= 0).all() and (np.diff(y) >= 0).all()
    # fpr + tpr grows along both lines, so it says how far along a point stands.
    np.testing.assert_allclose(np.interp(fpr + tpr, x + y, x), fpr, atol=1e-9)
    assert sk.auc(x, y) == pytest.approx(sk.auc(fpr, tpr), abs=1e-9)


@settings(deadline=None)
@given(tied_scores, tied_scores)
def test_equal_error_rate_lies_where_scikit_learns_curve_crosses(genuine, impostor):
    fpr, tpr, _ = sk.roc_curve(*sklearn_curve(genuine, impostor), drop_intermediate=False)
    expected = np.interp(0, fpr + tpr - 1, fpr)
    assert equal_error_rate(roc_curve(genuine, impostor)) == pytest.approx(expected, abs=1e-9)


def test_equal_error_rate_of_hand_worked_cases():
    assert equal_error_rate(roc_curve([0.9, 0.8], [0.1, 0.2])) == 0.0
    assert equal_error_rate(roc_curve([0.1, 0.2], [0.9, 0.8])) == 1.0
    assert equal_error_rate(roc_curve([0.5], [0.5])) == 0.5
    assert equal_error_rate(roc_curve([0.9, 0.3], [0.4, 0.1])) == 0.5
    # One of three genuine pairs fails wherever between none and one of two impostors passes.
    assert equal_error_rate(roc_curve([0.9, 0.8, 0.3], [0.4, 0.1])) == pytest.approx(1 / 3)


def test_counting_in_chunks_of_any_order_gives_the_same_curve(monkeypatch):
    monkeypatch.setattr("recognition.metrics.roc.IMPOSTORS_PER_CHUNK", 13)
    rng = np.random.default_rng(0)
    genuine, impostor = rng.random(50).round(1), rng.random(200).round(1)
    counter = RocCounter(genuine)
    for part in np.array_split(rng.permutation(impostor), 7):
        counter.add_impostors(part)
    whole, parts = roc_curve(genuine, impostor), counter.curve()
    np.testing.assert_array_equal(whole.false_accepts, parts.false_accepts)
    np.testing.assert_array_equal(whole.false_accepts_above, parts.false_accepts_above)
    assert (
        whole.auc
        == parts.auc
        == pytest.approx(sk.roc_auc_score(*sklearn_curve(genuine.tolist(), impostor.tolist())), abs=1e-12)
    )


def test_single_precision_scores_meet_double_precision_ones_exactly():
    genuine = np.array([0.1], dtype=np.float32)  # a little above 0.1 in double precision
    assert roc_curve(genuine, np.array([0.1])).auc == 1.0
    assert roc_curve(genuine, genuine.astype(np.float64)).auc == 0.5


@pytest.mark.parametrize("kind", ["apart", "mixed", "rounded", "equal", "tiny range"])
def test_many_impostors_are_counted_as_if_each_was_compared(kind, monkeypatch):
    """They go through bins; what shares a bin with a genuine score must still be told apart exactly."""
    monkeypatch.setattr("recognition.metrics.roc.FEW", 100)
    rng = np.random.default_rng(3)
    genuine, impostor = rng.normal(0.6, 0.2, 400), rng.normal(0, 0.3, 50_000)
    if kind == "mixed":
        genuine = rng.normal(0, 0.3, 400)
        impostor = np.concatenate([impostor, genuine[:50], np.nextafter(genuine[:50], 1)])
    if kind == "rounded":
        genuine, impostor = genuine.round(2), impostor.round(2)
    if kind == "equal":
        genuine = np.full(400, 0.25)
        impostor[:7] = 0.25
    if kind == "tiny range":
        genuine = np.array([0.0, 5e-324])
        impostor[:9] = 0.0
    curve = roc_curve(genuine, impostor)
    ordered = np.sort(impostor)
    expected = impostor.size - np.searchsorted(ordered, curve.thresholds, side="left")
    np.testing.assert_array_equal(curve.false_accepts, expected)
    expected = impostor.size - np.searchsorted(ordered, curve.thresholds, side="right")
    np.testing.assert_array_equal(curve.false_accepts_above, expected)
