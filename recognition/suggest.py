"""Proposes names for waiting faces from the people confirmed so far. Runs in workers only.

Suggestions are rows of their own: a run replaces suggestions, never anything that a person said.
"""

from collections import defaultdict

import numpy as np

from jobs.work import Work
from labelling.claims import middle_face
from labelling.models import Face, Image, Project, Suggestion
from recognition.likeness import (
    Calibration,
    Candidate,
    default_calibration,
    fit_calibration,
    leave_one_out_evidence,
    one_person_per_photo,
    rank_people,
)
from recognition.models import Embedding
from recognition.vectors import read_vectors

MOST = 9
CHUNK = 500
# Photos filed under a name are nearly always of that person; how nearly, a project's own ledger will tell.
CLAIM_PROBABILITY = 0.95
# Comparing confirmed faces with each other grows as their square; this many tell enough.
CALIBRATE_ON = 2_000


def suggest_names(project: Project, work: Work) -> dict:
    """Rank people for every waiting face, at most `MOST` each. Safe to repeat at any time."""
    embedder = project.settings.embedder
    gallery = Embedding.objects.current(embedder).filter(face__in=Face.objects.in_project(project).named())
    gallery_ids, gallery_vectors = read_vectors(gallery)
    person_of = dict(Face.objects.filter(pk__in=gallery_ids).values_list("pk", "identity_id"))
    people = np.array([person_of.get(face_id) or 0 for face_id in gallery_ids], dtype=np.int64)
    calibration = _calibration(embedder, gallery_vectors, people)
    images = _images_waiting(project)
    work.progress(done=0, total=len(images), message="Comparing faces")
    written = 0
    for start in range(0, len(images), CHUNK):
        batch = images[start : start + CHUNK]
        rows = list(_suggest(batch, embedder, gallery_ids, gallery_vectors, people, calibration))
        with work.chunk(len(batch)):
            written += _replace(batch, rows)
    Suggestion.objects.filter(face__project=project).exclude(
        face__in=Face.objects.in_project(project).waiting()
    ).delete()
    return {"suggestions": written, "said": f"{written:,} suggestions for {len(images):,} photos."}


def _calibration(embedder: str, vectors: np.ndarray, people: np.ndarray) -> Calibration:
    """The embedder's own, refined by what this project's confirmed faces tell."""
    start = default_calibration(embedder)
    kept = np.random.default_rng(0).permutation(len(people))[:CALIBRATE_ON]
    evidence, is_same = leave_one_out_evidence(vectors[kept], people[kept])
    return fit_calibration(evidence, is_same, start=start) if len(evidence) else start


def _images_waiting(project: Project) -> list[int]:
    waiting = Face.objects.in_project(project).waiting()
    return list(waiting.order_by("image_id").values_list("image_id", flat=True).distinct())


def _suggest(image_ids: list[int], embedder: str, gallery_ids, gallery_vectors, people, calibration: Calibration):
    faces = Face.objects.filter(image__in=image_ids).waiting()
    face_ids, vectors = read_vectors(Embedding.objects.current(embedder).filter(face__in=faces))
    photo_of = dict(Face.objects.filter(pk__in=face_ids).values_list("pk", "image_id"))
    claims = _claims(image_ids)
    found: dict[int, list[Candidate]] = {}
    if face_ids and gallery_ids:
        ranked = rank_people(vectors, gallery_vectors, people, calibration=calibration, limit=MOST)
        photos = [photo_of[face_id] for face_id in face_ids]
        there = _already_there(image_ids, claims)
        found = dict(zip(face_ids, one_person_per_photo(ranked, photos, there), strict=True))
    for face_id in sorted({*found, *claims}):
        yield from _rows(face_id, found.get(face_id, []), claims.get(face_id), gallery_ids, embedder)


def _already_there(image_ids: list[int], claims: dict[int, int]) -> dict[int, set[int]]:
    """People named in each photo or claimed for one of its faces: nobody stands in one photo twice."""
    there: dict[int, set[int]] = defaultdict(set)
    for image_id, identity_id in Face.objects.named().filter(image__in=image_ids).values_list("image_id", "identity"):
        there[image_id].add(identity_id)
    for face_id, image_id in Face.objects.filter(pk__in=claims).values_list("pk", "image_id"):
        there[image_id].add(claims[face_id])
    return there


def _claims(image_ids: list[int]) -> dict[int, int]:
    """The middle face of each photo that was filed under a name, as long as it waits."""
    claimed = {}
    for image in Image.objects.filter(pk__in=image_ids, claimed_identity__isnull=False).prefetch_related("faces"):
        faces = list(image.faces.all())
        middle = middle_face(image, faces)
        named = any(face.identity_id == image.claimed_identity_id for face in faces)
        if middle and not named and middle.who == "unassigned":
            claimed[middle.pk] = image.claimed_identity_id
    return claimed


def _rows(face_id: int, candidates: list[Candidate], claimed: int | None, gallery_ids: list[int], embedder: str):
    rows = []
    if claimed is not None:
        rows.append(Suggestion(identity_id=claimed, probability=CLAIM_PROBABILITY, model_name="source"))
    for candidate in candidates:
        if candidate.person != claimed:
            rows.append(
                Suggestion(
                    identity_id=candidate.person,
                    probability=candidate.probability,
                    similarity=candidate.similarity,
                    nearest_face_id=gallery_ids[candidate.nearest],
                    model_name=embedder,
                )
            )
    for rank, row in enumerate(rows[:MOST], start=1):
        row.face_id, row.rank = face_id, rank
        yield row


def _replace(image_ids: list[int], rows: list[Suggestion]) -> int:
    """Faces that were deleted or named while we compared are left out, under lock."""
    waiting = set(
        Face.objects.select_for_update(no_key=True)
        .filter(image__in=image_ids)
        .waiting()
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    Suggestion.objects.filter(face__image__in=image_ids).delete()
    kept = [row for row in rows if row.face_id in waiting]
    Suggestion.objects.bulk_create(kept, batch_size=2000)
    return len(kept)
