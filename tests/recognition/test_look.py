"""A box that a person has just drawn is looked at before the photo is sent: landmarks, names, and nothing stored."""

import uuid

import numpy as np
import pytest

from jobs.models import Job, State
from labelling.models import Bond, Constraint, Face, Suggestion
from labelling.submit import FaceWord, submit_image
from recognition.landmarks import find_landmarks
from recognition.look import quality
from recognition.models import Embedding
from recognition.propose import loaded_detector


def names_in(job):
    return [one["identity"]["name"] for one in job.result["suggestions"]]


def submit(image, by, *words):
    image.refresh_from_db()
    return submit_image(image, list(words), by=by, version=image.version, event_id=uuid.uuid4())


@pytest.fixture
def named(project, owner, add_portrait, work_off):
    """Persons 1 and 2 have a named face each."""
    for person, name in ((1, "Ana"), (2, "Ben")):
        image = add_portrait(person)
        work_off(project, "propose")
        submit(image, owner, FaceWord(id=image.faces.get().pk, identity=name, has_identity=True))
    work_off(project, "embed")


@pytest.fixture
def drawn(project, add_portrait, work_off, annotator, api_for):
    """A photo of person 1 without its box, and a way to have the box looked at."""
    image = add_portrait(1, photo=2)
    work_off(project, "propose")
    face = image.faces.get()
    box = face.box
    face.delete()

    def look(box=box, uid=None, **more):
        asked = {"uid": str(uid or uuid.uuid4()), "box": list(box), **more}
        answer = api_for(annotator).post(f"/api/v1/images/{image.pk}/look/", asked, format="json")
        assert answer.status_code == 202, answer.data
        work_off(project, "look")
        return Job.objects.get(pk=answer.data["job"])

    look.image, look.box = image, box
    return look


def test_a_drawn_box_gets_landmarks_and_names_before_it_is_stored(named, drawn):
    job = drawn()
    assert job.state == State.DONE
    assert names_in(job)[0] == "Ana"
    first = job.result["suggestions"][0]
    assert first["rank"] == 1 and 0 < first["probability"] < 1
    assert first["nearest_crop"].startswith("/media/faces/")
    assert "similarity" in first["reason"]
    x, y, w, h = drawn.box
    points = np.array(job.result["landmarks"])
    assert points.shape == (5, 2)
    assert ((points > (x, y)) & (points < (x + w, y + h))).all()
    assert not drawn.image.faces.exists()
    assert not Suggestion.objects.filter(face__image=drawn.image).exists()


def test_landmarks_fit_those_of_the_detector_in_loosely_drawn_boxes(named, drawn):
    exact = np.array(drawn().result["landmarks"])
    x, y, w, h = drawn.box
    loose = np.array(drawn((max(0, x - w / 4), max(0, y - h / 4), w * 1.5, h * 1.5)).result["landmarks"])
    assert np.abs(loose - exact).max() < w / 10


def test_who_is_named_elsewhere_in_the_photo_is_not_suggested(named, drawn, owner):
    ben = Face.objects.get(identity__name="Ben").identity_id
    assert names_in(drawn(present=[ben])) == ["Ana"]
    submit(drawn.image, owner, FaceWord(box=(1, 1, 20, 20), identity="Ana", has_identity=True))
    assert names_in(drawn()) == ["Ben"]


def test_a_box_drawn_over_a_named_one_is_the_same_face(named, drawn, owner):
    submit(drawn.image, owner, FaceWord(box=drawn.box, identity="Ana", has_identity=True))
    assert names_in(drawn())[0] == "Ana"


def test_not_this_person_is_remembered_for_a_moved_box(named, drawn, owner):
    submit(drawn.image, owner, FaceWord(box=drawn.box))
    face, ana = drawn.image.faces.get(), Face.objects.get(identity__name="Ana").identity
    Constraint.objects.create(project=drawn.image.project, bond=Bond.CANNOT, face=face, identity=ana)
    assert names_in(drawn(uid=face.uid)) == ["Ben"]


def test_with_nobody_named_there_are_landmarks_alone(drawn):
    job = drawn()
    assert job.state == State.DONE
    assert job.result["suggestions"] == []
    assert job.result["landmarks"]


def test_a_box_over_no_face_has_no_landmarks(drawn):
    job = drawn((2, 2, 30, 30))
    assert job.state == State.DONE
    assert job.result["landmarks"] is None


@pytest.mark.parametrize("box", [[1, 2, 3], [900, 900, 20, 20], [5, 5, 0, 10], ["a", 1, 2, 3]])
def test_an_impossible_box_is_refused_and_no_worker_troubled(drawn, annotator, api_for, box):
    asked = {"uid": str(uuid.uuid4()), "box": box}
    answer = api_for(annotator).post(f"/api/v1/images/{drawn.image.pk}/look/", asked, format="json")
    assert answer.status_code == 400
    assert not Job.objects.filter(kind="look").exists()


def test_looks_do_not_fill_the_list_of_jobs(named, drawn, owner, client_for):
    drawn()
    page = client_for(owner).get(f"/p/{drawn.image.project.slug}/jobs/")
    assert b"Look at a box" not in page.content


def test_a_stored_box_of_a_person_gets_landmarks_with_its_vector(drawn, owner, work_off):
    submit(drawn.image, owner, FaceWord(box=drawn.box))
    face = drawn.image.faces.get()
    assert face.landmarks is None
    work_off(drawn.image.project, "embed")
    version = face.version
    face.refresh_from_db()
    assert len(face.landmarks) == 10
    assert face.version == version, "nobody said anything new"
    assert Embedding.objects.current("dlib").filter(face=face).exists()


def test_landmarks_at_the_border_of_the_photo_lie_where_they_are():
    from recognition.drawing import draw_portrait

    photo = draw_portrait(1, 1, (240, 240)).image
    detector = loaded_detector("mtcnn", 20)
    ((whole, *_),) = detector.detect([photo])
    x, y, w, h = whole.box
    left, top = int(x) - 12, int(y) - 12
    cut = np.ascontiguousarray(photo[top:, left:])
    points = find_landmarks(cut, (x - left, y - top, w, h), detector)
    assert points is not None
    assert np.abs(points + np.array([left, top]) - whole.landmarks).max() < w / 8


def test_quality_tells_dark_from_bright():
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[50:] = 200
    assert quality(pixels, (10, 10, 30, 20)) == {"side_px": 20, "sharpness": 0.0, "brightness": 0.0}
    assert quality(pixels, (10, 60, 30, 20))["brightness"] == 200
