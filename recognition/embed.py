"""Describes faces by vectors: one per face, embedder and box. Runs in workers only."""

from collections import defaultdict
from functools import cache

import numpy as np
from pgvector import HalfVector

from jobs.errors import JobFailed, TryLater
from jobs.work import Work
from labelling import storage
from labelling.models import Face, Project
from labelling.photos import BadPhoto, upright_rgb
from recognition.embedders import Embedder, FaceGeometry, WeightsUnavailable, get_embedder
from recognition.models import Embedding, faces_without_embedding

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


def embed_faces(project: Project, work: Work) -> dict:
    """Embed every face of the project whose present box has no vector yet."""
    embedder = loaded_embedder(project.settings.embedder)
    todo = faces_without_embedding(project.pk, embedder.name).select_related("image").order_by("image_id", "pk")
    work.progress(total=work.job.done + todo.count(), message="Describing faces")
    unreadable: set[int] = set()
    made = 0
    while chunk := list(todo.exclude(image_id__in=unreadable)[:CHUNK]):
        rows = _embed(chunk, embedder, unreadable)
        with work.chunk(len(chunk)):
            _store(rows)
        made += len(rows)
    return {"embeddings": made, "unreadable_photos": len(unreadable), "said": f"{made:,} faces described."}


def _embed(faces: list[Face], embedder: Embedder, unreadable: set[int]) -> list[Embedding]:
    by_image: dict[int, list[Face]] = defaultdict(list)
    for face in faces:
        by_image[face.image_id].append(face)
    rows = []
    for image_id, together in by_image.items():
        try:
            image = together[0].image
            vectors = embed_boxes(image.project_id, image.sha256, [geometry(face) for face in together], embedder)
        except (storage.ObjectMissing, BadPhoto):
            unreadable.add(image_id)
            continue
        rows += [_row(face, embedder.name, vector) for face, vector in zip(together, vectors, strict=True)]
    return rows


def embed_boxes(project_id: int, sha256: str, faces: list[FaceGeometry], embedder: Embedder) -> np.ndarray:
    """Vectors of boxes in one photo, shape (n, d), as they come back from the database: half precision."""
    try:
        data = storage.get(storage.original_key(project_id, sha256))
    except storage.StoreAway as error:
        raise TryLater("The object store does not answer.") from error
    return embedder.embed(upright_rgb(data), faces).astype(np.float16)


def geometry(face: Face) -> FaceGeometry:
    points = np.array(face.landmarks, dtype=np.float32).reshape(5, 2) if face.landmarks else None
    return FaceGeometry(box=face.box, landmarks=points)


def _row(face: Face, embedder: str, vector: np.ndarray) -> Embedding:
    x, y, w, h = face.box
    return Embedding(face=face, embedder=embedder, x=x, y=y, w=w, h=h, vector=HalfVector(vector))


def _store(rows: list[Embedding]) -> None:
    """Faces that were deleted while we looked at them are left out, under lock."""
    alive = set(
        Face.objects.select_for_update(no_key=True)
        .filter(pk__in=[row.face_id for row in rows])
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    Embedding.objects.bulk_create(
        [row for row in rows if row.face_id in alive],
        update_conflicts=True,
        unique_fields=["face", "embedder"],
        update_fields=["x", "y", "w", "h", "vector"],
    )
