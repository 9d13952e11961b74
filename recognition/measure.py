"""Measures one way of comparing faces: a gallery, probes, and what comes of searching one in the other.

Arrays in, plain dictionaries out; the definitions are in recognition/metrics.
"""

from dataclasses import dataclass

import numpy as np

from recognition.labelled_faces import LabelledFaces
from recognition.metrics.average_precision import MeanAp, per_identity_ap, precision_recall_curve
from recognition.metrics.bootstrap import Resampling
from recognition.metrics.confusion import top_confusions
from recognition.metrics.curves import decimate_curve
from recognition.metrics.gallery import GalleryPolicy, IdentityScores, identity_scores, mean_templates
from recognition.metrics.identification import Identification, closed_set_identification
from recognition.metrics.pairs import roc_of_embeddings
from recognition.metrics.roc import RocCurve
from recognition.metrics.thresholds import PointAtFpr
from recognition.metrics.verification import verification

MIN_PROBES = 3
RESAMPLES = 1000
CURVE_POINTS = 400
MOST_MISTAKES = 60
BINS = 60


@dataclass(frozen=True, eq=False)
class Measured:
    """Everything one evaluation says. `similarity`: shape (probes, gallery faces)."""

    similarity: np.ndarray
    nearest: IdentityScores
    templates: IdentityScores
    search: Identification
    ap: MeanAp
    roc: RocCurve


def measure(gallery: LabelledFaces, probes: LabelledFaces, *, seed: int, by_template: bool = False) -> Measured:
    """Search the probes in the gallery and compare all pairs of probes.

    The recognition rate asks for the nearest gallery face, or with `by_template` the nearest mean of a
    person's faces; AP always ranks the probes by their similarity to that mean.
    """
    similarity = probes.vectors @ gallery.vectors.T
    names, means = mean_templates(gallery.vectors, gallery.names)
    templates = IdentityScores(names, probes.vectors.astype(np.float64) @ means.T)
    nearest = identity_scores(similarity, gallery.names, GalleryPolicy.BEST)
    return Measured(
        similarity=similarity,
        nearest=nearest,
        templates=templates,
        search=closed_set_identification(templates if by_template else nearest, probes.names),
        ap=per_identity_ap(
            templates,
            probes.names,
            min_probes=MIN_PROBES,
            resampling=Resampling(np.random.default_rng(seed), resamples=RESAMPLES),
        ),
        roc=roc_of_embeddings(probes.vectors, probes.names, groups=probes.photos),
    )


def figures(measured: Measured) -> dict:
    """The headline numbers. What cannot be measured is None, never 0."""
    search, ap = measured.search, measured.ap
    interval = search.interval()
    pairs = verification(measured.roc)
    return {
        "map": {
            "macro": ap.macro,
            "weighted": ap.weighted,
            "low": ap.macro_interval.low if ap.macro_interval else None,
            "high": ap.macro_interval.high if ap.macro_interval else None,
            "min_probes": ap.min_probes,
            "measured": len(ap.identities),
            "too_few": len(ap.too_few),
        },
        "recognition_rate": {
            "value": search.recognition_rate,
            "low": interval.low if interval else None,
            "high": interval.high if interval else None,
            "probes": search.probes,
            "correct": search.correct,
            "no_gallery": search.no_gallery,
        },
        "cmc": [float(share) for share in search.cmc],
        "verification": {
            "genuine": pairs.genuine,
            "impostors": pairs.impostors,
            "auc": pairs.auc,
            "eer": pairs.eer,
            "at_fpr": [_at_fpr(point) for point in pairs.at_fpr],
        },
    }


def _at_fpr(point: PointAtFpr) -> dict:
    return {
        "max_fpr": point.max_fpr,
        "tpr": point.tpr,
        "threshold": point.point.threshold if point.point else None,
        "impostors": point.impostors,
        "impostors_needed": point.impostors_needed,
    }


