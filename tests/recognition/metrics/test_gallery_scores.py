import numpy as np
import pytest

from recognition.metrics.gallery import GalleryPolicy, IdentityScores, best_scores, identity_scores, mean_templates
from recognition.metrics.inputs import MetricInputError

SIMILARITY = np.array([[0.1, 0.9, 0.5, 0.3], [0.8, 0.2, 0.4, 0.6]])
LABELS = ["Bob", "Ann", "Bob", "Ann"]


@pytest.mark.parametrize(
    ("policy", "entries", "expected"),
    [
        (GalleryPolicy.BEST, None, [[0.9, 0.5], [0.6, 0.8]]),
        (GalleryPolicy.MEAN, None, [[0.6, 0.3], [0.4, 0.6]]),
        (GalleryPolicy.ONE, None, [[0.9, 0.1], [0.2, 0.8]]),
        (GalleryPolicy.BEST, 1, [[0.9, 0.1], [0.2, 0.8]]),
        (GalleryPolicy.MEAN, 2, [[0.6, 0.3], [0.4, 0.6]]),
    ],
)
def test_policies_on_a_hand_worked_gallery(policy, entries, expected):
    result = identity_scores(SIMILARITY, LABELS, policy, entries=entries)
    assert result.identities.tolist() == ["Ann", "Bob"]
    np.testing.assert_allclose(result.scores, expected)


def test_faces_of_one_photo_are_left_out_of_every_policy():
    groups = {"probe_groups": [1, 2], "gallery_groups": [2, 1, 3, 4]}
    best = identity_scores(SIMILARITY, LABELS, GalleryPolicy.BEST, **groups)
    np.testing.assert_allclose(best.scores, [[0.3, 0.5], [0.6, 0.4]])
    mean = identity_scores(SIMILARITY, LABELS, GalleryPolicy.MEAN, **groups)
    np.testing.assert_allclose(mean.scores, [[0.3, 0.3], [0.4, 0.4]])
    one = identity_scores(SIMILARITY, LABELS, GalleryPolicy.ONE, **groups)
    np.testing.assert_allclose(one.scores, [[-np.inf, 0.1], [0.2, -np.inf]])


def test_small_blocks_of_rows_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    similarity, labels = rng.random((23, 17)), rng.integers(0, 5, 17)
    whole = identity_scores(similarity, labels, GalleryPolicy.MEAN)
    monkeypatch.setattr("recognition.metrics.gallery.CELLS_PER_BLOCK", 40)
    np.testing.assert_array_equal(identity_scores(similarity, labels, GalleryPolicy.MEAN).scores, whole.scores)


@pytest.mark.parametrize("policy", GalleryPolicy)
def test_empty_galleries_and_probes_keep_their_shape(policy):
    assert identity_scores(np.zeros((3, 0)), [], policy).scores.shape == (3, 0)
    assert identity_scores(np.zeros((0, 2)), ["a", "a"], policy).scores.shape == (0, 1)


def test_columns_of_names_each_probes_person_in_any_order_of_identities():
    scores = IdentityScores(np.array(["Zoe", "Ann"]), np.zeros((3, 2)))
    assert scores.columns_of(["Ann", "Bob", "Zoe"]).tolist() == [1, -1, 0]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"policy": GalleryPolicy.ONE, "entries": 3}, "one gallery face"),
        ({"policy": GalleryPolicy.BEST, "entries": 0}, "entries must be"),
        ({"policy": GalleryPolicy.BEST, "probe_groups": [1, 2]}, "or for neither"),
    ],
)
def test_galleries_that_cannot_be_made_are_refused(options, sentence):
    with pytest.raises(MetricInputError, match=sentence):
        identity_scores(SIMILARITY, LABELS, **options)


def test_a_mean_template_points_between_its_faces_and_has_unit_length():
    names, templates = mean_templates([[1, 0], [0, 1], [0, 1]], ["Ann", "Ann", "Bob"])
    assert names.tolist() == ["Ann", "Bob"]
    np.testing.assert_allclose(templates, [[np.sqrt(0.5), np.sqrt(0.5)], [0, 1]])


def test_no_faces_give_no_templates():
    names, templates = mean_templates(np.zeros((0, 4)), [])
    assert names.size == 0 and templates.shape == (0, 4)


def test_faces_that_cancel_out_have_no_template():
    with pytest.raises(MetricInputError, match="Ann cancel out"):
        mean_templates([[1.0, 0], [-1.0, 0]], ["Ann", "Ann"])


def test_best_scores_are_those_of_the_whole_matrix_without_building_it(monkeypatch):
    rng = np.random.default_rng(8)
    probes, gallery = rng.normal(size=(50, 8)), rng.normal(size=(31, 8))
    labels = rng.integers(0, 6, 31)
    whole = identity_scores(probes @ gallery.T, labels, GalleryPolicy.BEST)
    monkeypatch.setattr("recognition.metrics.gallery.CELLS_PER_BLOCK", 31 * 7)
    found = best_scores(probes, gallery, labels)
    np.testing.assert_array_equal(found.identities, whole.identities)
    np.testing.assert_allclose(found.scores, whole.scores, rtol=0, atol=1e-14)
    assert best_scores(probes[:0], gallery, labels).scores.shape == (0, 6)
