"""Embeddings from the database as arrays."""

from collections.abc import Sequence

import numpy as np

from recognition.models import Embedding

BATCH = 10_000


def read_vectors(embeddings) -> tuple[list[int], np.ndarray]:
    """Face ids and their vectors, shape (n, d) float32, in order of face id; (0, 0) when there are none."""
    ids, parts = [], []
    rows = embeddings.order_by("face_id").values_list("face_id", "vector")
    for face_id, vector in rows.iterator(chunk_size=BATCH):
        ids.append(face_id)
        parts.append(np.asarray(vector, dtype=np.float32))
    return ids, unit(np.stack(parts)) if parts else np.zeros((0, 0), np.float32)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length one, float32: half precision leaves them a little off. Shape (n, d)."""
    exact = vectors.astype(np.float32)
    return exact / np.linalg.norm(exact, axis=1, keepdims=True)


def vectors_of_faces(face_ids: Sequence[int], embedder: str) -> dict[int, tuple[tuple, list | None, np.ndarray]]:
    """For each face that has one: the box its vector was taken from, the face's landmarks now, and the vector."""
    found = {}
    for start in range(0, len(face_ids), BATCH):
        rows = Embedding.objects.filter(embedder=embedder, face_id__in=face_ids[start : start + BATCH])
        columns = ("face_id", "x", "y", "w", "h", "face__landmarks", "vector")
        for face_id, x, y, w, h, landmarks, vector in rows.values_list(*columns):
            found[face_id] = ((x, y, w, h), landmarks, np.asarray(vector, dtype=np.float32))
    return found
