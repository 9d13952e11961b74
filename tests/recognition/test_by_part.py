"""Figures of parts of the test faces."""

from dataclasses import replace

import numpy as np
import pytest

from recognition.by_part import figures_by_part
from recognition.labelled_faces import LabelledFaces
from recognition.measure import compare_vectors, measure

# Two people at right angles; so far from the first's axis, in degrees, does each face look.
GALLERY = {"Ana": [0, 5, -5], "Ben": [90]}
PROBES = [("Ana", 10), ("Ana", 20), ("Ana", 60), ("Ben", 80), ("Ben", 70), ("Ben", 95), ("Cem", 45)]


def faces(rows, *, qualities=None, sessions=None):
    names = np.array([name for name, _ in rows])
    angles = np.radians([angle for _, angle in rows])
    vectors = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    ids = np.arange(len(rows))
    return LabelledFaces(
        ids, names, ids, np.full(len(rows), "test"), ids, vectors, sessions=sessions,
        qualities=None if qualities is None else np.array(qualities, np.float32),
    )  # fmt: skip


@pytest.fixture
def parts():
    def make(**more):
        gallery = faces([(name, angle) for name, angles in GALLERY.items() for angle in angles])
        probes = faces(PROBES, **more)
        measured = measure(compare_vectors(gallery, probes), probes, seed=1)
        return {part["name"]: part["rows"] for part in figures_by_part(measured, gallery, probes)}

    return make


def told(rows):
    return [(row["words"], row["correct"], row["probes"]) for row in rows]


def test_each_part_counts_its_own_probes_and_those_who_could_be_found(parts):
    small, large, blurred = (20, 0, 100, 100), (70, 0, 100, 100), (70, 0, 20, np.nan)
    found = parts(qualities=[small, small, small, large, large, blurred, large])
    assert told(found["size"]) == [("below 32 px", 2, 3), ("64 to 128 px", 3, 3)]
    assert told(found["sharpness"]) == [("below 50", 1, 1), ("50 to 150", 4, 5)]
    assert told(found["brightness"]) == [("ordinary (60 to 190)", 4, 5), ("not known", 1, 1)]
    of_all = [found[name] for name in ("size", "turn", "sharpness", "brightness")]
    assert [sum(row["probes"] for row in rows) for rows in of_all] == [6] * 4


def test_the_average_precision_of_a_part_ranks_its_own_probes_only(parts):
    small, large = (20, 0, 100, 100), (70, 0, 100, 100)
    below, above = parts(qualities=[small] * 3 + [large] * 4)["size"]
    assert (below["map"], below["people"]) == (1.0, 1)  # nobody else is among them
    assert (above["map"], above["people"]) == (1.0, 1)
    (all_of_it,) = parts(qualities=[small] * 7)["size"]
    # Ana's probe at 60 degrees ranks behind Cem's at 45: hit, hit, miss, hit.
    assert all_of_it["map"] == pytest.approx(((1 + 1 + 3 / 4) / 3 + 1) / 2)


def test_parts_by_session_and_by_enrolled_faces(parts):
    found = parts(sessions=np.array(["fair", "fair", "", "fair", "", "yard", "yard"]))
    assert told(found["session"]) == [("fair", 3, 3), ("yard", 1, 1), ("no session", 1, 2)]
    assert told(found["enrolled"]) == [("1", 3, 3), ("3 to 4", 2, 3)]
    assert found["enrolled"][1]["low"] < 2 / 3 < found["enrolled"][1]["high"]


def test_small_sessions_stand_together(parts, monkeypatch):
    monkeypatch.setattr("recognition.by_part.MOST_SESSIONS", 1)
    found = parts(sessions=np.array(["fair", "fair", "gate", "fair", "yard", "yard", "fair"]))
    assert told(found["session"]) == [("fair", 3, 3), ("2 other sessions", 2, 3)]


def test_a_version_that_keeps_no_figures_of_photos_has_no_such_parts(parts):
    assert set(parts()) == {"enrolled"}
    gallery, probes = faces([("Ana", 0)]), replace(faces([("Ben", 90)]))
    nobody = measure(compare_vectors(gallery, probes), probes, seed=1)
    assert figures_by_part(nobody, gallery, probes) == []
