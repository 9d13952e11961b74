import numpy as np
import pytest
import sklearn.metrics as sk

from recognition.metrics.average_precision import UnmeasuredIdentity, per_identity_ap
from recognition.metrics.bootstrap import Resampling, bootstrap_ap
from recognition.metrics.gallery import GalleryPolicy, IdentityScores, identity_scores
from recognition.metrics.inputs import MetricInputError
from recognition.metrics.intervals import wilson_interval


def random_scores(seed, *, people, probes, lift=1.0, digits=6):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, people, probes)
    scores = rng.normal(size=(probes, people))
    scores[np.arange(probes), labels] += lift
    return IdentityScores(np.arange(people), scores.round(digits)), labels


def two_people():
    """Ann ranks hit, miss, hit (5/6); Bob's only probe stands second for him (1/2)."""
    scores = np.array([[0.9, 0.8], [0.7, 0.1], [0.8, 0.5]])
    return IdentityScores(np.array(["Ann", "Bob"]), scores), ["Ann", "Ann", "Bob"]


def test_map_of_a_hand_worked_case():
    result = per_identity_ap(*two_people(), min_probes=1)
    assert [(row.identity, row.ap, row.probes) for row in result.identities] == [
        ("Ann", pytest.approx(5 / 6), 2),
        ("Bob", 0.5, 1),
    ]
    assert result.macro == pytest.approx((5 / 6 + 1 / 2) / 2)
    assert result.weighted == pytest.approx((2 * 5 / 6 + 1 / 2) / 3)
    assert result.macro_interval is None


def test_people_with_too_few_probes_are_listed_and_not_averaged():
    result = per_identity_ap(*two_people(), min_probes=2)
    assert result.macro == result.weighted == pytest.approx(5 / 6)
    assert result.too_few == (UnmeasuredIdentity("Bob", 1),)


def test_people_without_a_gallery_are_listed_and_stay_in_as_negatives():
    scores = IdentityScores(np.array(["Ann"]), np.array([[0.5], [0.9]]))
    result = per_identity_ap(scores, ["Ann", "Zoe"], min_probes=1)
    assert result.identities[0].ap == 0.5
    assert result.no_gallery == (UnmeasuredIdentity("Zoe", 1),)


def test_nobody_measured_gives_no_mean():
    scores = IdentityScores(np.array(["Ann"]), np.zeros((0, 1)))
    result = per_identity_ap(scores, [], resampling=Resampling(np.random.default_rng(0), 10))
    assert (result.macro, result.weighted, result.macro_interval, result.identities) == (None, None, None, ())
    assert result.too_few == (UnmeasuredIdentity("Ann", 0),)


def test_a_probe_never_meets_a_gallery_face_of_its_own_photo():
    # Probe 0 equals Ann's only gallery face, being the same photo: it must not be counted for her.
    scores = identity_scores(
        [[1.0, 0.2], [0.4, 0.3], [0.6, 0.9]],
        ["Ann", "Bob"],
        GalleryPolicy.BEST,
        probe_groups=[1, 2, 3],
        gallery_groups=[1, 9],
    )
    result = per_identity_ap(scores, ["Ann", "Ann", "Bob"], min_probes=1)
    ann, bob = result.identities
    assert (ann.ap, ann.probes) == (0.5, 1)
    assert (bob.ap, bob.probes) == (1.0, 1)


def test_each_ap_agrees_with_scikit_learn_with_many_ties():
    scores, labels = random_scores(3, people=7, probes=120, digits=1)
    result = per_identity_ap(scores, labels, min_probes=1)
    expected = [sk.average_precision_score(labels == i, scores.scores[:, i]) for i in range(7)]
    assert [row.ap for row in result.identities] == pytest.approx(expected, abs=1e-9)
    assert result.macro == pytest.approx(np.mean(expected), abs=1e-9)


def test_the_same_seed_gives_the_same_intervals():
    scores, labels = random_scores(0, people=5, probes=60)
    first, second = (
        per_identity_ap(scores, labels, resampling=Resampling(np.random.default_rng(7), 200)) for _ in range(2)
    )
    assert first == second
    other = per_identity_ap(scores, labels, resampling=Resampling(np.random.default_rng(8), 200))
    assert other.macro_interval != first.macro_interval


def test_an_interval_holds_its_estimate_and_narrows_with_more_probes():
    widths = []
    for probes in (60, 960):
        scores, labels = random_scores(1, people=6, probes=probes)
        result = per_identity_ap(scores, labels, resampling=Resampling(np.random.default_rng(1), 300))
        for row in result.identities:
            assert row.interval.low < row.ap < row.interval.high
        assert result.macro_interval.low < result.macro < result.macro_interval.high
        widths.append(result.macro_interval.high - result.macro_interval.low)
    assert widths[1] < widths[0] / 2


def test_the_macro_interval_matches_what_fresh_probes_really_do():
    def mean_ap(seed):
        return per_identity_ap(*random_scores(seed, people=8, probes=200, lift=2.0), min_probes=1).macro

    spread = np.std([mean_ap(seed) for seed in range(100, 220)])
    result = per_identity_ap(
        *random_scores(1, people=8, probes=200, lift=2.0),
        min_probes=1,
        resampling=Resampling(np.random.default_rng(0), 400),
    )
    width = result.macro_interval.high - result.macro_interval.low
    assert 0.7 < width / (2 * 1.96 * spread) < 1.4


