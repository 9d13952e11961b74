"""Embedding: one unit vector per face, the same whatever else is in the photo; and the cutting-out before it."""

import io
import json
import pickle
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from facenet_pytorch import InceptionResnetV1
from safetensors.torch import save_file

from recognition import embedders
from recognition.alignment import (
    DegenerateLandmarks,
    UnusableImage,
    align,
    crop_with_margin,
    similarity_transform,
    warp,
)
from recognition.drawing import draw_portrait
from recognition.embedders import FaceGeometry, UnknownEmbedder, WeightsUnavailable, get_embedder


@pytest.fixture(scope="module")
def dlib_embedder():
    found = get_embedder("dlib")
    found.load()
    return found


@pytest.fixture(scope="module")
def portrait():
    return draw_portrait(3, 1, (240, 240))


@pytest.fixture(scope="module")
def face(portrait):
    return FaceGeometry(portrait.faces[0].box, portrait.faces[0].landmarks)


@pytest.fixture(scope="module")
def network_state():
    torch.manual_seed(0)
    return InceptionResnetV1(pretrained=None).state_dict()


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory, network_state):
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    save_file({key: value.contiguous() for key, value in network_state.items()}, path)
    return path


@pytest.fixture(scope="module")
def facenet(random_weights):
    return get_embedder("facenet", weights=random_weights)


# ── dlib ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_face_gets_a_vector_of_unit_length(dlib_embedder, portrait, face):
    vectors = dlib_embedder.embed(portrait.image, [face, FaceGeometry(face.box)])
    assert vectors.shape == (2, 128) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_no_faces_give_no_vectors(dlib_embedder, facenet, portrait):
    assert dlib_embedder.embed(portrait.image, []).shape == (0, 128)
    assert facenet.embed(portrait.image, []).shape == (0, 512)


@pytest.mark.parametrize("with_landmarks", [True, False])
def test_photos_of_one_drawn_person_are_closer_than_those_of_others(dlib_embedder, with_landmarks):
    vectors = []
    for person in range(5):
        for photo in range(3):
            drawn = draw_portrait(person, photo, (240, 240))
            landmarks = drawn.faces[0].landmarks if with_landmarks else None
            vectors.append(dlib_embedder.embed(drawn.image, [FaceGeometry(drawn.faces[0].box, landmarks)])[0])
    similarities = np.array(vectors) @ np.array(vectors).T
    np.fill_diagonal(similarities, -1)
    right = similarities.argmax(axis=1) // 3 == np.arange(15) // 3
    assert right.mean() >= 0.8


def test_a_box_drawn_by_hand_is_nearly_as_good_as_a_detected_face(dlib_embedder, portrait, face):
    detected, drawn = dlib_embedder.embed(portrait.image, [face, FaceGeometry(face.box)])
    assert detected @ drawn > 0.95


def test_landmarks_left_behind_by_a_moved_box_are_not_used(dlib_embedder, portrait, face):
    x, y, w, h = 100.0, 120.0, 60.0, 70.0
    stale = FaceGeometry((x, y, w, h), np.asarray(face.landmarks) - 200)
    nonsense = FaceGeometry((x, y, w, h), np.full((5, 2), np.nan))
    one_spot = FaceGeometry((x, y, w, h), np.full((5, 2), 130.0))
    vectors = dlib_embedder.embed(portrait.image, [FaceGeometry((x, y, w, h)), stale, nonsense, one_spot])
    assert all(np.array_equal(vectors[0], vector) for vector in vectors[1:])


def test_a_vector_does_not_depend_on_the_other_faces_in_the_photo(dlib_embedder, portrait, face):
    alone = dlib_embedder.embed(portrait.image, [face])[0]
    others = [FaceGeometry((5, 5, 50, 60)), face, FaceGeometry((100, 100, 80, 90))]
    assert np.array_equal(dlib_embedder.embed(portrait.image, others)[1], alone)


@pytest.mark.parametrize(
    "box", [(60, 60, 12, 15), (0, 0, 1, 1), (239.5, 239.5, 0.5, 0.5), (0, 0, 240, 240), (0, 100, 240, 3)]
)
def test_small_and_odd_boxes_still_embed(dlib_embedder, facenet, portrait, box):
    for embedder in (dlib_embedder, facenet):
        assert np.isclose(np.linalg.norm(embedder.embed(portrait.image, [FaceGeometry(box)])), 1, atol=1e-5)


@pytest.mark.parametrize("box", [(240, 10, 5, 5), (-20, 10, 20, 5), (10, 10, 0, 5)])
def test_a_box_outside_the_image_is_refused(dlib_embedder, facenet, portrait, box):
    for embedder in (dlib_embedder, facenet):
        with pytest.raises(ValueError, match=r"does not touch the image of 240×240"):
            embedder.embed(portrait.image, [FaceGeometry(box)])


