"""A clip's frames go in as photos: with its time and session, each once, however often it is interrupted."""

import io
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

import labelling.clips
from jobs.errors import LostLease
from jobs.models import Job, State
from jobs.work import Work, perform
from labelling import storage
from labelling.intake import take_in_staged
from labelling.models import Image, Intake, IntakeSource
from tests.labelling.drawn_clips import drawn_clip

MADE = "2024-05-01T10:00:00Z"


@pytest.fixture
def work_off(transactional_db):
    """Do waiting intakes as a worker would."""
    import labelling.tasks  # noqa: F401  (registers handlers)

    def work() -> None:
        for job in Job.objects.filter(kind="intake", state=State.QUEUED).values_list("pk", flat=True):
            perform(job)

    return work


@pytest.fixture
def take_in(project, owner, work_off):
    def run(data: bytes, name: str = "Door cam.mp4", **said) -> Intake:
        intake = take_in_staged(project, IntakeSource.VIDEO, name, io.BytesIO(data), uid=uuid.uuid4(), by=owner, **said)
        work_off()
        return Intake.objects.select_related("job").get(pk=intake.pk)

    return run


def test_a_clip_sent_over_the_api_becomes_photos(project, annotator, api_for, work_off):
    clip = SimpleUploadedFile("Door cam.mp4", drawn_clip(creation_time=MADE), "video/mp4")
    url = reverse("api-intakes", args=[project.slug])
    answer = api_for(annotator).post(url, {"file": clip, "source": "video", "every_s": "0.5"}, format="multipart")
    assert answer.status_code == 201, answer.json()
    work_off()
    intake = Intake.objects.select_related("job").get(pk=answer.json()["id"])
    assert intake.job.state == State.DONE, intake.job.message
    assert list(intake.files.values_list("path", "status")) == [
        (f"Door cam_00m0{second}.000s.jpg", "created") for second in range(3)
    ]
    photos = list(Image.objects.in_project(project).order_by("pk"))
    assert [photo.name for photo in photos] == [f"Door cam_00m0{second}.000s.jpg" for second in range(3)]
    began = datetime(2024, 5, 1, 10, tzinfo=UTC)
    assert [photo.taken_at for photo in photos] == [began + timedelta(seconds=second) for second in range(3)]
    assert {photo.session for photo in photos} == {"Door cam"}
    assert not storage.exists(intake.options["key"])


def test_a_session_that_was_given_is_kept(project, take_in):
    take_in(drawn_clip(seeds=[1]), session="Monday", options={"by": "scene"})
    assert Image.objects.in_project(project).get().session == "Monday"


def test_the_same_clip_again_brings_nothing_new(project, take_in):
    data = drawn_clip()
    take_in(data)
    again = take_in(data)
    assert set(again.files.values_list("status", flat=True)) == {"duplicate"}
    assert Image.objects.in_project(project).count() == 3


def test_frames_asked_for_are_counted(project, take_in):
    intake = take_in(drawn_clip(), options={"most": 2})
    assert intake.files.count() == 2
    assert intake.note == "Reading stopped at 00m02.000s, after 2 frames, as asked."


def test_an_interrupted_clip_goes_on_where_it_stopped(project, take_in, work_off, monkeypatch):
    monkeypatch.setattr("labelling.ingest.BATCH_FILES", 1)
    chunk, calls = Work.chunk, []

    def dying(self, count=1):
        calls.append(count)
        if len(calls) == 3:
            raise LostLease
        return chunk(self, count)

    monkeypatch.setattr(Work, "chunk", dying)
    intake = take_in(drawn_clip())
    assert intake.files.count() == 2
    Job.objects.filter(pk=intake.job_id).update(state=State.QUEUED, lease_until=None)
    work_off()
    intake.refresh_from_db()
    assert intake.finished_at
    assert list(intake.files.values_list("status", flat=True)) == ["created"] * 3
    assert Image.objects.in_project(project).count() == 3


def test_what_is_no_clip_is_said(project, take_in):
    intake = take_in(b"not a clip")
    assert intake.job.state == State.FAILED
    assert "Convert it to MP4" in intake.job.message
    assert intake.note == intake.job.message


def test_frames_before_the_damage_are_kept(project, take_in, monkeypatch):
    answer, said = labelling.clips.Clip._answer, []

    def breaking(self, process):
        said.append(answer(self, process))
        return {"bad": "The clip is damaged from 00m01.000s on."} if len(said) > 3 else said[-1]

    monkeypatch.setattr(labelling.clips.Clip, "_answer", breaking)
    intake = take_in(drawn_clip())
    assert intake.job.state == State.FAILED
    assert "damaged from 00m01.000s" in intake.note
    assert intake.files.filter(status="created").count() == 2


def test_a_clip_that_went_away_is_said(project, owner, work_off):
    intake = take_in_staged(project, IntakeSource.VIDEO, "a.mp4", io.BytesIO(drawn_clip()), uid=uuid.uuid4(), by=owner)
    storage.delete(intake.options["key"])
    work_off()
    intake.refresh_from_db()
    assert "Send it again" in intake.note


@pytest.mark.parametrize(
    ("field", "value"),
    [("by", "luck"), ("every_s", "0"), ("every_s", "nan"), ("every_s", "x"), ("most", "1e9"), ("most", "0")],
)
def test_wishes_that_make_no_sense_are_refused_in_words(project, annotator, api_for, field, value):
    clip = SimpleUploadedFile("a.mp4", b"x", "video/mp4")
    url = reverse("api-intakes", args=[project.slug])
    answer = api_for(annotator).post(url, {"file": clip, "source": "video", field: value}, format="multipart")
    assert answer.status_code == 400
    assert field in answer.json()["error"]["fields"]
    assert not Intake.objects.exists()