def confusion_at_strictest(measured: Measured) -> dict | None:
    """Counts over pairs at the strictest FPR limit the pairs support, down to 1 %; None when none does."""
    points = [point for point in verification(measured.roc, (1e-1, 1e-2)).at_fpr if point.point]
    if not points:
        return None
    chosen = points[-1]
    counts = chosen.point.counts
    rates = {name: getattr(counts, name) for name in ("tpr", "fpr", "precision", "fnr", "tnr", "f1")}
    return {
        "threshold": chosen.point.threshold,
        "max_fpr": chosen.max_fpr,
        "tp": counts.tp,
        "fp": counts.fp,
        "fn": counts.fn,
        "tn": counts.tn,
        **rates,
    }


def curve_points(measured: Measured, probes: LabelledFaces) -> dict:
    """PR over all probe-person scores together, and ROC, thinned for a chart."""
    own = measured.templates.columns_of(probes.names)
    positive = np.zeros(measured.templates.scores.shape, dtype=bool)
    positive[np.flatnonzero(own >= 0), own[own >= 0]] = True
    pr = precision_recall_curve(measured.templates.scores.ravel(), positive.ravel())
    kept = decimate_curve(pr.recall, pr.precision, CURVE_POINTS) if pr.recall.size else []
    fpr, tpr = measured.roc.vertices()
    # Thinned on the logarithmic axis it is drawn on; where nothing was accepted wrongly there is no logarithm.
    floor = 0.5 / max(measured.roc.impostors, 1)
    points = decimate_curve(np.log10(np.maximum(fpr, floor)), tpr, CURVE_POINTS) if fpr.size else []
    return {
        "pr": {"recall": pr.recall[kept].tolist(), "precision": pr.precision[kept].tolist()},
        "roc": {"fpr": fpr[points].tolist(), "tpr": tpr[points].tolist()},
        "cmc": [float(share) for share in measured.search.cmc],
    }


def histogram(probes: LabelledFaces) -> dict:
    """Similarities of genuine and impostor pairs of probes, in `BINS` bins over [-1, 1]."""
    edges = np.linspace(-1, 1, BINS + 1)
    genuine, impostor = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)
    for row in range(len(probes) - 1):
        rest = slice(row + 1, None)
        scores = np.clip(probes.vectors[rest] @ probes.vectors[row], -1, 1)
        apart = probes.photos[rest] != probes.photos[row]
        same = probes.names[rest] == probes.names[row]
        genuine += np.histogram(scores[apart & same], edges)[0]
        impostor += np.histogram(scores[apart & ~same], edges)[0]
    return {"edges": edges.tolist(), "genuine": genuine.tolist(), "impostor": impostor.tolist()}


def mistakes(measured: Measured, gallery: LabelledFaces, probes: LabelledFaces) -> list[dict]:
    """Probes that were taken for somebody else, the most convinced error first."""
    rows = np.flatnonzero(measured.search.counted)
    wrong = measured.search.predicted != probes.names[rows]
    found = []
    for row, predicted in zip(rows[wrong], measured.search.predicted[wrong], strict=True):
        truth = probes.names[row]
        theirs, own = (np.flatnonzero(gallery.names == name) for name in (predicted, truth))
        nearest = theirs[np.argmax(measured.similarity[row, theirs])]
        found.append(
            {
                "face_id": int(probes.face_ids[row]),
                "truth": str(truth),
                "predicted": str(predicted),
                "score": float(measured.similarity[row, nearest]),
                "own_score": float(measured.similarity[row, own].max()),
                "nearest_face_id": int(gallery.face_ids[nearest]),
            }
        )
    found.sort(key=lambda mistake: mistake["own_score"] - mistake["score"])
    return found[:MOST_MISTAKES]


def confusions(measured: Measured, probes: LabelledFaces, *, limit: int = 20) -> list[dict]:
    truth = probes.names[measured.search.counted]
    return [
        {"truth": row.truth, "predicted": row.predicted, "count": row.count, "share": row.share}
        for row in top_confusions(truth, measured.search.predicted, limit=limit)
    ]
