"""Faces in test that have a twin elsewhere: by their stored vectors they show the same moment, or the same picture."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datasets.models import Version
from jobs.work import Work
from recognition.models import Embedding
from recognition.vectors import unit

# Cosine from which on two faces are as good as one picture; two photos of one person are less alike.
TWINS = 0.995
# Test faces that are looked at; of more, evenly many. What bounds the work: each is compared with all others.
MOST_TESTED = 20_000
BLOCK = 1_000
BOX_MOVED = 0.01  # pixels


def find_twins(version: Version, faces: pa.Table, work: Work) -> dict:
    """For `datasets.leaks`: test faces of which a training or validation face is a twin, the likest pairs first.

    faces: with face_id, split and the box as frozen. Vectors of another box are not of this face; what has none is
    counted in `without_vector`.
    """
    embedder = version.project.settings.embedder
    table = _Frozen(faces)
    tested = np.flatnonzero(table.is_test)
    ids, probes, missing = [], [], 0
    for rows, vectors in _vectors(version, embedder, table, table.face_ids[_evenly(tested, MOST_TESTED)]):
        ids.append(rows)
        probes.append(vectors)
    looked_at = sum(map(len, ids))
    best = np.full(looked_at, -1.0, np.float32)
    likest = np.zeros(looked_at, np.int64)
    others = 0
    if looked_at:
        rows, probe = np.concatenate(ids), np.concatenate(probes)
        for other_rows, vectors in _vectors(version, embedder, table, table.face_ids[~table.is_test]):
            others += len(other_rows)
            keep_best(probe @ vectors.T, table.face_ids[other_rows], best, likest)
            work.check()
        missing = len(table.face_ids) - len(tested) - others
    is_twin = best >= TWINS
    order = np.flatnonzero(is_twin)[np.argsort(-best[is_twin], kind="stable")]
    return {
        "found": int(is_twin.sum()),
        "looked_at": looked_at,
        "tested": len(tested),
        "without_vector": min(len(tested), MOST_TESTED) - looked_at + missing,
        "threshold": TWINS,
        "embedder": embedder,
        "pairs": [(int(table.face_ids[rows[one]]), int(likest[one]), float(best[one])) for one in order],
    }


def keep_best(similarities: np.ndarray, face_ids: np.ndarray, best: np.ndarray, likest: np.ndarray) -> None:
    """Keep for each row the highest similarity so far and whose it is. similarities: shape (n, m); in place."""
    place = similarities.argmax(axis=1)
    value = similarities[np.arange(len(place)), place]
    better = value > best
    best[better], likest[better] = value[better], face_ids[place[better]]


class _Frozen:
    """Faces of a version by id, in order of it."""

    def __init__(self, faces: pa.Table):
        ids = faces["face_id"].to_numpy()
        order = np.argsort(ids)
        self.face_ids = ids[order]
        self.is_test = pc.equal(faces["split"].cast(pa.string()), "test").to_numpy()[order]
        self.boxes = np.stack([faces[side].to_numpy() for side in ("x", "y", "w", "h")], axis=1)[order]


def _evenly(rows: np.ndarray, most: int) -> np.ndarray:
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def _vectors(
    version: Version, embedder: str, table: _Frozen, face_ids: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows in the table and unit vectors of these faces, a block at a time; those of another box are left out."""
    for start in range(0, len(face_ids), BLOCK):
        asked = face_ids[start : start + BLOCK].tolist()
        found = Embedding.objects.filter(embedder=embedder, face__project=version.project_id, face_id__in=asked)
        stored = list(found.order_by("face_id").values_list("face_id", "x", "y", "w", "h", "vector"))
        if not stored:
            continue
        rows = np.searchsorted(table.face_ids, [row[0] for row in stored])
        boxes = np.array([row[1:5] for row in stored])
        same = (np.abs(boxes - table.boxes[rows]) < BOX_MOVED).all(axis=1)
        if same.any():
            vectors = np.stack([np.asarray(row[5], np.float32) for row in stored])
            yield rows[same], unit(vectors[same])
