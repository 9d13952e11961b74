"""What a detector finds never touches what a person said, and a repeated run adds nothing twice."""

from uuid import uuid4

import numpy as np
import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from labelling.boxes import iou
from labelling.ingest import ingest_photo
from labelling.models import DetectorSetup, Face, FaceState, Identity, Image, ImageState, Origin
from labelling.proposals import ProposedFace, record_failure, record_proposals
from labelling.submit import FaceWord, submit_image

POINTS = [[12.0, 22.0], [20.0, 22.0], [16.0, 28.004], [13.0, 34.0], [19.0, 34.0]]
LEFT, MIDDLE, RIGHT = (10, 20, 24, 30), (60, 20, 24, 30), (110, 20, 24, 30)


@pytest.fixture
def image(project, photo_bytes):
    return Image.objects.get(pk=ingest_photo(project, "a.jpg", photo_bytes(1)).id)


def propose(image, *boxes, **options):
    faces = [ProposedFace(box, 0.99, None) for box in boxes]
    return record_proposals(image.pk, faces, detector={"name": "test"}, **options)


def boxes(image) -> list[tuple]:
    return sorted(face.box for face in image.faces.all())


def say(image, by, *words):
    image.refresh_from_db()
    return submit_image(image, list(words), by=by, version=image.version, event_id=uuid4())


def test_found_faces_are_kept_and_the_photo_waits_for_a_person(image):
    record_proposals(image.pk, [ProposedFace(LEFT, 0.987, POINTS)], detector={"name": "mtcnn"})
    face = Face.objects.get()
    assert (face.box, face.score, face.state, face.origin) == (LEFT, 0.987, FaceState.PROPOSED, Origin.MODEL)
    assert face.points == [[12.0, 22.0], [20.0, 22.0], [16.0, 28.0], [13.0, 34.0], [19.0, 34.0]]
    assert (face.detector.name, face.image_w, face.image_h) == ("mtcnn", 160, 120)
    image.refresh_from_db()
    assert (image.state, image.version) == (ImageState.PROPOSED, 2)


def test_landmarks_may_come_as_an_array(image):
    record_proposals(image.pk, [ProposedFace(LEFT, 0.9, np.array(POINTS))], detector={"name": "mtcnn"})
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


# ── runs over photos that were searched before ────────────────────────────────────────────────────────────


def version_of(image) -> int:
    return Image.objects.values_list("version", flat=True).get(pk=image.pk)


def test_a_face_found_again_stays_the_same_face(image):
    (face,) = record_proposals(image.pk, [ProposedFace(LEFT, 0.9, POINTS)], detector={"name": "old"})
    person = Identity.objects.create(project=image.project, name="Ann", class_id=0)
    face.suggestions.create(rank=1, identity=person, probability=0.8, model_name="dlib")
    moved = (12, 21, 24, 30)
    assert record_proposals(image.pk, [ProposedFace(moved, 0.95, None)], detector={"name": "new"}) == []
    again = Face.objects.get()
    assert (again.pk, again.uid, again.box) == (face.pk, face.uid, moved)
    assert (again.score, again.landmarks, again.detector.name) == (0.95, None, "new")
    assert again.version == face.version + 1 and again.updated_at > face.updated_at
    assert again.suggestions.count() == 1


def test_a_run_that_finds_the_same_makes_no_open_work_stale(image):
    propose(image, LEFT, MIDDLE)
    before = version_of(image), list(image.faces.order_by("pk").values())
    propose(image, MIDDLE, LEFT)
    assert (version_of(image), list(image.faces.order_by("pk").values())) == before


def test_another_score_alone_changes_nothing_a_person_sees(image):
    (face,) = propose(image, LEFT)
    before = version_of(image)
    record_proposals(image.pk, [ProposedFace(LEFT, 0.5, None)], detector={"name": "other"})
    again = Face.objects.get()
    assert (version_of(image), again.version, again.score, again.detector.name) == (before, face.version, 0.5, "other")


def test_a_run_that_finds_less_or_elsewhere_is_a_change(image):
    propose(image, LEFT, MIDDLE)
    before = version_of(image)
    propose(image, LEFT)
    assert version_of(image) == before + 1
    propose(image, (13, 20, 24, 30))
    assert version_of(image) == before + 2


def test_of_two_that_overlap_the_closer_one_is_the_same_face(image):
    near, far = propose(image, (20, 20, 24, 30), (26, 20, 24, 30))
    propose(image, (26, 20, 24, 30))
    assert list(image.faces.values_list("pk", flat=True)) == [far.pk]
    assert near.pk != far.pk


