"""Detection: every image gets its own answer, whatever stands beside it in the batch."""

import json

import numpy as np
import pytest
import torch
from facenet_pytorch import MTCNN

from recognition.alignment import UnusableImage
from recognition.detectors import UnknownDetector, get_detector
from recognition.detectors.mtcnn import MtcnnDetector
from recognition.detectors.mtcnn_cascade import FastPool
from recognition.drawing import draw_portrait, draw_scene


@pytest.fixture(scope="module")
def detector():
    found = get_detector("mtcnn")
    found.load()
    return found


@pytest.fixture(scope="module")
def portrait():
    return draw_portrait(3, 1, (240, 240))


@pytest.fixture(scope="module")
def scene():
    return draw_scene([1, 2, 3, 4], 7, (640, 420))


@pytest.fixture(scope="module")
def wall():
    """Same size as the portrait, and nothing in it that even the first network could take for a face."""
    return np.full((240, 240, 3), 127, np.uint8)


def noise(height, width):
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def same(first, second, tolerance=0.0):
    return len(first) == len(second) and all(
        np.allclose([*a.box, a.score], [*b.box, b.score], atol=tolerance, rtol=0)
        and np.allclose(a.landmarks, b.landmarks, atol=tolerance, rtol=0)
        for a, b in zip(first, second, strict=True)
    )


