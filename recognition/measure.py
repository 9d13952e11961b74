"""Measures one way of comparing faces: a gallery, probes, and what comes of searching one in the other.

Arrays in, plain dictionaries out; the definitions are in recognition/metrics.
"""

from dataclasses import dataclass

import numpy as np

from recognition.labelled_faces import LabelledFaces
from recognition.metrics.average_precision import MeanAp, corners_of_precision_recall, per_identity_ap
from recognition.metrics.bootstrap import Resampling
from recognition.metrics.confusion import top_confusions
from recognition.metrics.curves import decimate_curve
from recognition.metrics.gallery import IdentityScores, best_scores, mean_templates
from recognition.metrics.identification import Identification, closed_set_identification
from recognition.metrics.pairs import ScoreSource, roc_of_source
from recognition.metrics.roc import RocCounter, RocCurve
from recognition.metrics.thresholds import PointAtFpr
from recognition.metrics.verification import verification

MIN_PROBES = 3
RESAMPLES = 1000
CURVE_POINTS = 400
MOST_MISTAKES = 60
BINS = 60
ROWS_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class Compared:
    """How one way of recognising sees probes and a gallery. All similarities: higher is more alike, in [-1, 1].

    search: by whom a probe is given its name. ranking: by which AP ranks all probes for a person.
    pair: similarities of probes to probes; to_gallery: of probes to gallery faces, each worked out when asked for.
    vectors: of the gallery and of the probes, where similarities are their products. by_template: search is by means.
    """

    search: IdentityScores
    ranking: IdentityScores
    pair: ScoreSource
    to_gallery: ScoreSource
    vectors: tuple[np.ndarray, np.ndarray] | None = None
    by_template: bool = False


@dataclass(frozen=True, eq=False)
class Measured:
    """Everything one evaluation says."""

    compared: Compared
    search: Identification
    ap: MeanAp
    roc: RocCurve
    histogram: dict


def compare_vectors(gallery: LabelledFaces, probes: LabelledFaces, *, by_template: bool = False) -> Compared:
    """By cosine similarity: a probe is named by its nearest gallery face, or with `by_template` by the nearest mean of
    a person's faces. AP always ranks by the similarity to that mean.
    """
    names, means = mean_templates(gallery.vectors, gallery.names)
    templates = IdentityScores(names, probes.vectors.astype(np.float64) @ means.T)
    return Compared(
        search=templates if by_template else best_scores(probes.vectors, gallery.vectors, gallery.names),
        ranking=templates,
        pair=lambda rows, columns: probes.vectors[rows] @ probes.vectors[columns].T,
        to_gallery=lambda rows, columns: probes.vectors[rows] @ gallery.vectors[columns].T,
        vectors=(gallery.vectors, probes.vectors),
        by_template=by_template,
    )


def measure(compared: Compared, probes: LabelledFaces, *, seed: int, groups: np.ndarray | None = None) -> Measured:
    """Search the probes in the gallery and compare all pairs of probes of different photos, each pair once.

    groups: what else keeps two probes from being compared, as roc_of_source has it; photos when None.
    """
    groups = probes.photos if groups is None else groups
    histogram = PairHistogram()
    return Measured(
        compared=compared,
        search=closed_set_identification(compared.search, probes.names),
        ap=_mean_ap(compared, probes, seed),
        roc=roc_of_source(compared.pair, probes.names, groups=groups, listener=histogram),
        histogram=histogram.counts(),
    )


def figures(measured: Measured) -> dict:
    """The headline numbers. What cannot be measured is None, never 0."""
    pairs = verification(measured.roc)
    return {
        **_searched(measured.search, measured.ap),
        "verification": {
            "genuine": pairs.genuine,
            "impostors": pairs.impostors,
            "auc": pairs.auc,
            "eer": pairs.eer,
            "at_fpr": [_at_fpr(point) for point in pairs.at_fpr],
        },
    }


def quick_figures(compared: Compared, probes: LabelledFaces, *, seed: int) -> dict:
    """mAP and recognition rate as `figures` has them, without the pairs, which take the longest."""
    return _searched(closed_set_identification(compared.search, probes.names), _mean_ap(compared, probes, seed))


