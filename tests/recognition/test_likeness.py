"""Suggestions: the right people in the right order, with a chance that can be believed."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from recognition import likeness
from recognition.likeness import (
    Calibration,
    Candidate,
    default_calibration,
    fit_calibration,
    leave_one_out_evidence,
    one_person_per_photo,
    rank_people,
)

PLAIN = Calibration((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0, 0.0), 0.5, "nothing")


def unit(rows):
    rows = np.asarray(rows, float)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def at_angles(*degrees):
    """Unit vectors in the plane: the cosine between two is that of the difference of their angles."""
    angles = np.radians(degrees)
    return np.column_stack([np.cos(angles), np.sin(angles)])


def candidate(person, probability, similarity=0.9):
    return Candidate(person, similarity, 0, probability)


def test_people_are_ranked_by_their_closest_face():
    gallery, people = at_angles(10, 80, 30, 60), ["ann", "ann", "bob", "cyd"]
    (found,) = rank_people(at_angles(0), gallery, people, limit=3)
    assert [c.person for c in found] == ["ann", "bob", "cyd"]
    assert [c.nearest for c in found] == [0, 2, 3]
    assert np.allclose([c.similarity for c in found], np.cos(np.radians([10, 30, 60])))


def test_ranking_agrees_with_comparing_one_by_one(monkeypatch):
    rng = np.random.default_rng(4)
    probes, gallery = unit(rng.normal(size=(23, 8))), unit(rng.normal(size=(40, 8)))
    people = rng.integers(0, 12, 40)
    monkeypatch.setattr(likeness, "_BLOCK", 200)  # five probes at a time
    for probe, found in zip(probes, rank_people(probes, gallery, people, limit=4), strict=True):
        best = {}
        for row, person in enumerate(people):
            if person not in best or gallery[row] @ probe > gallery[best[person]] @ probe:
                best[person] = row
        expected = sorted(best, key=lambda person: -(gallery[best[person]] @ probe))[:4]
        assert [c.person for c in found] == expected
        assert [c.nearest for c in found] == [best[person] for person in expected]


def test_equal_similarities_go_to_the_person_that_sorts_first():
    (found,) = rank_people(at_angles(0), at_angles(20, -20), ["bob", "ann"])
    assert [c.person for c in found] == ["ann", "bob"]


def test_database_ids_come_back_as_plain_integers():
    (found,) = rank_people(at_angles(0), at_angles(5, 50), np.array([7, 9]))
    assert [type(value) for value in (found[0].person, found[0].nearest)] == [int, int]


def test_chances_fall_with_the_rank_and_leave_room_for_a_stranger():
    rng = np.random.default_rng(2)
    gallery = unit(rng.normal(size=(60, 16)) + 3)
    for found in rank_people(unit(rng.normal(size=(50, 16)) + 3), gallery, np.arange(60) % 20, limit=20):
        chances = [c.probability for c in found]
        assert chances == sorted(chances, reverse=True)
        assert all(0 <= chance <= 1 for chance in chances)
        assert sum(chances) <= 1 + 1e-9


def test_two_people_as_close_as_can_be_share_one_certainty():
    (found,) = rank_people(at_angles(0), at_angles(1, -1, 90), ["twin a", "twin b", "other"])
    assert found[0].probability == pytest.approx(found[1].probability, rel=0.01)
    assert found[0].probability <= 0.5


@pytest.mark.parametrize("embedder", ["dlib", "facenet"])
def test_a_closer_face_a_wider_lead_and_fewer_people_are_likelier(embedder):
    known = default_calibration(embedder)
    middle = np.array(known.centre)
    step = np.array(known.scale)
    for column, sign in ((0, 1), (1, 1), (2, -1)):
        moved = middle.copy()
        moved[column] += sign * step[column]
        assert known.probability(moved)[0] > known.probability(middle)[0]


def test_the_only_person_enrolled_is_not_taken_for_granted():
    alone, stranger = rank_people(at_angles(5, 60), at_angles(0), ["ann"])
    assert alone[0].probability > 0.9
    assert stranger[0].probability < 0.05


@pytest.mark.parametrize(("probes", "gallery", "expected"), [(0, 5, 0), (3, 0, 3), (0, 0, 0)])
def test_nobody_to_compare_gives_no_candidates(probes, gallery, expected):
    found = rank_people(np.ones((probes, 2)), np.ones((gallery, 2)), ["ann"] * gallery)
    assert found == [[]] * expected


@pytest.mark.parametrize(
    ("probes", "gallery", "people"),
    [
        (np.ones((1, 2)), np.ones((2, 3)), ["ann", "bob"]),
        (np.ones((1, 2)), np.ones((2, 2)), ["ann"]),
        (np.array([[np.nan, 1.0]]), np.ones((2, 2)), ["ann", "bob"]),
        (np.ones((1, 2)), np.array([[np.inf, 1.0], [1.0, 1.0]]), ["ann", "bob"]),
    ],
)
def test_vectors_that_do_not_fit_or_are_no_numbers_are_refused(probes, gallery, people):
    with pytest.raises(ValueError, match=r"do not fit each other|not finite"):
        rank_people(probes, gallery, people)


def test_the_likeliest_face_keeps_the_person_and_the_other_goes_on():
    ranked = [
        [candidate("ann", 0.7), candidate("bob", 0.2)],
        [candidate("ann", 0.9), candidate("cyd", 0.05)],
    ]
    first, second = one_person_per_photo(ranked, ["p1", "p1"])
    assert [c.person for c in first] == ["bob"]
    assert [c.person for c in second] == ["ann", "cyd"]


def test_a_person_may_be_proposed_once_in_every_photo():
    ranked = [[candidate("ann", 0.7)], [candidate("ann", 0.9)], [candidate("ann", 0.8)]]
    kept = one_person_per_photo(ranked, [1, 2, 1])
    assert [[c.person for c in found] for found in kept] == [[], ["ann"], ["ann"]]


def test_people_somebody_has_named_in_the_photo_are_not_proposed_again():
    ranked = [[candidate("ann", 0.9), candidate("bob", 0.1)], [candidate("ann", 0.9)]]
    kept = one_person_per_photo(ranked, [1, 2], already_there={1: {"ann"}})
    assert [[c.person for c in found] for found in kept] == [["bob"], ["ann"]]


def test_a_displaced_face_displaces_in_its_turn_only_where_it_is_likelier():
    ranked = [
        [candidate("ann", 0.9), candidate("bob", 0.05)],
        [candidate("ann", 0.8), candidate("bob", 0.15)],
        [candidate("bob", 0.1), candidate("ann", 0.05)],
    ]
    kept = one_person_per_photo(ranked, [1, 1, 1])
    assert [[c.person for c in found] for found in kept] == [["ann"], ["bob"], []]


def test_a_face_that_has_its_person_leaves_its_other_candidates_to_the_others():
    ranked = [[candidate("ann", 0.9), candidate("bob", 0.5)], [candidate("bob", 0.3)]]
    kept = one_person_per_photo(ranked, [1, 1])
    assert [[c.person for c in found] for found in kept] == [["ann"], ["bob"]]


def test_equal_chances_are_settled_by_similarity_then_by_position():
    ranked = [[candidate("ann", 0.5, 0.90)], [candidate("ann", 0.5, 0.95)], [candidate("bob", 0.5)]] * 2
    kept = one_person_per_photo(ranked[:3], [1, 1, 1])
    assert [[c.person for c in found] for found in kept] == [[], ["ann"], ["bob"]]
    twice = one_person_per_photo([ranked[2], ranked[2]], [1, 1])
    assert [[c.person for c in found] for found in twice] == [["bob"], []]


def test_faces_and_photos_must_match():
    with pytest.raises(ValueError, match=r"2 ranked faces do not match 1"):
        one_person_per_photo([[], []], ["p1"])


def evidence_and_answers(count=400, seed=0):
    rng = np.random.default_rng(seed)
    evidence = rng.normal(size=(count, 3))
    return evidence, rng.random(count) < 1 / (1 + np.exp(-(0.5 + 2 * evidence[:, 0] + evidence[:, 1])))


def test_fitting_agrees_with_an_independent_logistic_regression():
    evidence, answers = evidence_and_answers()
    evidence[:, 2] = 0  # one number of people, as in a project
    ours = fit_calibration(evidence, answers, start=PLAIN, trust=1e-9)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(evidence[:, :2], answers)
    assert np.allclose(ours.weights[:3], [*theirs.intercept_, *theirs.coef_[0]], atol=1e-4)
    assert np.allclose(ours.probability(evidence), theirs.predict_proba(evidence[:, :2])[:, 1], atol=1e-4)


def test_without_examples_a_calibration_stays_as_it_was_and_few_move_it_less_than_many():
    start = default_calibration("dlib")
    evidence, answers = evidence_and_answers()
    evidence = evidence * start.scale + start.centre
    moved = [
        np.abs(np.subtract(fit_calibration(evidence[:n], answers[:n], start=start).weights, start.weights)).max()
        for n in (0, 5, 400)
    ]
    assert moved[0] == 0
    assert moved[1] < moved[2]


def test_examples_that_would_certify_give_no_certainty():
    evidence = np.array([[1.0, 1.0, 0.0]] * 5 + [[-1.0, -1.0, 0.0]] * 5)
    fitted = fit_calibration(evidence, np.repeat([True, False], 5), start=PLAIN)
    assert np.isfinite(fitted.weights).all()
    assert 0.8 < fitted.probability(evidence[:1])[0] < 0.999


def test_a_fit_never_makes_a_closer_face_less_likely():
    evidence, answers = evidence_and_answers()
    fitted = fit_calibration(evidence, ~answers, start=PLAIN)
    assert min(fitted.weights[1:3]) >= 0


@pytest.mark.parametrize(
    ("evidence", "answers", "trust"),
    [(np.ones((2, 3)), [True], 1), (np.full((1, 3), np.nan), [True], 1), (np.ones((1, 3)), [True], 0)],
)
def test_evidence_that_cannot_be_learnt_from_is_refused(evidence, answers, trust):
    with pytest.raises(ValueError, match=r"finite and match|trust"):
        fit_calibration(evidence, answers, start=PLAIN, trust=trust)


def test_confirmed_faces_are_searched_as_themselves_and_as_strangers():
    vectors, people = at_angles(0, 10, 90, 100, 180), ["ann", "ann", "bob", "bob", "cyd"]
    evidence, right = leave_one_out_evidence(vectors, people)
    # ann's first face: her other one at 10°, bob at 90°; then, without ann, bob at 90° and cyd at 180°.
    expected = np.cos(np.radians([10, 90, 90, 180]))
    assert np.allclose(evidence[:4, 0], expected, atol=1e-6)
    assert np.allclose(evidence[0], [expected[0], expected[0] - expected[1], np.log(3)], atol=1e-6)
    assert np.allclose(evidence[1, 1], expected[1] - expected[0], atol=1e-6)
    assert np.allclose(evidence[2:4, 2], np.log(2))
    assert right[:4].tolist() == [True, False, False, False]


def test_faces_of_one_group_are_not_compared():
    vectors, people = at_angles(0, 1, 30, 90), ["ann", "ann", "ann", "bob"]
    evidence, _ = leave_one_out_evidence(vectors, people, groups=["burst", "burst", "later", "later"])
    assert np.isclose(evidence[:, 0].max(), np.cos(np.radians(29)))


@pytest.mark.parametrize("people", [[], ["ann"], ["ann", "ann"]])
def test_one_person_is_no_evidence(people):
    evidence, right = leave_one_out_evidence(np.ones((len(people), 2)), people)
    assert evidence.shape == (0, 3) and right.shape == (0,)


def test_a_calibration_survives_being_stored():
    known = default_calibration("dlib")
    stored = {key: list(value) if isinstance(value, tuple) else value for key, value in known.to_dict().items()}
    assert Calibration.from_dict(stored) == known


def test_an_embedder_without_a_calibration_is_named():
    with pytest.raises(ValueError, match=r"“other”.*fit_calibration"):
        default_calibration("other")


def test_any_process_may_import_it():
    probe = "import sys, recognition.likeness; print(sorted({'torch', 'cv2', 'dlib'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
