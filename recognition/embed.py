"""Describes faces by vectors: one per face, embedder and box. Runs in workers only."""

from collections import defaultdict
from functools import cache

import numpy as np
from pgvector import HalfVector

from jobs.errors import JobFailed, TryLater
from jobs.work import Work
from labelling import originals, storage
from labelling.models import Face, Project
from labelling.photos import BadPhoto, upright_rgb
from recognition.detectors import Detector
from recognition.embedders import Embedder, FaceGeometry, WeightsUnavailable, get_embedder
from recognition.landmarks import MIN_FACE_PX, find_landmarks
from recognition.models import Embedding, faces_without_embedding
from recognition.propose import loaded_detector

CHUNK = 32


@cache
def loaded_embedder(name: str) -> Embedder:
    """Raises JobFailed with what to do when the weights cannot be had."""
    embedder = get_embedder(name)
    try:
        embedder.load()
    except WeightsUnavailable as error:
        raise JobFailed(str(error)) from error
    return embedder


def landmark_finder() -> Detector:
    """One for all projects: it is always at hand, and alignment is measured on its landmarks."""
    return loaded_detector("mtcnn", MIN_FACE_PX)


def embed_faces(project: Project, work: Work) -> dict:
    """Embed every face of the project whose present box has no vector yet. Boxes of people get landmarks as well."""
    embedder, detector = loaded_embedder(project.settings.embedder), landmark_finder()
    todo = faces_without_embedding(project.pk, embedder.name).select_related("image").order_by("image_id", "pk")
    work.progress(total=work.job.done + todo.count(), message="Describing faces")
    unreadable: set[int] = set()
    made = 0
    while chunk := list(todo.exclude(image_id__in=unreadable)[:CHUNK]):
        rows = _embed(chunk, embedder, detector, unreadable)
        with work.chunk(len(chunk)):
            _store(rows)
        made += len(rows)
    return {"embeddings": made, "unreadable_photos": len(unreadable), "said": f"{made:,} faces described."}


def _embed(faces: list[Face], embedder: Embedder, detector: Detector, unreadable: set[int]) -> list[Embedding]:
    by_image: dict[int, list[Face]] = defaultdict(list)
    for face in faces:
        by_image[face.image_id].append(face)
    rows = []
    for image_id, together in by_image.items():
        try:
            image = together[0].image
            pixels = photo_pixels(image.project_id, image.sha256)
        except (*originals.NOT_TO_BE_HAD, BadPhoto):
            unreadable.add(image_id)
            continue
        for face in together:
            if face.landmarks is None:
                points = find_landmarks(pixels, face.box, detector)
                face.landmarks = None if points is None else flat(points)
        vectors = _vectors(pixels, [geometry(face) for face in together], embedder)
        rows += [_row(face, embedder.name, vector) for face, vector in zip(together, vectors, strict=True)]
    return rows


def embed_boxes(project_id: int, sha256: str, faces: list[FaceGeometry], embedder: Embedder) -> np.ndarray:
    """Vectors of boxes in one photo, shape (n, d), as they come back from the database: half precision."""
    return _vectors(photo_pixels(project_id, sha256), faces, embedder)


def _vectors(pixels: np.ndarray, faces: list[FaceGeometry], embedder: Embedder) -> np.ndarray:
    return embedder.embed(pixels, faces).astype(np.float16)


def photo_pixels(project_id: int, sha256: str) -> np.ndarray:
    """The original, upright. Raises one of originals.NOT_TO_BE_HAD, BadPhoto, or TryLater while the store is away."""
    try:
        data = originals.read(project_id, sha256)
    except storage.StoreAway as error:
        raise TryLater("The object store does not answer.") from error
    return upright_rgb(data)


def flat(points: np.ndarray) -> list[float]:
    """Landmarks (5, 2) as a row keeps them."""
    return [round(float(value), 2) for value in points.reshape(-1)]


def geometry(face: Face) -> FaceGeometry:
    points = np.array(face.landmarks, dtype=np.float32).reshape(5, 2) if face.landmarks else None
    return FaceGeometry(box=face.box, landmarks=points)


def _row(face: Face, embedder: str, vector: np.ndarray) -> Embedding:
    x, y, w, h = face.box
    return Embedding(face=face, embedder=embedder, x=x, y=y, w=w, h=h, vector=HalfVector(vector))


def _store(rows: list[Embedding]) -> None:
    """Faces that were deleted while we looked at them are left out, under lock."""
    alive = dict(
        Face.objects.select_for_update(no_key=True)
        .filter(pk__in=[row.face_id for row in rows])
        .order_by("pk")
        .values_list("pk", "landmarks")
    )
    kept = [row for row in rows if row.face_id in alive]
    Embedding.objects.bulk_create(
        kept,
        update_conflicts=True,
        unique_fields=["face", "embedder"],
        update_fields=["x", "y", "w", "h", "vector"],
    )
    for face in (row.face for row in kept if row.face.landmarks and alive[row.face_id] is None):
        # No person's word, so no new version of the face; and only for the box they were found in.
        there = dict(zip("xywh", face.box, strict=True))
        Face.objects.filter(pk=face.pk, **there).update(landmarks=face.landmarks)
