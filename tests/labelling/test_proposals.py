"""What a detector finds never touches what a person said, and a repeated run adds nothing twice."""

from uuid import uuid4

import numpy as np
import pytest

from labelling.ingest import ingest_photo
from labelling.models import Face, FaceState, Image, ImageState, Origin
from labelling.proposals import ProposedFace, record_failure, record_proposals
from labelling.submit import FaceWord, submit_image

POINTS = [[12.0, 22.0], [20.0, 22.0], [16.0, 28.004], [13.0, 34.0], [19.0, 34.0]]
LEFT, MIDDLE, RIGHT = (10, 20, 24, 30), (60, 20, 24, 30), (110, 20, 24, 30)


@pytest.fixture
def image(project, photo_bytes):
    return Image.objects.get(pk=ingest_photo(project, "a.jpg", photo_bytes(1)).id)


def propose(image, *boxes, **options):
    faces = [ProposedFace(box, 0.99, None) for box in boxes]
    return record_proposals(image.pk, faces, model_name="test", **options)


def boxes(image) -> list[tuple]:
    return sorted(face.box for face in image.faces.all())


def say(image, by, *words):
    image.refresh_from_db()
    return submit_image(image, list(words), by=by, version=image.version, event_id=uuid4())


def test_found_faces_are_kept_and_the_photo_waits_for_a_person(image):
    record_proposals(image.pk, [ProposedFace(LEFT, 0.987, POINTS)], model_name="mtcnn")
    face = Face.objects.get()
    assert (face.box, face.score, face.state, face.origin) == (LEFT, 0.987, FaceState.PROPOSED, Origin.MODEL)
    assert face.points == [[12.0, 22.0], [20.0, 22.0], [16.0, 28.0], [13.0, 34.0], [19.0, 34.0]]
    assert (face.model_name, face.image_w, face.image_h) == ("mtcnn", 160, 120)
    image.refresh_from_db()
    assert (image.state, image.version) == (ImageState.PROPOSED, 2)


def test_landmarks_may_come_as_an_array(image):
    record_proposals(image.pk, [ProposedFace(LEFT, 0.9, np.array(POINTS))], model_name="mtcnn")
    assert Face.objects.get().points[0] == [12.0, 22.0]


def test_a_photo_without_faces_still_goes_to_a_person(image):
    assert propose(image) == []
    image.refresh_from_db()
    assert image.state == ImageState.PROPOSED


def test_a_repeated_run_replaces_untouched_proposals_and_doubles_none(image):
    propose(image, LEFT, MIDDLE)
    propose(image, LEFT, MIDDLE)
    assert boxes(image) == [LEFT, MIDDLE]
    propose(image, RIGHT)
    assert boxes(image) == [RIGHT]


def test_what_people_said_outlives_a_repeated_run(image, annotator):
    confirmed, rejected, moved = propose(image, LEFT, MIDDLE, RIGHT)
    say(
        image, annotator,
        FaceWord(id=confirmed.pk, identity="Ann", has_identity=True),
        FaceWord(id=rejected.pk, state=FaceState.REJECTED),
        FaceWord(id=moved.pk, box=(112, 22, 24, 30)),
        FaceWord(uid=uuid4(), box=(30, 80, 20, 20)),
    )  # fmt: skip
    before = list(image.faces.order_by("pk").values())
    propose(image, LEFT, (61, 21, 24, 30), RIGHT, (30, 81, 20, 20))
    assert list(image.faces.order_by("pk").values()) == before


def test_a_labelled_photo_comes_back_only_for_faces_nobody_has_seen(image, annotator):
    (face,) = propose(image, LEFT)
    say(image, annotator, FaceWord(id=face.pk, state=FaceState.REJECTED))
    propose(image, LEFT)
    image.refresh_from_db()
    assert image.state == ImageState.LABELLED
    propose(image, LEFT, RIGHT)
    image.refresh_from_db()
    assert (image.state, boxes(image)) == (ImageState.PROPOSED, [LEFT, RIGHT])


def test_boxes_are_cut_at_the_edge_and_those_outside_dropped(image):
    propose(image, (-10, -10, 30, 30), (150, 110, 30, 30), (200, 10, 30, 30), (10, 10, float("nan"), 5), (10, 10, 0, 0))
    assert boxes(image) == [(0, 0, 20, 20), (150, 110, 10, 10)]


def test_a_photo_that_cannot_be_searched_goes_to_people_with_the_reason(image):
    record_failure(image.pk, "The file is damaged." + "x" * 600)
    image.refresh_from_db()
    assert image.state == ImageState.PROPOSED
    assert image.note.startswith("The file is damaged.") and len(image.note) == 500
    propose(image, LEFT)
    image.refresh_from_db()
    assert image.note == ""


def test_a_failed_search_does_not_touch_a_photo_that_has_proposals(image):
    propose(image, LEFT)
    record_failure(image.pk, "Late.")
    image.refresh_from_db()
    assert image.note == ""
