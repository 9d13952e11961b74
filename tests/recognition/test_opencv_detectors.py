"""YuNet and cascades: files of one's own, boxes in pixels of the photo, and a plain sentence where the file is missing.

OpenCV runs small models made here in place of the real ones, which Facet does not bring along. With FACET_YUNET_MODEL
or FACET_HAAR_CASCADE set, the real ones look at drawn people as well.
"""

import os

import numpy as np
import pytest

from jobs.errors import JobFailed
from jobs.models import State
from labelling.models import Face, Image, ImageState
from recognition.detectors import DetectorUnavailable, get_detector
from recognition.drawing import draw_portrait
from recognition.propose import loaded_detector
from tests.recognition.tiny_models import FACE_PX, write_cascade, write_yunet

VARIABLES = {"yunet": "FACET_YUNET_MODEL", "haar": "FACET_HAAR_CASCADE"}
WRITERS = {"yunet": write_yunet, "haar": write_cascade}
both = pytest.mark.parametrize("name", ["yunet", "haar"])


@pytest.fixture
def model(tmp_path):
    def write(name):
        return WRITERS[name](tmp_path / name)

    return write


@pytest.fixture(autouse=True)
def nothing_loaded():
    loaded_detector.cache_clear()
    yield
    loaded_detector.cache_clear()


def grey(height=240, width=320):
    return np.full((height, width, 3), 60, np.uint8)


def marked(name, image, x, y, side=40):
    """A mark that the small model takes for a face with its middle at x, y."""
    half = side // 2 if name == "haar" else side // 2 // 8 * 8
    image[y - half : y + half, x - half : x + half] = 255 if name == "haar" else (255, 0, 0)
    return image


def middle(face):
    x, y, w, h = face.box
    return x + w / 2, y + h / 2


@both
def test_a_face_is_found_where_it_is(name, model):
    detector = get_detector(name, model=model(name))
    ((face, *_), nobody) = detector.detect([marked(name, grey(), 160, 120), grey()])
    assert np.allclose(middle(face), (160, 120), atol=12)
    assert 0.8 <= face.score <= 1
    assert nobody == []


@both
def test_boxes_of_a_large_photo_are_in_its_own_pixels(name, model):
    photo = marked(name, grey(1800, 2400), 1600, 1200, side=240)
    ((face, *_),) = get_detector(name, model=model(name), long_side_px=600).detect([photo])
    assert np.allclose(middle(face), (1600, 1200), atol=120)


@both
def test_faces_below_the_smallest_one_looked_for_are_left_out(name, model):
    photo, path = marked(name, grey(480, 640), 320, 240), model(name)
    assert get_detector(name, model=path, min_face_px=20).detect([photo]) != [[]]
    assert get_detector(name, model=path, min_face_px=160).detect([photo]) == [[]]


@both
def test_boxes_end_at_the_border(name, model):
    for x, y in ((20, 20), (300, 220)):
        for face in get_detector(name, model=model(name)).detect([marked(name, grey(), x, y)])[0]:
            left, top, w, h = face.box
            assert left >= 0 and top >= 0 and left + w <= 320 and top + h <= 240


@both
@pytest.mark.parametrize("size", [(1, 1), (5, 300), (300, 5), (31, 33), (20, 2000)])
def test_tiny_and_elongated_images_are_answered(name, model, size):
    assert get_detector(name, model=model(name)).detect([grey(*size)]) == [[]]


def test_yunet_gives_landmarks_and_a_cascade_none(model):
    photo = marked("yunet", grey(), 160, 120, side=16)
    ((face, *_),) = get_detector("yunet", model=model("yunet"), min_face_px=10).detect([photo])
    assert face.landmarks.shape == (5, 2) and face.landmarks.dtype == np.float32
    assert (face.landmarks[0] < middle(face)).all() and (face.landmarks[4] > middle(face)).all()
    ((face, *_),) = get_detector("haar", model=model("haar")).detect([marked("haar", grey(), 160, 120)])
    assert face.landmarks is None


def test_yunet_looks_from_afar_where_a_face_may_be_larger_than_it_knows(model):
    # To the small network every face has 32 px of what it is shown.
    photo = marked("yunet", grey(1200, 1600), 800, 600, side=320)
    faces = get_detector("yunet", model=model("yunet"), min_face_px=10, long_side_px=1600).detect([photo])[0]
    widths = sorted({round(face.box[2]) for face in faces})
    assert widths[0] == FACE_PX and widths[-1] == FACE_PX * 1600 // 320


@both
def test_a_description_names_the_files_checksum_and_what_it_was_told(name, model, tmp_path):
    detector = get_detector(name, model=model(name), min_face_px=24)
    assert detector.describe()["weights_sha256"] is None
    detector.load()
    described = detector.describe()
    assert (described["name"], described["parameters"]["min_face_px"]) == (name, 24)
    assert len(described["weights_sha256"]) == 64
    assert str(tmp_path) not in str(described)


@both
def test_a_missing_file_is_said_with_what_to_do(name, monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLES[name], raising=False)
    with pytest.raises(DetectorUnavailable, match=rf"none is set.*set {VARIABLES[name]}.*choose the detector “mtcnn”"):
        get_detector(name).load()
    monkeypatch.setenv(VARIABLES[name], str(tmp_path / "gone"))
    with pytest.raises(DetectorUnavailable, match=rf"There is no file {tmp_path}/gone"):
        get_detector(name).load()


@both
@pytest.mark.parametrize("content", [b"", b"<?xml version='1.0'?><opencv_storage/>", b"\x08\x07" * 50, b"nonsense"])
def test_a_file_that_is_something_else_is_said_as_well(name, content, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_bytes(content)
    with pytest.raises(DetectorUnavailable, match=str(wrong)):
        get_detector(name, model=wrong).load()


@both
def test_values_out_of_range_are_refused(name):
    for wrong in ({"min_face_px": 4}, {"long_side_px": 5}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            get_detector(name, **wrong)


@both
def test_a_project_proposes_with_the_detector_it_chose(name, project, add_portrait, work_off, model, monkeypatch):
    monkeypatch.setenv(VARIABLES[name], str(model(name)))
    project.stored_settings = {"detector": name, "min_score": 0.01}
    project.save()
    add_portrait(1)
    (job,) = work_off(project, "propose")
    assert (job.state, job.done, job.result["detector"]["name"]) == (State.DONE, 1, name)
    assert all(face.detector.description == job.result["detector"] for face in Face.objects.select_related("detector"))


@both
def test_without_its_file_the_job_fails_with_the_sentence_and_the_photos_wait(
    name, project, add_portrait, work_off, monkeypatch
):
    monkeypatch.delenv(VARIABLES[name], raising=False)
    project.stored_settings = {"detector": name}
    project.save()
    image = add_portrait(1)
    (job,) = work_off(project, "propose")
    assert job.state == State.FAILED and f"set {VARIABLES[name]}" in job.message
    assert Image.objects.get(pk=image.pk).state == ImageState.NEW
    with pytest.raises(JobFailed):
        loaded_detector(name, 20)


@both
def test_the_real_model_finds_a_drawn_face(name):
    if not os.environ.get(VARIABLES[name]):
        pytest.skip(f"{VARIABLES[name]} names no file here.")
    portraits = [draw_portrait(person, 1, (240, 240)) for person in range(1, 9)]
    found = get_detector(name).detect([portrait.image for portrait in portraits])
    hits = [
        any(np.allclose(middle(face), middle(truth.faces[0]), atol=truth.faces[0].box[2] / 3) for face in faces)
        for faces, truth in zip(found, portraits, strict=True)
    ]
    assert sum(hits) >= 5