def test_grey_images_are_refused(dlib_embedder, facenet, portrait, face):
    for embedder in (dlib_embedder, facenet):
        with pytest.raises(UnusableImage):
            embedder.embed(portrait.image[:, :, 0], [face])


def test_a_description_can_be_stored_and_names_the_weights(dlib_embedder, facenet, random_weights):
    for embedder in (dlib_embedder, facenet):
        described = embedder.describe()
        assert json.loads(json.dumps(described)) == described
        assert len(described["weights_sha256"]) == 64
    assert facenet.describe()["weights_sha256"] != dlib_embedder.describe()["weights_sha256"]


def test_unknown_names_and_parameters_are_refused():
    with pytest.raises(UnknownEmbedder, match=r"no embedder called “arcface”.*dlib, facenet"):
        get_embedder("arcface")
    with pytest.raises(UnknownEmbedder, match=r"weights"):
        get_embedder("dlib", weights="x")


# ── FaceNet and its weights ───────────────────────────────────────────────────────────────────────────────


def test_facenet_gives_unit_vectors_that_repeat(facenet, random_weights, portrait, face):
    first = facenet.embed(portrait.image, [face, FaceGeometry((5, 5, 50, 60))])
    again = get_embedder("facenet", weights=random_weights).embed(portrait.image, [face, FaceGeometry((5, 5, 50, 60))])
    assert first.shape == (2, 512) and first.dtype == np.float32
    assert np.allclose(np.linalg.norm(first, axis=1), 1, atol=1e-6)
    assert np.array_equal(first, again)
    assert np.allclose(facenet.embed(portrait.image, [face])[0], first[0], atol=1e-5)


def test_more_faces_than_one_pass_holds_keep_their_order(facenet, portrait):
    faces = [FaceGeometry((5 * index, 10, 60, 70)) for index in range(facenet.FACES_PER_PASS + 2)]
    together = facenet.embed(portrait.image, faces)
    assert np.allclose(together[-1], facenet.embed(portrait.image, faces[-1:])[0], atol=1e-5)
    assert not np.allclose(together[0], together[-1], atol=1e-5)


def test_weights_are_found_through_the_environment(monkeypatch, random_weights):
    monkeypatch.setenv("FACET_FACENET_WEIGHTS", str(random_weights))
    get_embedder("facenet").load()


def test_weights_of_the_original_classifier_are_read_without_its_last_layer(tmp_path, network_state):
    path = tmp_path / "trained.pt"
    torch.save({**network_state, "logits.weight": torch.zeros(3, 512), "logits.bias": torch.zeros(3)}, path)
    get_embedder("facenet", weights=path).load()


def test_a_missing_file_is_named_with_what_to_do(tmp_path):
    with pytest.raises(WeightsUnavailable, match=r"no file .*absent\.pt.*FACET_FACENET_WEIGHTS.*“dlib”"):
        get_embedder("facenet", weights=tmp_path / "absent.pt").load()


def other_network(path):
    save_file({"weight": torch.zeros(2, 2)}, path)


