"""Training a head: better where there is something to learn, the frozen embedding where there is not."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save

from recognition.heads import CannotTrain, HeadParams, Listeners, train_head
from recognition.trained_head import BadHead, TrainedHead

QUICK = HeadParams(epochs=25, options={"learning_rate": 3e-3})


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def faces(people, per_person, seed, *, signal=1.0, nuisance=2.5):
    """Who somebody is lies in 8 of 24 directions; light and pose fill the others and speak louder."""
    world, rng = np.random.default_rng(99), np.random.default_rng(seed)
    centres = world.normal(size=(people, 8)) * signal
    names = np.repeat([f"person {index}" for index in range(people)], per_person)
    own = np.repeat(centres, per_person, axis=0) + 0.4 * rng.normal(size=(len(names), 8))
    return unit(np.hstack([own, nuisance * rng.normal(size=(len(names), 16))])), names


@pytest.fixture(scope="module")
def learnable():
    """Training and validation faces."""
    return *faces(12, 12, seed=1), *faces(12, 5, seed=2)


@pytest.fixture(scope="module")
def trained(learnable):
    return train_head(*learnable, params=QUICK)


def recognition_rate(gallery, names, probes, truth):
    return np.mean(names[(probes @ gallery.T).argmax(axis=1)] == truth)


def test_a_head_learns_what_tells_people_apart(learnable, trained):
    gallery, names = learnable[:2]
    probes, truth = faces(12, 10, seed=3)
    before = recognition_rate(gallery, names, probes, truth)
    after = recognition_rate(trained.project(gallery), names, trained.project(probes), truth)
    assert after > before + 0.1
    assert trained.metadata["val_map"] > trained.metadata["start"]["val_map"]


def test_projections_have_unit_length(trained):
    vectors, _ = faces(3, 4, seed=5)
    projected = trained.project(vectors)
    assert projected.shape == vectors.shape and projected.dtype == np.float32
    assert np.allclose(np.linalg.norm(projected, axis=1), 1, atol=1e-6)
    assert trained.project(vectors[:0]).shape == (0, 24)


def test_where_nothing_can_be_learnt_the_frozen_embedding_comes_back_unchanged():
    vectors, names = faces(6, 6, seed=1, signal=0.0)
    val_vectors, val_names = faces(6, 3, seed=2, signal=0.0)
    head = train_head(vectors, names, val_vectors, val_names, params=QUICK)
    assert head.metadata["best_epoch"] == 0
    assert np.allclose(head.project(val_vectors), val_vectors, atol=1e-6)


def test_a_perfect_embedding_is_left_alone():
    vectors, names = faces(5, 6, seed=1, nuisance=0.05)
    head = train_head(vectors, names, vectors, names, params=QUICK)
    assert not head.weight.any()


def test_the_same_input_gives_the_same_bytes_whatever_ran_before(learnable, trained):
    torch.manual_seed(12345)
    np.random.seed(6)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        again = train_head(*learnable, params=QUICK)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert again.to_bytes() == trained.to_bytes()


def test_training_leaves_torch_as_it_was(learnable):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    train_head(*learnable, params=HeadParams(epochs=1))
    assert torch.equal(torch.rand(3), expected)
    assert not torch.are_deterministic_algorithms_enabled()


def test_another_seed_gives_another_head(learnable, trained):
    other = train_head(*learnable, params=HeadParams(epochs=25, options={"learning_rate": 3e-3}, seed=2))
    assert not np.array_equal(other.weight, trained.weight)


def test_every_epoch_is_reported_from_the_frozen_embedding_on(learnable):
    reports = []
    head = train_head(*learnable, params=HeadParams(epochs=4), tell=Listeners(epoch=reports.append))
    assert [report.epoch for report in reports] == [0, 1, 2, 3, 4]
    assert reports[0].loss is None and all(report.loss > 0 for report in reports[1:])
    assert all(0 <= report.mean_ap <= 1 and 0 <= report.recognition_rate <= 1 for report in reports)
    assert head.metadata["epochs_run"] == 4
    assert head.metadata["start"]["val_map"] == reports[0].mean_ap


def test_training_stops_when_validation_stands_still():
    vectors, names = faces(5, 6, seed=1, nuisance=0.05)
    reports = []
    params = HeadParams(epochs=50, options={"patience": 3})
    train_head(vectors, names, vectors, names, params=params, tell=Listeners(epoch=reports.append))
    assert reports[-1].epoch == 3


class Cancelled(Exception):
    pass


def test_a_cancelled_training_ends_at_once(learnable):
    seen = []

    def cancel(report):
        seen.append(report.epoch)
        if report.epoch == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        train_head(*learnable, params=QUICK, tell=Listeners(epoch=cancel))
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("strangers_only", [False, True])
def test_without_validation_faces_some_training_faces_are_held_back(learnable, strangers_only):
    vectors, names, val_vectors, val_names = learnable
    empty = (val_vectors, np.char.add(val_names, " (nobody we know)")) if strangers_only else (vectors[:0], names[:0])
    head = train_head(vectors, names, *empty, params=HeadParams(epochs=2))
    assert head.metadata["validation"] == "training faces held back"
    assert head.metadata["people"] == 12


def spoilt(vectors):
    vectors = vectors.copy()
    vectors[1, 2] = np.nan
    return vectors


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda v, n, vv, vn: (v[:12], n[:12], vv, vn), "at least 2 people; there are faces of 1"),
        (lambda v, n, vv, vn: (v[:0], n[:0], vv, vn), "faces of 0"),
        (lambda v, n, vv, vn: (spoilt(v), n, vv, vn), "not finite"),
        (lambda v, n, vv, vn: (v, n, spoilt(vv), vn), "not finite"),
        (lambda v, n, vv, vn: (v, n[:-1], vv, vn), "do not match"),
        (lambda v, n, vv, vn: (v[::6], n[::6], vv[:0], vn[:0]), "nobody has three"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_in_words(learnable, change, reason):
    with pytest.raises(CannotTrain, match=reason):
        train_head(*change(*learnable), params=QUICK)


def test_a_stored_head_projects_as_before_and_keeps_its_notes(trained):
    vectors, _ = faces(3, 4, seed=5)
    stored = trained.to_bytes()
    again = TrainedHead.from_bytes(stored)
    assert np.array_equal(again.project(vectors), trained.project(vectors))
    assert again.metadata == trained.metadata == json.loads(json.dumps(trained.metadata))
    assert again.to_bytes() == stored


def tensors(notes="", **named):
    return save(named, {"facet": notes} if notes else None)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"junk that is longer than eight bytes",
        tensors(weight=torch.zeros(2, 2)),
        tensors(**{"adapter.weight": torch.zeros(2, 2)}),
        tensors("not json", **{"adapter.weight": torch.zeros(2, 2)}),
        tensors('{"format": "other", "training": {}}', **{"adapter.weight": torch.zeros(2, 2)}),
        tensors('{"format": "residual head 1", "training": {}}', **{"adapter.weight": torch.zeros(2, 3)}),
        tensors('{"format": "residual head 1", "training": {}}', **{"adapter.weight": torch.zeros(2, 2).double()}),
    ],
)
def test_bytes_that_are_no_head_are_refused(data):
    with pytest.raises(BadHead):
        TrainedHead.from_bytes(data)


def test_a_truncated_head_is_refused(trained):
    with pytest.raises(BadHead):
        TrainedHead.from_bytes(trained.to_bytes()[:-5])


def test_vectors_of_another_embedder_are_refused(trained):
    with pytest.raises(ValueError, match="takes vectors of 24 numbers"):
        trained.project(np.zeros((2, 512), np.float32))
