import numpy as np
import pytest

from recognition.metrics.gallery import IdentityScores
from recognition.metrics.identification import closed_set_identification
from recognition.metrics.inputs import MetricInputError
from recognition.metrics.intervals import wilson_interval

PEOPLE = np.array(["Ann", "Bob", "Cid"])


def search(rows, labels, **options):
    return closed_set_identification(IdentityScores(PEOPLE, np.array(rows, dtype=float)), labels, **options)


def test_a_probe_nearest_to_its_own_person_is_recognised():
    result = search([[0.9, 0.1, 0.2], [0.1, 0.2, 0.3]], ["Ann", "Bob"])
    assert result.recognition_rate == 0.5
    assert result.ranks.tolist() == [1, 2]
    assert result.predicted.tolist() == ["Ann", "Cid"]
    assert result.cmc[:3].tolist() == [0.5, 1.0, 1.0]
    assert result.interval() == wilson_interval(1, 2)


def test_a_tie_counts_as_wrong_and_names_the_other_person():
    result = search([[0.9, 0.9, 0.9]], ["Ann"])
    assert result.recognition_rate == 0.0
    assert result.ranks.tolist() == [3]
    assert result.predicted.tolist() == ["Bob"]


def test_probes_that_cannot_be_found_are_counted_and_left_out():
    minus = -np.inf
    result = search([[0.9, 0.1, 0.1], [0.1, 0.9, 0.1], [minus, 0.2, 0.1]], ["Zoe", "Bob", "Ann"])
    assert (result.probes, result.correct) == (1, 1)
    assert (result.no_gallery, result.not_comparable) == (1, 1)
    assert result.counted.tolist() == [False, True, False]


def test_without_probes_there_is_no_rate():
    result = search(np.zeros((0, 3)), [])
    assert result.recognition_rate is None and result.interval() is None
    assert result.cmc.shape == (0,) and result.predicted.shape == (0,)


def test_one_enrolled_person_is_always_found():
    scores = IdentityScores(np.array([4]), np.array([[-0.3]]))
    assert closed_set_identification(scores, [4]).recognition_rate == 1.0


def test_cmc_has_the_ranks_asked_for_and_never_falls():
    rng = np.random.default_rng(0)
    scores = IdentityScores(np.arange(30), rng.random((200, 30)))
    result = closed_set_identification(scores, rng.integers(0, 30, 200))
    assert result.cmc.shape == (20,)
    assert (np.diff(result.cmc) >= 0).all()
    assert result.cmc[0] == result.recognition_rate
    assert result.cmc[4] == np.mean(result.ranks <= 5)


def test_ranks_agree_with_sorting_each_row(monkeypatch):
    monkeypatch.setattr("recognition.metrics.identification.CELLS_PER_BLOCK", 50)
    rng = np.random.default_rng(1)
    values, own = rng.random((60, 12)), rng.integers(0, 12, 60)
    result = closed_set_identification(IdentityScores(np.arange(12), values), own)
    ordered = np.argsort(-values, axis=1)
    assert result.ranks.tolist() == (1 + np.argmax(ordered == own[:, None], axis=1)).tolist()
    assert result.predicted.tolist() == ordered[:, 0].tolist()


def test_ranks_must_be_a_count():
    with pytest.raises(MetricInputError, match="ranks"):
        search([[0.1, 0.2, 0.3]], ["Ann"], ranks=0)
