"""Looks at a photo that is not part of the project, and says who is in it. Runs in workers only; stores nothing."""

from collections.abc import Sequence

import numpy as np

from jobs.errors import JobFailed
from jobs.models import Job
from jobs.work import Work
from labelling.models import Identity, Project
from labelling.photos import BadPhoto, upright_rgb
from recognition.calibrations import calibration_for
from recognition.detectors import DetectedFace
from recognition.embed import loaded_embedder
from recognition.embedders import FaceGeometry
from recognition.likeness import Candidate, one_person_per_photo, rank_people
from recognition.models import Model
from recognition.passing import drop_photo, hand_back_answer, take_photo
from recognition.propose import loaded_detector
from recognition.serving import Served, served_now, through
from recognition.suggest import read_gallery
from recognition.vectors import unit

ALTERNATIVES = 5
GONE = "The photo waited too long and is not kept. Send it again."


def recognize(project: Project, work: Work) -> dict:
    """The answer goes where whoever asked looks for it; the job keeps only how many faces there were."""
    secret = work.params["secret"]
    try:
        answer = _looked_at(project, take_photo(secret))
        hand_back_answer(secret, answer)
    except (JobFailed, BadPhoto) as error:
        _forget(work, secret)
        raise JobFailed(str(error)) from error
    _forget(work, secret)
    return {"said": f"{len(answer['faces']):,} faces."}


def _looked_at(project: Project, data: bytes | None) -> dict:
    if data is None:
        raise JobFailed(GONE)
    return recognized(project, upright_rgb(data))


def _forget(work: Work, secret: str) -> None:
    """Without the secret nobody can read again what the cache may have written down."""
    drop_photo(secret)
    with work.chunk(0):
        Job.objects.filter(pk=work.job.pk).update(params={})


def recognized(project: Project, pixels: np.ndarray) -> dict:
    """pixels: uint8 RGB, upright. Faces best first, each with its person or none."""
    chosen = project.settings
    detector = loaded_detector(chosen.detector, chosen.min_face_px)
    (found,) = detector.detect([pixels])
    faces = [face for face in found if face.score >= chosen.min_score]
    served = served_now(project)
    model = Model.objects.get(pk=served.model) if served else None
    least = (model.threshold or {}).get("threshold") if model else None
    ranked, version = _ranked(project, pixels, faces, served)
    people = Identity.objects.in_bulk({one.person for candidates in ranked for one in candidates})
    height, width = pixels.shape[:2]
    return {
        "width": width,
        "height": height,
        "model": {"id": model.pk, "name": model.name, "sha256": model.artifact_sha256} if model else None,
        "embedder": chosen.embedder,
        "model_version": version,
        "accept_probability": chosen.accept_probability,
        "least_similarity": least,
        "faces": [
            face_said(face, candidates, people, chosen.accept_probability, least)
            for face, candidates in zip(faces, ranked, strict=True)
        ],
    }


def _ranked(
    project: Project, pixels: np.ndarray, faces: Sequence[DetectedFace], served: Served | None
) -> tuple[list[list[Candidate]], str]:
    """Candidates of each face, nobody proposed twice; and by which weights and calibration."""
    gallery = read_gallery(project, served)
    calibration, version = calibration_for(project, gallery.vectors, gallery.people, gallery.photos, served)
    if not faces or not len(gallery):
        return [[] for _ in faces], version
    embedder = loaded_embedder(project.settings.embedder)
    # Half precision, as the gallery's come back from the database.
    made = embedder.embed(pixels, [FaceGeometry(face.box, face.landmarks) for face in faces]).astype(np.float16)
    ranked = rank_people(
        through(served, unit(made)), gallery.vectors, gallery.people, calibration=calibration, limit=ALTERNATIVES
    )
    return one_person_per_photo(ranked, [0] * len(faces)), version


def face_said(
    face: DetectedFace, candidates: list[Candidate], people: dict[int, Identity], accept: float, least: float | None
) -> dict:
    there = [one for one in candidates if one.person in people]
    known = [_person(one, people[one.person]) for one in there]
    best = known[0] if known else None
    is_sure = bool(there) and there[0].probability >= accept and (least is None or there[0].similarity >= least)
    return {
        "box": dict(zip("xywh", face.box, strict=True)),
        "score": face.score,
        "landmarks": None if face.landmarks is None else face.landmarks.tolist(),
        "identity": best["identity"] if is_sure else None,
        "probability": best["probability"] if is_sure else None,
        "similarity": best["similarity"] if is_sure else None,
        "alternatives": known[1:] if is_sure else known,
    }


def _person(candidate: Candidate, person: Identity) -> dict:
    return {
        "identity": {"id": person.pk, "name": person.name},
        "probability": round(candidate.probability, 4),
        "similarity": round(candidate.similarity, 4),
    }
