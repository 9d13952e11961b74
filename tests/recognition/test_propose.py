"""Looking for faces in new photos: real pixels, the real detector, the real store."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.models import Job, Queue, State
from jobs.steer import request_pause, resume
from labelling import storage
from labelling.models import Face, FaceState, Image, ImageState, Origin
from labelling.proposals import record_proposals
from labelling.submit import FaceWord, submit_image
from recognition.work_left import FEW_PHOTOS
from tests.recognition.conftest import portrait


def stored_original(image):
    return storage.original_key(image.project_id, image.sha256)


def boxes(image):
    return sorted(face.box for face in Face.objects.filter(image=image))


def test_a_new_photo_gets_a_proposed_face_with_landmarks_inside_it(project, add_portrait, work_off):
    image = add_portrait(1)
    (job,) = work_off(project, "propose")
    assert (job.state, job.done, job.total) == (State.DONE, 1, 1)
    assert job.result["faces"] == 1 and job.result["detector"]["name"] == "mtcnn"
    face = Face.objects.get(image=image)
    assert (face.state, face.origin, face.identity) == (FaceState.PROPOSED, Origin.MODEL, None)
    assert 0.8 <= face.score <= 1
    x, y, w, h = face.box
    assert all(x <= px <= x + w and y <= py <= y + h for px, py in face.points)
    image.refresh_from_db()
    assert (image.state, image.note) == (ImageState.PROPOSED, "")


def test_a_second_run_adds_nothing(project, add_portrait, work_off, ask_again):
    images = [add_portrait(person) for person in (1, 2)]
    work_off(project, "propose")
    before = [boxes(image) for image in images]
    ask_again(project, "propose")
    (job,) = work_off(project, "propose")
    assert job.state == State.DONE and job.result["faces"] == 0
    assert [boxes(image) for image in images] == before


def test_many_photos_added_at_once_need_one_job(project, add_portrait, work_off):
    for photo in (1, 2, 3):
        add_portrait(1, photo)
    (job,) = work_off(project, "propose")
    assert (job.done, job.total, job.result["faces"]) == (3, 3, 3)


def test_what_was_found_is_to_be_described_next(project, add_portrait, work_off):
    add_portrait(1)
    work_off(project, "propose")
    assert [job.state for job in work_off(project, "embed")] == [State.DONE]


def test_a_photo_without_faces_goes_on_to_people(project, photo_bytes, work_off):
    from labelling.ingest import ingest_photo

    outcome = ingest_photo(project, "wall.jpg", photo_bytes(3, (240, 240)))
    work_off(project, "propose")
    image = Image.objects.get(pk=outcome.id)
    assert (image.state, image.note, boxes(image)) == (ImageState.PROPOSED, "", [])


@pytest.mark.parametrize("harm", ["deleted", "truncated"])
def test_an_unreadable_original_goes_on_with_a_reason_and_holds_nobody_up(project, add_portrait, work_off, harm):
    broken, whole = add_portrait(1), add_portrait(2)
    if harm == "deleted":
        from django.conf import settings

        storage._client().delete_object(Bucket=settings.S3_BUCKET, Key=stored_original(broken))
    else:
        storage.put(stored_original(broken), storage.get(stored_original(broken))[:900])
    (job,) = work_off(project, "propose")
    assert (job.state, job.done) == (State.DONE, 2)
    broken.refresh_from_db()
    assert broken.state == ImageState.PROPOSED and broken.note
    assert boxes(broken) == [] and len(boxes(whole)) == 1


def test_while_the_store_is_away_the_job_waits_and_nothing_is_half_done(project, add_portrait, work_off, monkeypatch):
    images = [add_portrait(1), add_portrait(2)]
    first, get = stored_original(images[0]), storage.get

    def second_is_away(key):
        if key != first:
            raise storage.StoreAway("no answer")
        return get(key)

    with monkeypatch.context() as away:
        away.setattr(storage, "get", second_is_away)
        (job,) = work_off(project, "propose")
    assert (job.state, job.setbacks, job.done) == (State.QUEUED, 1, 0)
    assert job.not_before is not None and "object store does not answer" in job.message
    assert not Face.objects.exists()
    assert set(Image.objects.values_list("state", flat=True)) == {ImageState.NEW}
    type(job).objects.filter(pk=job.pk).update(not_before=None)
    (job,) = work_off(project, "propose")
    assert (job.state, Face.objects.count()) == (State.DONE, 2)


def test_what_people_said_survives_a_new_search(project, owner, add_portrait, work_off, ask_again):
    confirmed, drawn, rejected, untouched = (add_portrait(person) for person in (1, 2, 3, 4))
    work_off(project, "propose")

    def say(image, **word):
        image.refresh_from_db()
        face = image.faces.first()
        words = [FaceWord(id=None if "box" in word else face.pk, **word)]
        submit_image(image, words, by=owner, version=image.version, event_id=uuid.uuid4())

    say(confirmed, identity="Ana", has_identity=True)
    say(drawn, box=(2, 2, 20, 20))
    say(rejected, state=FaceState.REJECTED)
    decided = set(Face.objects.exclude(state=FaceState.PROPOSED).values_list("pk", "state", "identity__name"))
    before = {image.pk: boxes(image) for image in (confirmed, drawn, rejected, untouched)}
    assert len(decided) == 3
    Image.objects.update(state=ImageState.NEW)
    ask_again(project, "propose")
    work_off(project, "propose")
    assert set(Face.objects.exclude(state=FaceState.PROPOSED).values_list("pk", "state", "identity__name")) == decided
    assert {image.pk: boxes(image) for image in (confirmed, drawn, rejected, untouched)} == before


def test_a_detector_that_breaks_on_one_photo_says_so_there(project, add_portrait, work_off, monkeypatch):
    from recognition.propose import loaded_detector

    strange, whole = add_portrait(1), add_portrait(2)
    detector = loaded_detector(project.settings.detector, project.settings.min_face_px)
    detect, calls = detector.detect, []

    def breaks_once(images):
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("strange tensor")
        return detect(images)

    monkeypatch.setattr(detector, "detect", breaks_once, raising=False)
    (job,) = work_off(project, "propose")
    strange.refresh_from_db()
    assert job.state == State.DONE
    assert "strange tensor" in strange.note and len(boxes(whole)) == 1


def test_a_few_new_photos_are_searched_in_the_quick_queue_and_many_in_bulk(project, add_portrait, work_off):
    add_portrait(1)
    (few,) = work_off(project, "propose")
    for photo in range(2, FEW_PHOTOS + 3):
        Image.objects.create(**photo_row(project, photo))
    add_portrait(2)
    (many,) = work_off(project, "propose")
    assert (few.queue, many.queue) == (Queue.INTERACTIVE, Queue.BULK)
    assert (few.done, many.done) == (1, FEW_PHOTOS + 2)


def test_the_quick_queue_takes_one_chunk_and_leaves_the_rest_to_bulk(project, add_portrait, work_off):
    add_portrait(1)  # asks while there is one; the others come before a worker begins
    for photo in range(2, 2 * FEW_PHOTOS + 3):
        Image.objects.create(**photo_row(project, photo))
    quick, bulk = work_off(project, "propose")
    assert (quick.queue, quick.done, quick.state) == (Queue.INTERACTIVE, FEW_PHOTOS, State.DONE)
    assert (bulk.queue, bulk.done) == (Queue.BULK, FEW_PHOTOS + 2)
    assert not Image.objects.without_proposals().exists()


def test_while_a_bulk_run_is_under_way_new_photos_are_left_to_it(project, add_portrait):
    Job.objects.create(
        kind="propose", title="Find", project_id=project.pk, state=State.RUNNING, queue=Queue.BULK,
        lease_until=timezone.now() + timedelta(minutes=1),
    )  # fmt: skip
    add_portrait(1)
    assert Job.objects.get(kind="propose", state=State.QUEUED).queue == Queue.BULK


def test_a_paused_search_proposes_each_photo_once(project, add_portrait, work_off, monkeypatch):
    for photo in range(1, 4):
        add_portrait(photo)
    Job.objects.update(queue=Queue.BULK)
    monkeypatch.setattr("recognition.propose.CHUNK", 1)
    recorded = []

    def record(image_id, *args, **options):
        recorded.append(image_id)
        if len(recorded) == 2:
            request_pause(Job.objects.get(kind="propose"))
        return record_proposals(image_id, *args, **options)

    monkeypatch.setattr("recognition.propose.record_proposals", record)
    (job,) = work_off(project, "propose")
    assert (job.state, job.done, job.total) == (State.PAUSED, 2, 3)
    add_portrait(4)
    assert Job.objects.filter(kind="propose").count() == 1, "New photos rest with it."
    resume(job)
    (job,) = work_off(project, "propose")
    assert (job.state, job.done) == (State.DONE, 4)
    assert sorted(recorded) == sorted(Image.objects.values_list("pk", flat=True))


def photo_row(project, number):
    """A photo whose original is not in the store."""
    return {
        "project": project, "sha256": f"{number:064x}", "name": f"{number}.jpg", "byte_size": 1, "format": "JPEG",
        "width": 100, "height": 100, "phash": 0, "sharpness": 1, "brightness": 1,
    }  # fmt: skip


def test_originals_that_stay_in_their_bucket_are_searched_and_described_there(project, stay, work_off):
    image = stay("in/a.jpg", portrait(1))
    work_off(project, "propose", "embed")
    assert not storage.exists(stored_original(image))
    assert [face.embeddings.count() for face in image.faces.all()] == [1]


@pytest.mark.parametrize("harm", ["gone", "changed", "closed"])
def test_an_original_lost_elsewhere_fails_for_its_photo_alone(
    project, cameras, stay, add_portrait, work_off, settings, harm
):
    lost, whole = stay("in/a.jpg", portrait(1)), add_portrait(2)
    if harm == "gone":
        cameras.delete("in/a.jpg")
    elif harm == "changed":
        cameras.put("in/a.jpg", portrait(3))
    else:
        settings.S3_SOURCES = []
    jobs = work_off(project, "propose")
    assert {job.state for job in jobs} == {State.DONE}
    lost.refresh_from_db()
    assert lost.state == ImageState.PROPOSED
    assert lost.note.startswith("The original stayed in its bucket, at s3://cameras/in/a.jpg")
    assert boxes(lost) == [] and len(boxes(whole)) == 1


def test_faces_of_an_original_lost_elsewhere_are_passed_by(project, cameras, stay, add_portrait, work_off):
    stay("in/a.jpg", portrait(1))
    add_portrait(2)
    work_off(project, "propose")
    cameras.delete("in/a.jpg")
    jobs = work_off(project, "embed")
    assert [(job.state, job.result["unreadable_photos"]) for job in jobs] == [(State.DONE, 1)]
    assert Face.objects.exclude(embeddings=None).count() == 1