def list_of_tensors(path):
    torch.save([torch.zeros(2)], path)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("junk.pt", lambda path: path.write_bytes(b"junk")),
        ("empty.pt", lambda path: path.write_bytes(b"")),
        ("junk.safetensors", lambda path: path.write_bytes(b"junk")),
        ("other.safetensors", other_network),
        ("list.pt", list_of_tensors),
    ],
)
def test_a_file_that_holds_no_facenet_weights_is_named(tmp_path, name, write):
    write(tmp_path / name)
    with pytest.raises(WeightsUnavailable, match=rf"{name}.*FACET_FACENET_WEIGHTS"):
        get_embedder("facenet", weights=tmp_path / name).load()


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_code_hidden_in_a_weights_file_is_refused_and_does_not_run(tmp_path):
    (tmp_path / "trap.pt").write_bytes(pickle.dumps(Trap(tmp_path / "ran"), protocol=2))
    with pytest.raises(WeightsUnavailable, match=r"trap\.pt could not be read"):
        get_embedder("facenet", weights=tmp_path / "trap.pt").load()
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def empty_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("FACET_FACENET_WEIGHTS", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path / "checkpoints"


def test_without_a_network_the_error_says_what_to_do_and_leaves_nothing_behind(monkeypatch, empty_cache):
    def unreachable(url, timeout):
        raise URLError("Name or service not known")

    monkeypatch.setattr(embedders, "urlopen", unreachable)
    with pytest.raises(WeightsUnavailable, match=r"could not be downloaded.*not known.*FACET_FACENET_WEIGHTS.*“dlib”"):
        get_embedder("facenet").load()
    assert list(empty_cache.iterdir()) == []
    assert get_embedder("facenet").describe()["weights_sha256"] is None


class Download(io.BytesIO):
    """An HTTP answer; `length` is what is still to come, as http.client counts it."""

    length = 0


def test_a_download_is_kept_and_not_repeated(monkeypatch, empty_cache, network_state):
    buffer, calls = io.BytesIO(), []
    torch.save(network_state, buffer)

    def answer(url, timeout):
        calls.append(url)
        assert timeout <= 60
        return Download(buffer.getvalue())

    monkeypatch.setattr(embedders, "urlopen", answer)
    get_embedder("facenet").load()
    get_embedder("facenet").load()
    assert len(calls) == 1
    assert [path.read_bytes() == buffer.getvalue() for path in empty_cache.iterdir()] == [True]


def test_a_download_cut_short_is_not_kept(monkeypatch, empty_cache):
    def answer(url, timeout):
        broken = Download(b"half of it")
        broken.length = 10
        return broken

    monkeypatch.setattr(embedders, "urlopen", answer)
    with pytest.raises(WeightsUnavailable, match=r"could not be downloaded.*10 bytes to come"):
        get_embedder("facenet").load()
    assert list(empty_cache.iterdir()) == []


# ── cutting out ───────────────────────────────────────────────────────────────────────────────────────────

TEMPLATE = np.array([[48.0, 46.0], [102.0, 46.0], [75.0, 79.0], [51.0, 106.0], [99.0, 106.0]])


def turned(points, degrees, scale, shift):
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ turn.T + shift


@pytest.mark.parametrize(("degrees", "scale"), [(0, 1), (35, 0.2), (-170, 7)])
def test_a_similarity_is_recovered_exactly(degrees, scale):
    points = turned(TEMPLATE, degrees, scale, (13, -40))
    matrix = similarity_transform(points, TEMPLATE)
    assert np.allclose(points @ matrix[:, :2].T + matrix[:, 2], TEMPLATE)


def test_a_mirrored_face_is_not_mirrored_back():
    matrix = similarity_transform(TEMPLATE * [-1, 1], TEMPLATE)
    assert np.linalg.det(matrix[:, :2]) > 0


def test_landmarks_on_one_spot_are_refused():
    with pytest.raises(DegenerateLandmarks):
        similarity_transform(np.ones((5, 2)), TEMPLATE)


@pytest.mark.parametrize("scale", [0.4, 1, 3, 11])
def test_landmarks_land_on_the_template_at_any_size(scale):
    points = turned(TEMPLATE, 20, scale, (60 * scale, 30 * scale))
    image = np.zeros((round(230 * scale), round(230 * scale), 3), np.uint8)
    columns, rows = np.meshgrid(np.arange(image.shape[1]), np.arange(image.shape[0]))
    for x, y in points:
        image[np.hypot(columns - x, rows - y) <= max(1.0, 3 * scale)] = 255
    chip = align(image, points, TEMPLATE, 150)[:, :, 0].astype(float)
    for x, y in TEMPLATE:
        near = chip[round(y) - 9 : round(y) + 10, round(x) - 9 : round(x) + 10]
        middle = [np.average(np.arange(-9, 10), weights=near.sum(axis=axis)) for axis in (0, 1)]
        assert np.abs(middle).max() < 0.5 * max(1, 1 / scale)  # a dot is drawn to whole pixels


def test_a_large_face_is_averaged_down_not_sampled():
    checks = np.indices((900, 900)).sum(axis=0) % 2 * 255
    image = np.repeat(checks[:, :, None], 3, axis=2).astype(np.uint8)
    chip = warp(image, np.array([[1 / 6, 0, 0], [0, 1 / 6, 0]]), 150)
    inside = chip[1:-1, 1:-1]
    assert inside.std() < 5 and abs(inside.mean() - 127) < 3


def test_what_lies_outside_the_image_is_black():
    image = np.full((50, 50, 3), 200, np.uint8)
    assert warp(image, np.array([[1.0, 0, 500], [0, 1.0, 0]]), 20).max() == 0
    half = warp(image, np.array([[1.0, 0, 10], [0, 1.0, 0]]), 20)
    assert half[:, :10].max() == 0 and half[:, 11:].min() == 200


def test_a_margin_widens_the_crop_up_to_the_border():
    image = np.arange(100 * 100 * 3, dtype=np.uint32).reshape(100, 100, 3)
    assert np.array_equal(crop_with_margin(image, (40, 50, 20, 10), 0.5), image[45:65, 30:70])
    assert np.array_equal(crop_with_margin(image, (0, 90, 20, 10), 0.5), image[85:100, 0:30])
    assert crop_with_margin(image, (99.9, 99.9, 0.05, 0.05)).shape == (1, 1, 3)
