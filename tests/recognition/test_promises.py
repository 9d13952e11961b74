"""Promised probabilities against what came true, and strangers, on test faces."""

from dataclasses import replace

import numpy as np
import pytest

from recognition.enrolling import under
from recognition.enrolment import Enrolment
from recognition.labelled_faces import LabelledFaces
from recognition.measure import compare_vectors, measure
from recognition.promises import open_set, reliability
from tests.recognition.conftest import looks


def faces(people, photos, *, split="train") -> LabelledFaces:
    rows = [(person, photo) for person in people for photo in photos]
    ids = np.arange(len(rows))
    numbers = np.array([person for person, _ in rows])
    vectors = np.stack([looks(person, photo, spread=1.0) for person, photo in rows])
    names = np.array([f"P{person:02d}" for person in numbers])
    return LabelledFaces(ids, names, numbers, np.full(len(rows), split), ids, vectors)


@pytest.fixture
def gallery():
    return faces(range(20), range(5))


def measured_with(gallery, probes):
    return measure(compare_vectors(gallery, probes), probes, seed=1)


def test_promises_are_held_against_what_came_true(gallery):
    probes = faces(range(20), range(50, 60), split="test")
    told = reliability(measured_with(gallery, probes), gallery, probes, "dlib")
    assert (told["probes"], sum(bin["probes"] for bin in told["bins"])) == (200, 200)
    right = sum(bin["right"] * bin["probes"] for bin in told["bins"])
    nearest = [gallery.names[np.argmax(gallery.vectors @ vector)] for vector in probes.vectors]
    assert right == pytest.approx((np.array(nearest) == probes.names).sum())
    apart = sum(bin["probes"] * abs(bin["right"] - bin["promised"]) for bin in told["bins"]) / 200
    assert told["ece"] == pytest.approx(apart)
    assert all(bin["right_low"] <= bin["right"] <= bin["right_high"] for bin in told["bins"])


def test_suggestions_go_by_the_closest_face_however_the_run_names_people(gallery):
    probes = faces(range(20), range(50, 60), split="test")
    by_mean = measure(compare_vectors(gallery, probes, by_template=True), probes, seed=1)
    told = reliability(by_mean, gallery, probes, "dlib")
    assert told == reliability(measured_with(gallery, probes), gallery, probes, "dlib")
    enrolment = Enrolment("mean", apart_sessions=True)
    apart = under(compare_vectors(gallery, probes), gallery, probes, enrolment)
    assert told == reliability(measure(apart, probes, seed=1), gallery, probes, "dlib")


def test_whoever_is_suggested_for_a_stranger_is_wrong(gallery):
    probes = faces(range(40, 50), range(4), split="test")
    told = reliability(measured_with(gallery, probes), gallery, probes, "dlib")
    assert all(bin["right"] == 0 for bin in told["bins"]) and told["ece"] > 0


def test_without_vectors_or_with_one_person_there_is_a_reason(gallery):
    probes = faces(range(20), [50])
    measured = measured_with(gallery, probes)
    without = replace(measured, compared=replace(measured.compared, vectors=None))
    assert "no probabilities" in reliability(without, gallery, probes, "dlib")["reason"]
    alone = faces([1], range(5))
    assert "one person" in reliability(measured_with(alone, probes), alone, probes, "dlib")["reason"]


def test_misses_are_told_at_a_bearable_rate_of_named_strangers(gallery):
    probes = faces(range(40), range(50, 54), split="test")
    measured = measured_with(gallery, probes)
    told = open_set(measured, probes)
    assert (told["mated"], told["strangers"]) == (80, 80)
    at_ten, at_one, _ = told["at_fpir"]
    best = measured.compared.search.scores[80:].max(axis=1)
    assert (best >= at_ten["threshold"]).mean() == at_ten["fpir"] <= 0.1
    own = measured.compared.search.scores[np.arange(80), probes.class_ids[:80]]
    found = (measured.search.ranks == 1) & (own >= at_ten["threshold"])
    assert at_ten["fnir"] == pytest.approx(1 - found.mean())
    assert (at_one["fnir"], at_one["strangers_needed"]) == (None, 300)
    assert told["curve"]["fpir"] == sorted(told["curve"]["fpir"])


def test_without_strangers_or_without_anybody_enrolled_there_is_a_reason(gallery):
    for people, words in ((range(20), "no strangers"), (range(30, 40), "nobody can be missed")):
        probes = faces(people, [50, 51])
        told = open_set(measured_with(gallery, probes), probes)
        assert words in told["reason"] and told["curve"] == {"fpir": [], "fnir": []}
