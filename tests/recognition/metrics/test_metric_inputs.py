"""What every measure refuses, and the sentence it refuses it with."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recognition.metrics.average_precision import average_precision, precision_recall_curve
from recognition.metrics.confusion import counts_at_threshold, identity_counts
from recognition.metrics.gallery import GalleryPolicy, IdentityScores, identity_scores
from recognition.metrics.groups import NO_GROUP, group_columns, shares_group
from recognition.metrics.inputs import MetricInputError
from recognition.metrics.pairs import roc_of_embeddings, roc_of_similarity
from recognition.metrics.roc import roc_curve
from recognition.metrics.verification import folded_accuracy

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "measure",
    [
        lambda bad: average_precision([bad, 0.1], [True, False]),
        lambda bad: precision_recall_curve([bad, 0.1], [True, False]),
        lambda bad: counts_at_threshold([bad, 0.1], [True, False], 0.5),
        lambda bad: counts_at_threshold([0.2, 0.1], [True, False], bad),
        lambda bad: roc_curve([bad], [0.1]),
        lambda bad: roc_curve([0.1], [0.2, bad]),
        lambda bad: folded_accuracy([bad, 0.1], [True, False], [0, 1]),
        lambda bad: identity_scores([[bad]], ["a"], GalleryPolicy.BEST),
        lambda bad: roc_of_similarity([[1, bad], [bad, 1]], ["a", "b"]),
        lambda bad: roc_of_similarity([[1, bad], [bad, 1]], ["a", "a"]),
        lambda bad: roc_of_embeddings([[1, 0], [bad, 1]], ["a", "b"]),
    ],
)
def test_scores_that_are_not_finite_are_refused(measure, bad):
    with pytest.raises(MetricInputError, match="finite"):
        measure(bad)


@pytest.mark.parametrize(
    ("measure", "sentence"),
    [
        (lambda: average_precision([0.1, 0.2], [True]), r"is_positive must have shape \(2,\)"),
        (lambda: average_precision([[0.1]], [True]), "one dimension"),
        (lambda: average_precision(["high"], [True]), "must hold numbers"),
        (lambda: average_precision([0.1, 0.2], [0, 2]), "only true and false"),
        (lambda: average_precision([[0.1], [0.2, 0.3]], [0, 1]), "ragged"),
        (lambda: identity_counts([1, 2], [1]), r"predicted must have shape \(2,\)"),
        (lambda: identity_counts([1.5, 2], [1, 2]), "whole numbers or text"),
        (lambda: identity_counts(["1"], [1]), "same kind"),
        (lambda: identity_counts([1], [1], no_identity="unknown"), "same kind"),
        (lambda: identity_counts([None, "Ann"], ["Ann", "Ann"]), "whole numbers or text"),
        (lambda: identity_scores([[0.1, 0.2]], ["a"], GalleryPolicy.BEST), r"must have shape \(1, 1\)"),
        (lambda: roc_of_similarity([[1, 0]], ["a"]), "square"),
        (lambda: roc_of_embeddings([[2.0, 0]], ["a"]), "unit length"),
        (lambda: IdentityScores(np.array(["a", "a"]), np.zeros((1, 2))), "twice"),
        (lambda: IdentityScores(np.array(["a"]), np.array([[np.nan]])), "finite"),
    ],
)
def test_input_that_does_not_fit_is_refused_with_a_sentence(measure, sentence):
    with pytest.raises(MetricInputError, match=sentence):
        measure()


def test_the_error_is_a_value_error():
    assert issubclass(MetricInputError, ValueError)


def test_labels_given_as_python_strings_in_an_object_array_are_accepted():
    labels = np.array(["Ann", "Bob"], dtype=object)
    assert [row.identity for row in identity_counts(labels, labels)] == ["Ann", "Bob"]


def test_faces_share_a_group_when_any_kind_is_equal():
    probes = group_columns("probes", [[1, 7], [2, 8]], length=2)
    gallery = group_columns("gallery", [[1, 9], [3, 8], [4, 4]], length=3)
    assert shares_group(probes, gallery).tolist() == [[True, False, False], [False, True, False]]


def test_faces_without_a_group_share_none():
    alone = group_columns("probes", [NO_GROUP, NO_GROUP], length=2)
    assert not shares_group(alone, alone).any()


def test_groups_of_different_kinds_are_refused():
    with pytest.raises(MetricInputError, match="same kinds"):
        shares_group(np.zeros((1, 1), int), np.zeros((1, 2), int))


def test_group_ids_that_are_no_whole_numbers_are_refused():
    with pytest.raises(MetricInputError, match="whole numbers"):
        group_columns("groups", [0.5], length=1)


def test_the_measures_import_nothing_but_numpy_and_scipy():
    program = (
        "import pkgutil, importlib, sys, recognition.metrics as package\n"
        "for module in pkgutil.iter_modules(package.__path__):\n"
        "    importlib.import_module(f'recognition.metrics.{module.name}')\n"
        "print([name for name in ('sklearn', 'torch', 'cv2', 'django', 'pandas') if name in sys.modules])"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
