"""Looking for faces again: what people said stays, and a stopped run goes on where it was."""

import uuid

import pytest
from django.urls import reverse

from jobs.models import Job, State
from labelling.models import Face, FaceState, ImageState
from labelling.queue import open_image
from labelling.submit import FaceWord, submit_image
from recognition import propose_again
from recognition.detectors import DetectedFace
from recognition.photos_again import Photos, start_again

BOX, ELSEWHERE = (60.0, 60.0, 50.0, 60.0), (150.0, 60.0, 50.0, 60.0)


class Finds:
    """A detector whose answers are known."""

    name = "finds"
    least_score = 0.5

    def __init__(self, *boxes):
        import numpy as np

        points = np.full((5, 2), 80.0, dtype=np.float32)
        self.faces = [DetectedFace(box=box, score=0.99, landmarks=points) for box in boxes]
        self.photos = 0

    def describe(self):
        return {"name": self.name}

    def detect(self, photos):
        self.photos += len(photos)
        return [self.faces for _ in photos]


@pytest.fixture
def detector(monkeypatch):
    """Takes the detector's place from now on."""

    def use(*boxes):
        found = Finds(*boxes)
        monkeypatch.setattr("recognition.propose.loaded_detector", lambda *_: found)
        monkeypatch.setattr("recognition.propose_again.loaded_detector", lambda *_: found)
        return found

    return use


@pytest.fixture
def photos(add_portrait, project, work_off, detector):
    detector(BOX)
    images = [add_portrait(person) for person in (1, 2, 3)]
    work_off(project, "propose")
    return images


def again(project, work_off, photos=Photos.WAITING):
    start_again(project, photos, by=None)
    (job,) = work_off(project, "propose_again")
    assert job.state == State.DONE, job.message
    return job


def boxes(image):
    return sorted(image.faces.values_list("x", flat=True))


def label(image, by):
    image.refresh_from_db()
    words = [FaceWord(id=face.pk, state=FaceState.CONFIRMED) for face in image.faces.all()]
    submit_image(image, words, by=by, version=image.version, event_id=uuid.uuid4())


def test_waiting_photos_are_searched_again_and_labelled_ones_left(project, photos, annotator, work_off, detector):
    label(photos[0], annotator)
    found = detector(BOX, ELSEWHERE)
    job = again(project, work_off)
    assert (found.photos, job.done, job.result["faces"]) == (2, 2, 2)
    assert [boxes(image) for image in photos] == [[60.0], [60.0, 150.0], [60.0, 150.0]]


def test_all_photos_may_be_searched_and_people_keep_their_word(project, photos, annotator, work_off, detector):
    label(photos[0], annotator)
    said = Face.objects.filter(image=photos[0]).values().get()
    detector(ELSEWHERE)
    again(project, work_off, Photos.ALL)
    photos[0].refresh_from_db()
    assert photos[0].state == ImageState.PROPOSED
    assert Face.objects.filter(pk=said["id"]).values().get() == said
    assert [boxes(image) for image in photos] == [[60.0, 150.0], [150.0], [150.0]]


def test_a_stopped_run_goes_on_behind_the_last_photo(project, photos, work_off, detector, monkeypatch):
    monkeypatch.setattr(propose_again, "CHUNK", 1)
    job = start_again(project, Photos.WAITING, by=None)
    Job.objects.filter(pk=job.pk).update(result={"cursor": photos[1].pk, "later": [photos[0].pk]}, done=1)
    found = detector(BOX, ELSEWHERE)
    work_off(project, "propose_again")
    assert found.photos == 2
    assert [boxes(image) for image in photos] == [[60.0, 150.0], [60.0], [60.0, 150.0]]


def test_a_photo_that_somebody_has_open_comes_last(project, photos, annotator, work_off, detector, monkeypatch):
    order = []
    record = propose_again.record_proposals
    monkeypatch.setattr(
        propose_again, "record_proposals", lambda pk, *args, **more: order.append(pk) or record(pk, *args, **more)
    )
    open_image(photos[0], annotator)
    detector(BOX)
    again(project, work_off)
    assert order == [photos[1].pk, photos[2].pk, photos[0].pk]


def test_asked_twice_it_runs_once(project, photos):
    assert start_again(project, Photos.ALL, by=None) == start_again(project, Photos.ALL, by=None)


def test_an_empty_project_has_nothing_to_search(project, work_off):
    assert again(project, work_off).done == 0


def test_engineers_start_it_over_the_api_and_from_the_page(project, photos, engineer, reviewer, api_for, client_for):
    api, page = reverse("api-propose", args=[project.slug]), reverse("propose-again", args=[project.slug])
    assert api_for(reviewer).post(api, {"photos": "all"}, format="json").status_code == 403
    assert client_for(reviewer).post(page, {"photos": "all"}).status_code == 403
    answer = api_for(engineer).post(api, {"photos": "all"}, format="json")
    assert answer.status_code == 202
    job = Job.objects.get(pk=answer.json()["job"])
    assert (job.kind, job.params["photos"], job.created_by) == ("propose_again", "all", engineer)
    assert client_for(engineer).post(page, {"photos": "waiting"}).status_code == 302
    assert Job.objects.filter(kind="propose_again").count() == 2
    assert api_for(engineer).post(api, {"photos": "some"}, format="json").status_code == 400