@pytest.mark.parametrize("lift", [-1.0, 0.0, 1.0, 6.0])
def test_resampled_ap_equals_the_ap_of_the_copied_probes_ranked_one_behind_the_other(lift):
    scores, labels = random_scores(5, people=3, probes=25, lift=lift)
    draws = bootstrap_ap(scores.scores, labels, np.arange(3), Resampling(np.random.default_rng(11), 6))
    rng = np.random.default_rng(11)
    for resample in range(6):
        drawn = np.sort(rng.integers(0, 25, 25))
        for person in range(3):
            # A tiny slope unties the copies; the distinct scores lie much further apart.
            copied = scores.scores[drawn, person] - 1e-9 * np.arange(25)
            positive = labels[drawn] == person
            # Copies of a negative stay tied with each other, which no step of a positive can see.
            expected = sk.average_precision_score(positive, copied)
            assert draws.per_identity[person, resample] == pytest.approx(expected, abs=1e-12)


def test_resamples_without_the_person_are_left_out_of_the_interval_and_the_mean():
    scores = np.array([[0.9, 0.1], [0.2, 0.8]])
    draws = bootstrap_ap(scores, np.array([0, 1]), np.arange(2), Resampling(np.random.default_rng(0), 200))
    missing = np.isnan(draws.per_identity)
    assert missing.any() and not missing.all(axis=0).any()
    assert draws.macro.tolist() == [1.0] * 200


def test_many_blocks_and_batches_give_the_same_draws(monkeypatch):
    scores, labels = random_scores(2, people=6, probes=80)
    whole = bootstrap_ap(scores.scores, labels, np.arange(6), Resampling(np.random.default_rng(4), 30))
    monkeypatch.setattr("recognition.metrics.bootstrap.WEIGHTS_PER_BATCH", 80 * 7)
    monkeypatch.setattr("recognition.metrics.bootstrap.CELLS_PER_BLOCK", 80 * 3)
    cut = bootstrap_ap(scores.scores, labels, np.arange(6), Resampling(np.random.default_rng(4), 30))
    np.testing.assert_array_equal(whole.per_identity, cut.per_identity)
    np.testing.assert_array_equal(whole.weighted, cut.weighted)


def test_a_perfect_ranking_of_few_probes_does_not_claim_certainty():
    scores = IdentityScores(np.array([0, 1]), np.array([[0.9, 0.1]] * 5 + [[0.1, 0.9]] * 5))
    result = per_identity_ap(scores, [0] * 5 + [1] * 5, resampling=Resampling(np.random.default_rng(0), 50))
    assert result.identities[0].ap == 1.0
    assert result.identities[0].interval == wilson_interval(5, 5)
    assert result.macro_interval == wilson_interval(10, 10)


def test_whole_sessions_are_drawn_together():
    # Two sessions, one all right and one all wrong: it matters much which of them is drawn.
    scores = np.array([[1.0]] * 4 + [[0.1]] * 4 + [[0.5]] * 40)
    own = np.array([0] * 8 + [-1] * 40)
    sessions = np.array([0] * 4 + [1] * 4 + [-1] * 40)
    single = bootstrap_ap(scores, own, np.array([0]), Resampling(np.random.default_rng(0), 300))
    together = bootstrap_ap(scores, own, np.array([0]), Resampling(np.random.default_rng(0), 300, groups=sessions))
    assert np.nanstd(together.macro) > 1.5 * np.nanstd(single.macro)


def test_probes_without_a_session_are_drawn_one_by_one():
    scores, labels = random_scores(9, people=4, probes=30)
    plain = Resampling(np.random.default_rng(3), 20)
    alone = Resampling(np.random.default_rng(3), 20, groups=np.full(30, -1))
    first, second = (bootstrap_ap(scores.scores, labels, np.arange(4), how) for how in (plain, alone))
    np.testing.assert_array_equal(first.per_identity, second.per_identity)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Resampling(7),
        lambda: Resampling(np.random.default_rng(0), resamples=0),
        lambda: Resampling(np.random.default_rng(0), level=95),
    ],
)
def test_resampling_that_cannot_be_done_is_refused(build):
    with pytest.raises(MetricInputError):
        build()


@pytest.mark.parametrize("min_probes", [0, 2.5])
def test_min_probes_must_be_a_count(min_probes):
    with pytest.raises(MetricInputError, match="min_probes"):
        per_identity_ap(*two_people(), min_probes=min_probes)


def test_counts_too_large_for_the_small_type_give_the_same_draws(monkeypatch):
    scores, labels = random_scores(12, people=5, probes=200, lift=0.5)
    small = bootstrap_ap(scores.scores, labels, np.arange(5), Resampling(np.random.default_rng(4), 40))
    monkeypatch.setattr("recognition.metrics.bootstrap.LARGEST_INT16", 1)
    large = bootstrap_ap(scores.scores, labels, np.arange(5), Resampling(np.random.default_rng(4), 40))
    np.testing.assert_array_equal(small.per_identity, large.per_identity)
