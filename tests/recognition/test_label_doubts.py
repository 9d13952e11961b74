"""Doubts about names, from arrays alone."""

import numpy as np

from recognition.label_doubts import name_doubts
from recognition.likeness import default_calibration
from tests.recognition.conftest import looks

CALIBRATION = default_calibration("dlib")


def doubts(*faces, probes=None, **options):
    """faces: (looks like person, named as person, photo)."""
    vectors = np.stack([looks(person, number) for number, (person, _, _) in enumerate(faces)])
    people = np.array([named for _, named, _ in faces])
    photos = np.array([photo for _, _, photo in faces])
    probes = range(len(faces)) if probes is None else probes
    return name_doubts(probes, vectors, people, photos, calibration=CALIBRATION, **options)


RIGHT = [(person, person, 10 * person + photo) for person in (1, 2, 3) for photo in range(4)]


def test_a_wrong_name_comes_first_with_whom_it_looks_like():
    first, *others = doubts(*RIGHT, (1, 2, 99))
    assert (first.face, first.person) == (12, 1)
    assert first.nearest in range(4) and set(first.own) <= {4, 5, 6, 7} and len(first.own) == 3
    assert first.score > 0.5 > max(doubt.score for doubt in others)
    assert first.similarity > first.own_similarity and first.probability > first.own_probability


def test_right_names_are_not_doubted():
    assert doubts(*RIGHT, least=0.2) == []


def test_faces_of_one_photo_are_not_compared():
    twins = [(1, 1, 5), (1, 2, 5), (1, 1, 6), (2, 2, 7), (2, 2, 8)]
    (doubt,) = doubts(*twins, probes=[1])
    assert doubt.nearest == 2  # not its neighbour in photo 5


def test_a_person_seen_in_one_photo_only_cannot_be_judged():
    assert doubts(*RIGHT, (1, 7, 99), probes=[12]) == []
    assert doubts(*RIGHT, (1, 7, 99), (1, 7, 99), probes=[12]) == []


def test_one_person_or_nobody_gives_no_doubts():
    assert doubts(*RIGHT[:4]) == []
    assert name_doubts([], np.zeros((0, 0)), np.zeros(0), np.zeros(0), calibration=CALIBRATION) == []


def test_blocks_do_not_change_the_outcome(monkeypatch):
    faces = [*RIGHT, (1, 2, 99), (3, 1, 98)]
    whole = [(doubt.face, doubt.person, doubt.own, doubt.nearest) for doubt in doubts(*faces)]
    monkeypatch.setattr("recognition.label_doubts._BLOCK", 20)
    assert [(doubt.face, doubt.person, doubt.own, doubt.nearest) for doubt in doubts(*faces)] == whole
