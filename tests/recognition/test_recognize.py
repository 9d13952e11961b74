"""Who is in a photo that is not part of the project: boxes, people, probabilities, and nothing kept."""

import base64
import uuid

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile

from jobs.models import Job, State
from labelling import storage
from labelling.models import Face, Identity, Image, Suggestion
from labelling.projects import create_project
from labelling.submit import FaceWord, submit_image
from recognition import recognize_api
from recognition.detectors import DetectedFace
from recognition.likeness import Candidate
from recognition.models import Embedding
from recognition.passing import _name, drop_photo, hand_over_photo, new_secret, take_photo
from recognition.recognize import face_said
from tests.recognition.conftest import portrait


@pytest.fixture
def named(project, owner, add_portrait, work_off):
    """Persons 1 and 2 have two named faces each."""
    images = [add_portrait(person, photo) for person in (1, 2) for photo in (1, 2)]
    work_off(project, "propose")
    for image, name in zip(images, ("Ana", "Ana", "Ben", "Ben"), strict=True):
        image.refresh_from_db()
        words = [FaceWord(id=image.faces.get().pk, identity=name, has_identity=True)]
        submit_image(image, words, by=owner, version=image.version, event_id=uuid.uuid4())
    work_off(project, "embed")


@pytest.fixture
def at_once(work_off, project, monkeypatch):
    """A worker that does the job while the request waits."""
    monkeypatch.setattr(recognize_api, "nap", lambda: work_off(project, "recognize"))


def file(data: bytes) -> dict:
    return {"file": SimpleUploadedFile("someone.jpg", data, "image/jpeg")}


def url(project) -> str:
    return f"/api/v1/projects/{project.slug}/recognize/"


def settings_of(project, **changes):
    project.stored_settings = {**project.stored_settings, **changes}
    project.save()


def test_a_face_is_recognised_with_its_box_and_probability_and_nothing_is_stored(
    named, at_once, project, annotator, api_for
):
    settings_of(project, accept_probability=0.5)
    kinds = (Image, Face, Embedding, Suggestion)
    before = [kind.objects.count() for kind in kinds]
    objects = {stored.key for stored in storage.listed(storage.project_prefix(project.pk))}
    answer = api_for(annotator).post(url(project), file(portrait(1, 3)))
    assert answer.status_code == 200, answer.data
    (face,) = answer.data["faces"]
    assert face["identity"]["name"] == "Ana" and 0.5 <= face["probability"] <= 1
    assert [one["identity"]["name"] for one in face["alternatives"]] == ["Ben"]
    assert {"x", "y", "w", "h"} == face["box"].keys() and (answer.data["width"], answer.data["height"]) == (240, 240)
    assert answer.data["model"] is None and answer.data["model_version"]
    assert [kind.objects.count() for kind in kinds] == before
    assert {stored.key for stored in storage.listed(storage.project_prefix(project.pk))} == objects
    job = Job.objects.get(kind="recognize")
    assert (job.result, job.params, job.message) == ({}, {}, "1 faces.")


@pytest.mark.parametrize(
    ("probability", "similarity", "least", "is_named"),
    [(0.9, 0.95, None, True), (0.8999, 0.95, None, False), (0.95, 0.95, 0.95, True), (0.95, 0.9499, 0.95, False)],
)
def test_below_the_projects_or_the_models_threshold_a_face_gets_no_name(probability, similarity, least, is_named):
    seen = DetectedFace((1.0, 2.0, 30.0, 40.0), 0.99, None)
    candidates = [Candidate(7, similarity, 0, probability), Candidate(8, 0.5, 1, 0.01), Candidate(9, 0.4, 2, 0.01)]
    people = {7: Identity(pk=7, name="Ana"), 8: Identity(pk=8, name="Ben")}  # the third was merged away meanwhile
    said = face_said(seen, candidates, people, 0.9, least)
    assert (said["identity"] == {"id": 7, "name": "Ana"}) is is_named
    assert (said["probability"] is not None) is is_named
    assert [one["identity"]["name"] for one in said["alternatives"]] == (["Ben"] if is_named else ["Ana", "Ben"])


def test_without_anybody_enrolled_there_are_boxes_alone(at_once, project, annotator, api_for):
    (face,) = api_for(annotator).post(url(project), file(portrait(1, 3))).data["faces"]
    assert (face["identity"], face["alternatives"]) == (None, [])


def test_a_photo_without_faces_gives_none(at_once, project, annotator, api_for, photo_bytes):
    assert api_for(annotator).post(url(project), file(photo_bytes(1))).data["faces"] == []


def test_what_takes_longer_is_fetched_later(project, annotator, reviewer, api_for, work_off, monkeypatch):
    monkeypatch.setattr(recognize_api, "WAIT_S", 0.0)
    api = api_for(annotator)
    answer = api.post(url(project), file(portrait(1, 3)))
    assert answer.status_code == 202
    assert api.get(answer.data["result"]).status_code == 202
    work_off(project, "recognize")
    assert api.get(answer.data["result"]).data["faces"]
    assert api_for(reviewer).get(answer.data["result"]).status_code == 404  # whoever did not ask gets no answer
    assert api.get(answer.data["result"].split("?")[0]).status_code == 410  # without its key it cannot be read
    hand_back_nothing(answer.data["result"])
    assert api.get(answer.data["result"]).status_code == 410


def hand_back_nothing(result: str) -> None:
    cache.delete(_name(result.split("key=")[1], "answer"))


def test_what_the_cache_holds_cannot_be_read_without_the_secret():
    one, other, data = new_secret(), new_secret(), portrait(1, 3)
    assert hand_over_photo(one, data) and hand_over_photo(other, data)
    first, second = (cache.get(_name(secret, "photo")) for secret in (one, other))
    assert first != second and data[:32] not in base64.b64decode(first)
    assert take_photo(one) == take_photo(other) == data
    assert take_photo(new_secret()) is None


def test_a_photo_that_waited_too_long_says_so(project, annotator, api_for, work_off, monkeypatch):
    monkeypatch.setattr(recognize_api, "WAIT_S", 0.0)
    answer = api_for(annotator).post(url(project), file(portrait(1, 3)))
    job = Job.objects.get(pk=answer.data["job"])
    drop_photo(job.params["secret"])
    cache.delete(_name(job.params["secret"], "photo"))
    work_off(project, "recognize")
    job.refresh_from_db()
    assert job.state == State.FAILED
    refused = api_for(annotator).get(answer.data["result"])
    assert refused.status_code == 400 and "Send it again" in refused.data["error"]["message"]


@pytest.mark.parametrize("data", [b"", b"no photo at all", portrait(1, 3)[:200]])
def test_what_is_no_photo_is_refused_as_at_ingest(project, annotator, api_for, data):
    answer = api_for(annotator).post(url(project), file(data))
    assert answer.status_code == 400
    assert not Job.objects.filter(kind="recognize").exists()


def test_without_a_file_nothing_is_asked(project, annotator, api_for):
    assert api_for(annotator).post(url(project), {}).status_code == 400


def test_answers_of_other_projects_are_not_found(project, owner, annotator, api_for, monkeypatch):
    monkeypatch.setattr(recognize_api, "WAIT_S", 0.0)
    answer = api_for(owner).post(url(project), file(portrait(1, 3)))
    other = create_project("Another house", by=owner)
    assert api_for(owner).get(f"{url(other)}{answer.data['job']}/").status_code == 404
