"""A worker is killed while it freezes or exports: one version and one export come out, each the right one.

FACET_KILLS says how often each is tried, at moments drawn anew.
"""

import hashlib
import os
import random
import subprocess
import time

import pytest

from datasets.exports import start_export
from datasets.freeze import start_freeze
from datasets.models import Export, ExportState, Version, VersionState
from datasets.verify import verify
from jobs.models import Job, State
from labelling import storage
from labelling.identities import create_identity
from labelling.models import Face, FaceState, Image, ImageState, Origin, Who
from tests.plain_worker import workers
from tests.together import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
KILLS = int(os.environ.get("FACET_KILLS", "1"))
PHOTOS, FACES_A_PHOTO = 3_000, 3


@pytest.fixture
def start_worker(transactional_db, tmp_path):
    with workers("tests.datasets.freezing_jobs", tmp_path, lease_s=1.5) as start:
        yield start


@pytest.fixture
def many(project, transactional_db):
    """A project whose versions take a moment."""
    people = [create_identity(project, f"Person {number}") for number in range(20)]
    images = Image.objects.bulk_create(
        Image(
            project=project, sha256=hashlib.sha256(str(number).encode()).hexdigest(), name=f"{number}.jpg",
            byte_size=1, format="JPEG", width=640, height=480, phash=0, sharpness=1.0, brightness=100.0,
            session=f"session {number // 20}", state=ImageState.LABELLED,
        )
        for number in range(PHOTOS)
    )  # fmt: skip
    Face.objects.bulk_create(
        Face(
            project=project, image=image, x=10 + 60 * place, y=20, w=40, h=50, image_w=640, image_h=480,
            origin=Origin.HUMAN, state=FaceState.CONFIRMED, who=Who.ASSIGNED, identity=people[(image.pk + place) % 20],
        )
        for image in images
        for place in range(FACES_A_PHOTO)
    )  # fmt: skip
    return project


def ended(job: Job) -> Job:
    wait_until(lambda: not Job.objects.get(pk=job.pk).is_active, f"{job} ends", 60)
    job.refresh_from_db()
    assert job.state == State.DONE, job.message
    return job


def seconds_it_takes(job: Job) -> float:
    return (job.finished_at - job.started_at).total_seconds()


def kill_somewhere_within(worker: subprocess.Popen, job: Job, seconds: float) -> None:
    wait_until(lambda: Job.objects.get(pk=job.pk).state != State.QUEUED, f"{job} has begun", 60)
    time.sleep(random.uniform(0, seconds))
    worker.kill()
    worker.wait(10)


def test_a_version_whose_worker_is_killed_is_frozen_once_by_another(start_worker, many):
    worker = start_worker()
    first = start_freeze(many)
    usual = seconds_it_takes(ended(first.job))
    first.refresh_from_db()
    for _ in range(KILLS):
        version = start_freeze(many)
        kill_somewhere_within(worker, version.job, usual)
        worker = start_worker()
        ended(version.job)
        version.refresh_from_db()
        assert (version.state, version.content_hash) == (VersionState.READY, first.content_hash)
        assert verify(version, photos=False)["faces"] == PHOTOS * FACES_A_PHOTO
    assert Version.objects.filter(project=many, state=VersionState.READY).count() == KILLS + 1


def test_an_export_whose_worker_is_killed_is_made_once_by_another(start_worker, many):
    worker = start_worker()
    version = start_freeze(many)
    ended(version.job)
    version.refresh_from_db()
    first = start_export(version, "coco")
    usual = seconds_it_takes(ended(first.job))
    first.refresh_from_db()
    for _ in range(KILLS):
        export = start_export(version, "coco")
        kill_somewhere_within(worker, export.job, usual)
        worker = start_worker()
        ended(export.job)
        export.refresh_from_db()
        assert (export.state, export.sha256) == (ExportState.DONE, first.sha256)
        assert hashlib.sha256(storage.get(export.key)).hexdigest() == first.sha256
    assert Export.objects.filter(version=version, state=ExportState.DONE).count() == KILLS + 1