def overlap(a, b):
    """Intersection over union of two (x, y, w, h) boxes."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(0.0, width) * max(0.0, height)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def test_finds_a_face_with_its_landmarks(detector, portrait):
    (faces,) = detector.detect([portrait.image])
    truth = portrait.faces[0]
    assert overlap(faces[0].box, truth.box) > 0.5
    assert 0.9 < faces[0].score <= 1
    assert faces[0].landmarks.shape == (5, 2)
    assert np.abs(faces[0].landmarks - truth.landmarks).max() < truth.box[2] / 4


def test_finds_everybody_in_a_scene_best_score_first(detector, scene):
    (faces,) = detector.detect([scene.image])
    assert all(max(overlap(face.box, truth.box) for face in faces) > 0.4 for truth in scene.faces)
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)


def test_agrees_with_the_librarys_own_cascade(scene, portrait):
    library = MTCNN(keep_all=True)
    for photo in (scene, portrait):
        corners, scores, _ = library.detect(photo.image, landmarks=True)
        theirs = [(x1, y1, x2 - x1, y2 - y1) for (x1, y1, x2, y2), score in zip(corners, scores, strict=True)]
        (ours,) = MtcnnDetector(long_side_px=None).detect([photo.image])
        assert len(ours) == len(theirs)
        assert all(max(overlap(face.box, box) for box in theirs) > 0.85 for face in ours)


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_an_image_without_a_face_is_an_empty_answer_anywhere_in_a_batch(portrait, wall, batch_size, position):
    images = [portrait.image] * 2
    images.insert(position, wall)
    answers = MtcnnDetector(batch_size=batch_size).detect(images)
    assert [len(faces) for faces in answers] == [0 if index == position else 1 for index in range(3)]


@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_batch_without_any_face_is_a_normal_answer(wall, batch_size):
    detector = MtcnnDetector(batch_size=batch_size)
    assert detector.detect([wall, wall]) == [[], []]
    assert detector.detect([]) == []


@pytest.mark.parametrize("size", [(1, 1), (5, 5), (11, 300), (300, 11), (12, 12), (19, 19), (20, 2000), (2000, 24)])
def test_tiny_and_elongated_images_are_answered(detector, size):
    (faces,) = detector.detect([noise(*size)])
    assert all(face.box[2] <= size[1] and face.box[3] <= size[0] for face in faces)


def test_answers_come_in_the_order_of_images_of_mixed_sizes(detector, portrait, scene, wall):
    other = draw_portrait(5, 2, (300, 260)).image
    answers = detector.detect([wall, scene.image, other, portrait.image, noise(8, 8), scene.image])
    alone = [detector.detect([image])[0] for image in (scene.image, other, portrait.image)]
    assert answers[0] == [] and answers[4] == []
    assert all(same(found, expected) for found, expected in zip(answers[1:4], alone, strict=True))
    assert same(answers[5], alone[0])


def test_an_answer_does_not_depend_on_the_neighbours_in_the_batch(detector, portrait):
    neighbours = [draw_portrait(seed, seed, (240, 240)).image for seed in (8, 9)]
    alone = detector.detect([portrait.image])[0]
    assert same(detector.detect([neighbours[0], portrait.image, neighbours[1]])[1], alone)


def test_sharing_a_pass_changes_nothing_that_can_be_seen(portrait):
    images = [draw_portrait(seed, seed, (240, 240)).image for seed in (8, 9)] + [portrait.image]
    apart, together = MtcnnDetector(batch_size=1).detect(images), MtcnnDetector(batch_size=3).detect(images)
    assert all(same(a, b, tolerance=0.02) for a, b in zip(apart, together, strict=True))


@pytest.mark.parametrize("cells", [1, 5, 1000])
def test_looking_strip_by_strip_changes_nothing_that_can_be_seen(detector, scene, cells, monkeypatch):
    expected = detector.detect([scene.image])[0]
    monkeypatch.setattr(detector._cascade, "strip_cells", cells)
    assert same(detector.detect([scene.image])[0], expected, tolerance=0.02)


@pytest.mark.parametrize("size", [(6, 8), (7, 8), (6, 9), (7, 9), (1, 1)])
def test_the_faster_pooling_is_torchs_pooling(size):
    values = torch.randn(2, 3, *size) - 5  # all negative: padding must never win
    assert torch.equal(FastPool()(values), torch.nn.MaxPool2d(2, 2, ceil_mode=True)(values))


@pytest.mark.parametrize("cut", ["left", "right", "top", "bottom"])
def test_boxes_of_faces_cut_by_the_border_end_at_the_border(detector, portrait, cut):
    x, y, w, h = portrait.faces[0].box
    part = {
        "left": np.s_[:, round(x + 0.1 * w) :],
        "right": np.s_[:, : round(x + 0.9 * w)],
        "top": np.s_[round(y + 0.15 * h) :, :],
        "bottom": np.s_[: round(y + 0.85 * h), :],
    }[cut]
    image = portrait.image[part]
    (faces,) = detector.detect([image])
    height, width = image.shape[:2]
    assert faces, "The face is still mostly there."
    for face in faces:
        left, top, across, down = face.box
        assert left >= 0 and top >= 0 and across >= 1 and down >= 1
        assert left + across <= width and top + down <= height
        assert face.box == tuple(round(value, 2) for value in face.box)


def test_a_bound_on_large_photos_keeps_boxes_in_their_own_pixels(scene):
    whole = MtcnnDetector(long_side_px=None).detect([scene.image])[0]
    bounded = MtcnnDetector(long_side_px=320).detect([scene.image])[0]
    assert len(bounded) == len(scene.faces)
    assert all(max(overlap(face.box, other.box) for other in whole) > 0.6 for face in bounded)


def test_a_larger_smallest_face_leaves_small_faces_out(scene):
    smallest = min(face.box[2] for face in scene.faces)
    assert MtcnnDetector(min_face_px=4 * smallest).detect([scene.image]) == [[]]


def test_mirrored_and_sliced_views_are_read_as_they_look(detector, portrait):
    view = portrait.image[:, ::-1]
    assert same(detector.detect([view])[0], detector.detect([view.copy()])[0])


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((40, 40), np.uint8),
        np.zeros((40, 40, 1), np.uint8),
        np.zeros((40, 40, 4), np.uint8),
        np.zeros((3, 40, 40), np.uint8),
        np.zeros((40, 40, 3), np.float32),
        np.zeros((0, 40, 3), np.uint8),
        torch.zeros((40, 40, 3), dtype=torch.uint8),
        None,
    ],
)
def test_anything_but_uint8_rgb_is_refused_by_its_place_in_the_batch(detector, portrait, wrong):
    with pytest.raises(UnusableImage, match=r"Image 2 is .*uint8 RGB"):
        detector.detect([portrait.image, wrong])


def test_a_description_repeats_what_matters_and_can_be_stored():
    first, second = MtcnnDetector(min_face_px=30).describe(), MtcnnDetector(min_face_px=30).describe()
    assert json.loads(json.dumps(first)) == second
    assert len(first["weights_sha256"]) == 64
    assert first["parameters"]["min_face_px"] == 30
    assert MtcnnDetector(min_face_px=31).describe() != first


def test_unknown_names_and_parameters_are_told_apart_from_bad_values():
    with pytest.raises(UnknownDetector, match=r"no detector called “hog”.*mtcnn"):
        get_detector("hog")
    with pytest.raises(UnknownDetector, match=r"min_face"):
        get_detector("mtcnn", min_face=20)
    for wrong in ({"min_face_px": 4}, {"thresholds": (0.6, 0.7)}, {"batch_size": 0}, {"long_side_px": 5}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            get_detector("mtcnn", **wrong)
