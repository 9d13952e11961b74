import numpy as np
import pytest

from recognition.metrics.inputs import MetricInputError
from recognition.metrics.roc import roc_curve
from recognition.metrics.verification import folded_accuracy, most_accurate_threshold, verification


def test_targets_are_numbers_only_where_impostors_support_them():
    impostor = np.arange(3000) / 10_000  # 0 … 0.2999
    figures = verification(roc_curve([0.9, 0.29965, 0.2, 0.1], impostor))
    assert [(point.max_fpr, point.supported) for point in figures.at_fpr] == [
        (1e-1, True), (1e-2, True), (1e-3, True), (1e-4, False), (1e-5, False), (1e-6, False)
    ]  # fmt: skip
    assert [point.impostors_needed for point in figures.at_fpr] == [30, 300, 3000, 30_000, 300_000, 3_000_000]
    assert [point.tpr for point in figures.at_fpr] == [0.5, 0.5, 0.5, None, None, None]
    assert figures.at_fpr[3].point is None
    assert (figures.genuine, figures.impostors) == (4, 3000)


def test_the_observed_fpr_never_exceeds_the_target_even_with_ties():
    rng = np.random.default_rng(0)
    impostor, genuine = rng.random(500).round(2), (rng.random(300) * 0.5 + 0.5).round(2)
    for point in verification(roc_curve(genuine, impostor), [0.3, 0.1, 0.05, 0.01]).at_fpr:
        counts = point.point.counts
        assert counts.fpr <= point.max_fpr
        lower = sorted(set(genuine[genuine < point.point.threshold]))[-1]
        assert np.mean(impostor >= lower) > point.max_fpr


def test_without_pairs_every_figure_is_missing():
    figures = verification(roc_curve([], []))
    assert (figures.auc, figures.eer) == (None, None)
    assert not any(point.supported for point in figures.at_fpr)


def test_the_threshold_of_a_fold_comes_from_the_other_folds():
    # Folds 0 and 1 split at 0.5. Fold 2 alone would split at 0.8, but must be tested with 0.5.
    scores = [0.6, 0.4, 0.6, 0.4] + [0.9, 0.7] * 10
    result = folded_accuracy(scores, [1, 0] * 12, [0, 0, 1, 1] + [2] * 20)
    assert [(fold.fold, fold.pairs) for fold in result.folds] == [(0, 2), (1, 2), (2, 20)]
    assert [fold.threshold for fold in result.folds] == pytest.approx([0.8, 0.8, 0.5])
    assert [fold.accuracy for fold in result.folds] == [0.5, 0.5, 0.5]


def test_mean_deviation_and_standard_error_over_folds():
    # Accuracies ½, ½ and 0: mean ⅓, squared deviations 1/36, 1/36 and 4/36, halved for three folds.
    scores = [0.75, 0.25] * 6 + [0.25, 0.75] + [0.75, 0.75]
    result = folded_accuracy(scores, [1, 0] * 8, ["right"] * 12 + ["wrong"] * 2 + ["half"] * 2)
    assert [(fold.fold, fold.accuracy) for fold in result.folds] == [("half", 0.5), ("right", 0.5), ("wrong", 0.0)]
    assert result.mean == pytest.approx(1 / 3)
    assert result.deviation == pytest.approx(np.sqrt(1 / 12))
    assert result.standard_error == pytest.approx(np.sqrt(1 / 12) / np.sqrt(3))


def test_a_held_out_pair_exactly_at_the_threshold_is_accepted():
    result = folded_accuracy([0.75, 0.25, 0.5], [True, False, True], ["train", "train", "test"])
    assert result.folds[0].accuracy == 1.0


def test_folds_agree_with_trying_every_threshold():
    rng = np.random.default_rng(4)
    same = rng.random(400) < 0.5
    scores = (rng.normal(size=400) + 1.5 * same).round(1)
    folds = np.arange(400) % 10
    for fold in folded_accuracy(scores, same, folds).folds:
        train = folds != fold.fold
        every = [*np.unique(scores[train]), 99.0]
        best = max(np.mean((scores[train] >= threshold) == same[train]) for threshold in every)
        assert np.mean((scores[train] >= fold.threshold) == same[train]) == best
        test = ~train
        assert fold.accuracy == np.mean((scores[test] >= fold.threshold) == same[test])


def test_most_accurate_threshold_lies_halfway_and_is_the_strictest_of_equals():
    assert most_accurate_threshold([0.2, 0.6], [False, True]) == pytest.approx(0.4)
    # Accepting all or nothing are both half right: nothing is stricter.
    assert most_accurate_threshold([0.5, 0.5], [False, True]) > 0.5
    assert most_accurate_threshold([0.3, 0.5], [True, True]) == 0.3
    assert most_accurate_threshold([0.3, 0.5], [False, False]) > 0.5


def test_neighbouring_floats_are_still_told_apart():
    low = 0.5
    high = float(np.nextafter(low, 1))
    assert most_accurate_threshold([low, high], [False, True]) == high


def test_no_pairs_give_no_mean():
    result = folded_accuracy([], [], [])
    assert (result.folds, result.mean, result.deviation, result.standard_error) == ((), None, None, None)


def test_one_fold_cannot_be_tested():
    with pytest.raises(MetricInputError, match="at least two folds"):
        folded_accuracy([0.1, 0.2], [True, False], [1, 1])


def test_a_threshold_cannot_be_learned_from_nothing():
    with pytest.raises(MetricInputError, match="no pairs"):
        most_accurate_threshold([], [])
