"""5 % of the names are wrong, at random: where do the error gallery and the ranking of doubtful labels put them?"""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from recognition.calibrations import fitted_on
from recognition.drawing import draw_portrait
from recognition.embedders import FaceGeometry, get_embedder
from recognition.enrolling import divided
from recognition.labelled_faces import LabelledFaces
from recognition.measure import compare_vectors, confusion_at_strictest, measure
from recognition.vectors import unit
from recognition.worst_errors import false_accepts, false_rejects, label_doubts
from tests.recognition.conftest import looks

REPO = Path(__file__).resolve().parents[2]
FACES = Path(os.environ.get("FACET_DATA") or REPO.parent / "shared" / "data") / "faces"
WRONG, FIRST, FOUND = 0.05, 0.10, 0.80


def labelled(vectors, people) -> LabelledFaces:
    """Each fourth face of a person is tested on."""
    people = np.asarray(people)
    order = np.argsort(people, kind="stable")
    place = np.empty(len(people), int)
    place[order] = np.concatenate([np.arange(count) for count in np.unique(people, return_counts=True)[1]])
    ids = np.arange(len(people))
    names = np.array([f"Person {person:03d}" for person in people])
    splits = np.where(place % 4 == 3, "test", "train")
    return LabelledFaces(ids, names, people, splits, ids, unit(np.stack(vectors)))


def mislabelled(faces: LabelledFaces, seed: int) -> tuple[LabelledFaces, set[int]]:
    """5 % of the faces get the name of somebody else."""
    rng = np.random.default_rng(seed)
    wrong = rng.choice(len(faces), round(WRONG * len(faces)), replace=False)
    class_ids, names = faces.class_ids.copy(), faces.names.copy()
    for face in wrong:
        other = rng.choice(np.flatnonzero(faces.class_ids != faces.class_ids[face]))
        class_ids[face], names[face] = faces.class_ids[other], faces.names[other]
    return replace(faces, class_ids=class_ids, names=names), set(wrong.tolist())


def share_found(rows, wrong: set[int], among: int) -> float:
    """Of the wrong names, those in the first tenth of the list of `among` faces."""
    first = {row["face_id"] for row in rows[: round(FIRST * among)]}
    return len(first & wrong) / len(wrong)


def ranked(faces: LabelledFaces) -> list[dict]:
    calibration = fitted_on(faces.vectors, faces.class_ids, faces.photos, "dlib")
    return label_doubts(faces, calibration, most=None)


def in_gallery_of_errors(faces: LabelledFaces, wrong: set[int]) -> float:
    """Of the wrong names among the probes, those in a list of errors as long as a tenth of the probes."""
    gallery, probes = divided(faces)
    measured = measure(compare_vectors(gallery, probes), probes, seed=1)
    threshold = confusion_at_strictest(measured)["threshold"]
    most = round(FIRST * len(probes))
    shown = set()
    for worst in (false_accepts, false_rejects):
        shown |= {row["face_id"] for row in worst(measured, gallery, probes, threshold, most=most)}
    tested = wrong & set(probes.face_ids.tolist())
    return len(shown & tested) / len(tested)


@pytest.fixture(scope="module")
def made_up():
    """60 people of 4 to 20 faces, as far apart as dlib's vectors of people lie."""
    people = [person for person in range(60) for _ in range(4 + person % 17)]
    return labelled([looks(person, photo, spread=0.9) for photo, person in enumerate(people)], people)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_wrong_names_come_first_in_the_ranking_and_in_the_gallery_of_errors(made_up, seed):
    faces, wrong = mislabelled(made_up, seed)
    assert share_found(ranked(faces), wrong, len(faces)) >= FOUND
    assert in_gallery_of_errors(faces, wrong) >= FOUND


def test_false_accepts_and_rejects_are_pairs_that_the_threshold_has_wrong(made_up):
    faces, _ = mislabelled(made_up, 1)
    gallery, probes = divided(faces)
    measured = measure(compare_vectors(gallery, probes), probes, seed=1)
    threshold = confusion_at_strictest(measured)["threshold"]
    accepts, rejects = (worst(measured, gallery, probes, threshold) for worst in (false_accepts, false_rejects))
    vectors, names = faces.vectors, faces.names
    for row in (*accepts, *rejects):
        probe, other = row["face_id"], row["nearest_face_id"]
        theirs = vectors[(names == row["predicted"]) & (faces.splits != "test")] @ vectors[probe]
        assert row["score"] == pytest.approx(theirs.max(), abs=1e-6)
        assert (names[probe], names[other]) == (row["truth"], row["predicted"])
    assert accepts and all(row["truth"] != row["predicted"] and row["score"] >= threshold for row in accepts)
    assert rejects and all(row["truth"] == row["predicted"] and row["score"] < threshold for row in rejects)
    assert [row["score"] for row in accepts] == sorted((row["score"] for row in accepts), reverse=True)
    assert [row["score"] for row in rejects] == sorted(row["score"] for row in rejects)


def test_the_ranking_looks_at_what_is_learnt_from_and_at_what_is_tested(made_up):
    faces, _ = mislabelled(made_up, 4)
    rows = ranked(faces)
    assert {row["where"] for row in rows[:30]} == {"train", "test"}
    assert [row["doubt"] for row in rows] == sorted((row["doubt"] for row in rows), reverse=True)


def embedded(photos) -> list[np.ndarray]:
    """photos: pixels, box and landmarks or None of each face."""
    embedder = get_embedder("dlib")
    embedder.load()
    return [embedder.embed(pixels, [FaceGeometry(box=box, landmarks=marks)])[0] for pixels, box, marks in photos]


def test_wrong_names_of_drawn_people_come_first():
    people = [person for person in range(1, 13) for _ in range(8)]
    drawn = [draw_portrait(person, 1 + number % 8, (240, 240)) for number, person in enumerate(people)]
    photos = [(photo.image, photo.faces[0].box, photo.faces[0].landmarks) for photo in drawn]
    faces, wrong = mislabelled(labelled(embedded(photos), people), 1)
    assert share_found(ranked(faces), wrong, len(faces)) >= FOUND


@pytest.mark.skipif(not FACES.is_dir(), reason="FACET_DATA names no folder of real photos")
def test_wrong_names_of_photographed_people_come_first():
    folders = sorted(FACES.iterdir(), key=lambda folder: (-len(list(folder.iterdir())), folder.name))[:30]
    paths = [(number, path) for number, folder in enumerate(folders) for path in sorted(folder.iterdir())[:8]]
    photos = []
    for _, path in paths:
        pixels = np.asarray(Picture.open(path).convert("RGB"))
        height, width = pixels.shape[:2]
        # Faces of this collection stand in the middle, at about this size.
        photos.append((pixels, (0.29 * width, 0.29 * height, 0.42 * width, 0.42 * height), None))
    faces, wrong = mislabelled(labelled(embedded(photos), [person for person, _ in paths]), 1)
    assert share_found(ranked(faces), wrong, len(faces)) >= FOUND
    assert in_gallery_of_errors(faces, wrong) >= FOUND