def test_new_faces_in_an_accepted_photo_take_the_acceptance_back(image, annotator, reviewer):
    (face,) = propose(image, LEFT)
    say(image, annotator, FaceWord(id=face.pk, state=FaceState.CONFIRMED))
    Image.objects.filter(pk=image.pk).update(reviewed_by=reviewer, reviewed_at=timezone.now())
    propose(image, LEFT)
    image.refresh_from_db()
    assert image.reviewed_by == reviewer
    propose(image, LEFT, RIGHT)
    image.refresh_from_db()
    assert (image.reviewed_by, image.reviewed_at, image.state) == (None, None, ImageState.PROPOSED)


def test_a_disputed_photo_stays_with_its_reviewer(image):
    propose(image, LEFT)
    Image.objects.filter(pk=image.pk).update(state=ImageState.DISPUTED)
    propose(image, LEFT, RIGHT)
    image.refresh_from_db()
    assert image.state == ImageState.DISPUTED


box_strategy = st.tuples(st.integers(0, 120), st.integers(0, 80), st.integers(10, 40), st.integers(10, 40))
runs_strategy = st.lists(st.lists(box_strategy, max_size=5), min_size=1, max_size=4)
word_strategy = st.sampled_from(["confirm", "reject", "name", "move", "leave"])


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # fmt: skip
@given(first=st.lists(box_strategy, min_size=1, max_size=5), words=st.lists(word_strategy), runs=runs_strategy)
def test_no_sequence_of_runs_changes_what_people_said(image, annotator, first, words, runs):
    with transaction.atomic():
        image.faces.all().delete()
        faces = propose(image, *first)
        said = [word for face, kind in zip(faces, words, strict=False) if (word := spoken(face, kind))]
        say(image, annotator, *said, FaceWord(uid=uuid4(), box=(5, 5, 20, 20)))
        theirs = {word.id for word in said} | set(image.faces.filter(origin=Origin.HUMAN).values_list("pk", flat=True))
        before = list(image.faces.filter(pk__in=theirs).order_by("pk").values())
        for run in runs:
            propose(image, *run)
            assert list(image.faces.filter(pk__in=theirs).order_by("pk").values()) == before
            fresh = image.faces.exclude(pk__in=theirs)
            assert all(iou(face.box, row_box(row)) < 0.5 for face in fresh for row in before)
            assert set(fresh.values_list("state", flat=True)) <= {FaceState.PROPOSED}
        rows, version = list(image.faces.order_by("pk").values()), version_of(image)
        propose(image, *runs[-1])
        assert (list(image.faces.order_by("pk").values()), version_of(image)) == (rows, version)


def spoken(face, kind: str) -> FaceWord | None:
    return {
        "confirm": FaceWord(id=face.pk, state=FaceState.CONFIRMED),
        "reject": FaceWord(id=face.pk, state=FaceState.REJECTED),
        "name": FaceWord(id=face.pk, identity="Ann", has_identity=True),
        "move": FaceWord(id=face.pk, box=(1, 1, 30, 30)),
    }.get(kind)


def row_box(row: dict) -> tuple:
    return row["x"], row["y"], row["w"], row["h"]


def test_each_proposal_says_with_which_weights_and_parameters_it_was_found(image):
    described = {"name": "mtcnn", "weights_sha256": "ab" * 32, "parameters": {"min_face_px": 20}, "min_score": 0.8}
    (face,) = record_proposals(image.pk, [ProposedFace(LEFT, 0.9, None)], detector=described)
    assert (face.detector.name, face.detector.description) == ("mtcnn", described)
    found = [ProposedFace(LEFT, 0.9, None), ProposedFace(MIDDLE, 0.7, None)]
    (other,) = record_proposals(image.pk, found, detector=described | {"min_score": 0.6})
    face.refresh_from_db()
    assert other.detector == face.detector and face.detector.description["min_score"] == 0.6


def test_the_same_description_is_one_row_in_each_project(image, owner):
    for box in (LEFT, MIDDLE):
        record_proposals(
            image.pk, [ProposedFace(box, 0.9, None)], detector={"name": "mtcnn", "parameters": {"a": 1, "b": 2}}
        )
    record_proposals(image.pk, [], detector={"parameters": {"b": 2, "a": 1}, "name": "mtcnn"})
    assert DetectorSetup.objects.filter(project=image.project).count() == 1
