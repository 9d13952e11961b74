import numpy as np
import pytest

from recognition.metrics.inputs import MetricInputError
from recognition.metrics.pairs import roc_of_embeddings, roc_of_similarity, split_pairs
from recognition.metrics.roc import roc_curve


def faces(seed, count, people):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, people, count)
    vectors = rng.normal(size=(people, 8))[labels] + rng.normal(size=(count, 8))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), labels


def pairs_one_by_one(similarity, labels, groups):
    genuine, impostor = [], []
    for i in range(len(labels)):
        for j in range(i + 1, len(labels)):
            if groups is not None and any(a == b and a >= 0 for a, b in zip(groups[i], groups[j], strict=True)):
                continue
            (genuine if labels[i] == labels[j] else impostor).append(similarity[i, j])
    return sorted(genuine), sorted(impostor)


def test_each_pair_is_taken_once_and_no_face_meets_itself():
    similarity = [[1.0, 0.8, 0.1], [0.8, 1.0, 0.2], [0.1, 0.2, 1.0]]
    pairs = split_pairs(similarity, ["Ann", "Ann", "Bob"])
    assert pairs.genuine.tolist() == [0.8]
    assert sorted(pairs.impostor.tolist()) == [0.1, 0.2]


@pytest.mark.parametrize("cells", [1, 20, 1 << 20])
@pytest.mark.parametrize("kinds", [0, 1, 2])
def test_blocks_of_any_size_give_the_pairs_of_a_plain_double_loop(cells, kinds):
    vectors, labels = faces(1, 37, 6)
    similarity = vectors @ vectors.T
    rng = np.random.default_rng(2)
    groups = rng.integers(-1, 5, (37, kinds)) if kinds else None
    genuine, impostor = pairs_one_by_one(similarity, labels, groups)
    pairs = split_pairs(similarity, labels, groups=groups, cells_per_block=cells)
    assert sorted(pairs.genuine.tolist()) == genuine
    assert sorted(pairs.impostor.tolist()) == impostor


def test_both_ways_to_the_curve_agree_with_the_split_pairs(monkeypatch):
    monkeypatch.setattr("recognition.metrics.pairs.IMPOSTORS_PER_CHUNK", 100)
    vectors, labels = faces(3, 60, 5)
    photos = np.arange(60) // 2
    similarity = vectors @ vectors.T
    pairs = split_pairs(similarity, labels, groups=photos)
    expected = roc_curve(pairs.genuine, pairs.impostor)
    by_matrix = roc_of_similarity(similarity, labels, groups=photos, cells_per_block=200)
    by_vectors = roc_of_embeddings(vectors, labels, groups=photos, cells_per_block=200)
    np.testing.assert_array_equal(by_matrix.false_accepts, expected.false_accepts)
    assert by_matrix.auc == expected.auc
    assert (by_vectors.genuine, by_vectors.impostors) == (expected.genuine, expected.impostors)
    assert by_vectors.auc == pytest.approx(expected.auc, abs=1e-9)


def test_only_the_part_above_the_diagonal_is_read():
    similarity = np.array([[9.0, 0.3], [7.0, 9.0]])
    assert split_pairs(similarity, ["Ann", "Bob"]).impostor.tolist() == [0.3]


@pytest.mark.parametrize("labels", [[], ["Ann"]])
def test_too_few_faces_for_a_pair_give_empty_scores(labels):
    size = len(labels)
    pairs = split_pairs(np.ones((size, size)), labels)
    assert pairs.genuine.shape == pairs.impostor.shape == (0,)
    curve = roc_of_embeddings(np.ones((size, 1)), labels)
    assert (curve.genuine, curve.impostors, curve.auc) == (0, 0, None)


def test_one_person_alone_has_no_impostors():
    curve = roc_of_similarity(np.ones((3, 3)), ["Ann"] * 3)
    assert (curve.genuine, curve.impostors, curve.auc) == (3, 0, None)


def test_embeddings_must_be_a_table():
    with pytest.raises(MetricInputError, match="shape"):
        roc_of_embeddings([1.0, 0.0], ["Ann", "Bob"])
