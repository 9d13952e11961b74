"""Finds faces in photos that nobody has searched yet. Runs in workers only."""

import logging
from collections.abc import Iterator
from functools import cache

from django.db.models import QuerySet

from jobs.errors import JobFailed, TryLater
from jobs.models import Queue
from jobs.work import Work
from labelling import originals, storage
from labelling.models import Image, Project, ProjectSettings
from labelling.photos import BadPhoto, upright_rgb
from labelling.proposals import ProposedFace, record_failure, record_proposals
from recognition.detectors import DetectedFace, Detector, DetectorUnavailable, get_detector

logger = logging.getLogger(__name__)

CHUNK = 8


@cache
def loaded_detector(name: str, min_face_px: int) -> Detector:
    """Raises JobFailed with what to do when a file it needs cannot be had."""
    detector = get_detector(name, min_face_px=min_face_px)
    try:
        detector.load()
    except DetectorUnavailable as error:
        raise JobFailed(str(error)) from error
    return detector


def propose_faces(project: Project, work: Work) -> dict:
    """Search every new photo of the project; each chunk commits with its progress.

    The work left is a query, so a second run goes on where the first was stopped. In the quick queue it does one chunk:
    whoever asks there for thousands of photos would keep others from what they wait for.
    """
    chosen = project.settings
    detector = loaded_detector(chosen.detector, chosen.min_face_px)
    todo = Image.objects.filter(project=project).without_proposals().order_by("pk")
    work.progress(total=work.job.done + todo.count(), message="Looking for faces")
    found, described = 0, description(detector, chosen)
    for chunk in _chunks(todo, only_one=work.job.queue == Queue.INTERACTIVE):
        answers = [search(image, detector, chosen) for image in chunk]
        with work.chunk(len(chunk)):
            for image, (faces, reason) in zip(chunk, answers, strict=True):
                if reason:
                    record_failure(image.pk, reason)
                else:
                    found += len(record_proposals(image.pk, faces, detector=described))
    return {"faces": found, "detector": described, "said": f"{found:,} faces found."}


def _chunks(todo: QuerySet, *, only_one: bool) -> Iterator[list[Image]]:
    while chunk := list(todo[:CHUNK]):
        yield chunk
        if only_one:
            return


def description(detector: Detector, chosen: ProjectSettings) -> dict:
    """What must be equal for two searches to propose the same boxes."""
    return {**detector.describe(), "least_score": detector.least_score, "min_score": chosen.min_score}


def search(image: Image, detector: Detector, chosen: ProjectSettings) -> tuple[list[ProposedFace], str]:
    """Faces, or why the photo could not be searched; either way it goes on to a person."""
    try:
        pixels = upright_rgb(originals.read(image.project_id, image.sha256))
    except storage.StoreAway as error:
        raise TryLater("The object store does not answer.") from error
    except (*originals.NOT_TO_BE_HAD, BadPhoto) as error:
        return [], str(error)
    try:
        (faces,) = detector.detect([pixels])
    except (RuntimeError, ValueError) as error:  # one strange photo must not hold up the others
        logger.exception("The detector failed on image %s.", image.pk)
        return [], f"The detector could not search this photo: {error}"
    return [_proposed(face) for face in faces if face.score >= chosen.min_score], ""


def _proposed(face: DetectedFace) -> ProposedFace:
    landmarks = None if face.landmarks is None else face.landmarks.tolist()
    return ProposedFace(face.box, round(float(face.score), 4), landmarks)
