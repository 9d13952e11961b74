"""The worst errors of an evaluation as pairs of faces, and the labels that are most in doubt. Arrays in, rows out."""

import numpy as np

from recognition.label_doubts import name_doubts
from recognition.labelled_faces import LabelledFaces
from recognition.likeness import Calibration
from recognition.measure import Measured
from recognition.metrics.identification import best_others

MOST = 24
# Every face is compared with every other; of more it would take longer than all else in an evaluation.
MOST_DOUBTED_AMONG = 20_000


def false_accepts(
    measured: Measured, gallery: LabelledFaces, probes: LabelledFaces, threshold: float | None, *, most: int = MOST
) -> list[dict]:
    """Probes most like a gallery face of somebody else, the most alike first; with a threshold those it accepts.

    Rows are as those of `measure.mistakes`; own_score is None of people who are not enrolled.
    """
    scores = measured.compared.search
    own = scores.columns_of(probes.names)
    best, column = best_others(scores.scores, own)
    rows = np.argsort(-best, kind="stable")[: 4 * most]
    found = [
        _pair(int(row), str(scores.identities[column[row]]), measured, gallery, probes)
        for row in rows
        if np.isfinite(best[row])
    ]
    kept = (pair for pair in found if threshold is None or pair["score"] >= threshold)
    return sorted(kept, key=lambda pair: (-pair["score"], pair["face_id"]))[:most]


def false_rejects(
    measured: Measured, gallery: LabelledFaces, probes: LabelledFaces, threshold: float | None, *, most: int = MOST
) -> list[dict]:
    """Probes least like the gallery faces of their own person, the least first; with a threshold those it refuses."""
    scores = measured.compared.search
    counted = np.flatnonzero(measured.search.counted)
    own = scores.scores[counted, scores.columns_of(probes.names)[counted]]
    rows = counted[np.argsort(own, kind="stable")[: 4 * most]]
    found = [_pair(int(row), str(probes.names[row]), measured, gallery, probes) for row in rows]
    kept = (pair for pair in found if threshold is None or pair["score"] < threshold)
    return sorted(kept, key=lambda pair: (pair["score"], pair["face_id"]))[:most]


def _pair(row: int, person: str, measured: Measured, gallery: LabelledFaces, probes: LabelledFaces) -> dict:
    """The probe beside the face of that person it is most like."""
    theirs, own = (np.flatnonzero(gallery.names == name) for name in (person, probes.names[row]))
    likeness = measured.compared.to_gallery(np.array([row]), theirs)[0]
    own_best = measured.compared.to_gallery(np.array([row]), own)[0].max() if len(own) else -np.inf
    nearest = int(np.argmax(likeness))
    return {
        "face_id": int(probes.face_ids[row]),
        "truth": str(probes.names[row]),
        "predicted": person,
        "score": float(likeness[nearest]),
        "own_score": float(own_best) if np.isfinite(own_best) else None,
        "nearest_face_id": int(gallery.face_ids[theirs[nearest]]),
    }


def label_doubts(faces: LabelledFaces, calibration: Calibration, *, most: int | None = MOST) -> list[dict] | None:
    """Names that are probably wrong, among all named faces of a version, those it learns from as well.

    All of them, ranked, where `most` is None; None where there are too many faces to compare. predicted: whom a face
    looks like instead.
    """
    if len(faces) > MOST_DOUBTED_AMONG:
        return None
    doubts = name_doubts(range(len(faces)), faces.vectors, faces.class_ids, faces.photos, calibration=calibration)
    called = dict(zip(faces.class_ids.tolist(), faces.names.tolist(), strict=True))
    return [
        {
            "face_id": int(faces.face_ids[doubt.face]),
            "truth": str(faces.names[doubt.face]),
            "predicted": called[doubt.person],
            "score": doubt.similarity,
            "own_score": doubt.own_similarity,
            "nearest_face_id": int(faces.face_ids[doubt.nearest]),
            "doubt": round(doubt.score, 6),
            "where": str(faces.splits[doubt.face]),
        }
        for doubt in doubts[:most]
    ]