def _mean_ap(compared: Compared, probes: LabelledFaces, seed: int) -> MeanAp:
    resampling = Resampling(np.random.default_rng(seed), resamples=RESAMPLES)
    return per_identity_ap(compared.ranking, probes.names, min_probes=MIN_PROBES, resampling=resampling)


def _searched(search: Identification, ap: MeanAp) -> dict:
    interval = search.interval()
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
            "not_comparable": search.not_comparable,
        },
        "cmc": [float(share) for share in search.cmc],
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
    pr = corners_of_precision_recall(_genuine_against_all(measured.compared.ranking, probes.names))
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


def _genuine_against_all(scores: IdentityScores, names: np.ndarray) -> RocCurve:
    """Scores of each probe for its own person against those of all probes for everybody else, some rows at a time."""
    own = scores.columns_of(names)
    enrolled = np.flatnonzero(own >= 0)
    mine = scores.scores[enrolled, own[enrolled]]
    counter = RocCounter(mine[np.isfinite(mine)])
    for start in range(0, len(own), ROWS_AT_ONCE):
        block = scores.scores[start : start + ROWS_AT_ONCE]
        other = np.isfinite(block)
        rows = np.flatnonzero(own[start : start + ROWS_AT_ONCE] >= 0)
        other[rows, own[start + rows]] = False
        counter.add_impostors(block[other])
    return counter.curve()


class PairHistogram:
    """Similarities of genuine and impostor pairs, in `BINS` bins over [-1, 1]. Hears pairs as roc_of_source tells."""

    def __init__(self) -> None:
        self._counts = {True: np.zeros(BINS, np.int64), False: np.zeros(BINS, np.int64)}

    def __call__(self, scores: np.ndarray, genuine: bool) -> None:
        places = scores * (BINS / 2)
        places += BINS / 2
        np.clip(places, 0, BINS - 1, out=places)
        self._counts[genuine] += np.bincount(places.astype(np.intp), minlength=BINS)

    def counts(self) -> dict:
        edges = np.linspace(-1, 1, BINS + 1)
        return {
            "edges": edges.tolist(),
            "genuine": self._counts[True].tolist(),
            "impostor": self._counts[False].tolist(),
        }


def mistakes(measured: Measured, gallery: LabelledFaces, probes: LabelledFaces) -> list[dict]:
    """Probes that were taken for somebody else, the most convinced error first."""
    rows = np.flatnonzero(measured.search.counted)
    wrong = np.flatnonzero(measured.search.predicted != probes.names[rows])
    scores = measured.compared.search
    predicted, own = scores.columns_of(probes.names), scores.columns_of(probes.names)
    predicted[rows] = np.searchsorted(scores.identities, measured.search.predicted)
    rows = rows[wrong]
    margin = scores.scores[rows, own[rows]] - scores.scores[rows, predicted[rows]]
    worst = rows[np.argsort(margin, kind="stable")[:MOST_MISTAKES]]
    return [_mistake(int(row), str(scores.identities[predicted[row]]), measured, gallery, probes) for row in worst]


def _mistake(row: int, predicted: str, measured: Measured, gallery: LabelledFaces, probes: LabelledFaces) -> dict:
    truth = str(probes.names[row])
    theirs, own = (np.flatnonzero(gallery.names == name) for name in (predicted, truth))
    to_them = measured.compared.to_gallery(np.array([row]), theirs)[0]
    nearest = int(np.argmax(to_them))
    return {
        "face_id": int(probes.face_ids[row]),
        "truth": truth,
        "predicted": predicted,
        "score": float(to_them[nearest]),
        "own_score": float(measured.compared.to_gallery(np.array([row]), own)[0].max()),
        "nearest_face_id": int(gallery.face_ids[theirs[nearest]]),
    }


def confusions(measured: Measured, probes: LabelledFaces, *, limit: int = 20) -> list[dict]:
    truth = probes.names[measured.search.counted]
    return [
        {"truth": row.truth, "predicted": row.predicted, "count": row.count, "share": row.share}
        for row in top_confusions(truth, measured.search.predicted, limit=limit)
    ]
