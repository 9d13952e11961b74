"""Whether the probabilities that suggestions would give are kept on test faces, and who is named that nobody knows.

Arrays in, plain dictionaries out.
"""

import numpy as np

from recognition.calibrations import fitted_on
from recognition.labelled_faces import LabelledFaces
from recognition.ledger_figures import calibration
from recognition.measure import CURVE_POINTS, Measured
from recognition.metrics.curves import decimate_curve
from recognition.metrics.gallery import best_scores
from recognition.metrics.open_set import open_set_identification


def reliability(measured: Measured, gallery: LabelledFaces, probes: LabelledFaces, embedder: str) -> dict:
    """Of the first suggestion for each probe: the mean probability in each bin beside the share that was right.

    As suggestions are made: by the closest face of each person, with a calibration fitted on the gallery alone.
    Probes of people who are not enrolled count: whoever is suggested for them is wrong. {"reason"} where a recipe
    gives no similarities that could become probabilities.
    """
    if measured.compared.vectors is None:
        return {"reason": "This recipe serves no suggestions, so it promises no probabilities."}
    theirs, mine = measured.compared.vectors
    scores = measured.compared.search
    if measured.compared.by_template or not np.isfinite(scores.scores).all():
        scores = best_scores(mine, theirs, gallery.names)
    if len(scores.identities) < 2:
        return {"reason": "Only one person is enrolled."}
    # The two best of each row; rank_people orders all of them, which takes far longer.
    first = scores.scores.argmax(axis=1)
    best_two = np.partition(scores.scores, -2, axis=1)[:, -2:].astype(np.float64)
    best, second = best_two.max(axis=1), best_two.min(axis=1)
    evidence = np.column_stack([best, best - second, np.full(len(best), np.log(len(scores.identities)))])
    promise = fitted_on(theirs, gallery.class_ids, gallery.photos, embedder)
    right = scores.identities[first] == probes.names
    told = calibration(promise.probability(evidence), right)
    return {
        "probes": len(probes),
        "ece": told.ece,
        "brier": told.brier,
        "fitted_on": len(gallery),
        "bins": [
            {
                "low": bin.low, "high": bin.high, "promised": bin.promised, "right": bin.right.value,
                "right_low": bin.right.interval.low, "right_high": bin.right.interval.high, "probes": bin.right.whole,
            }
            for bin in told.bins
        ],
    }  # fmt: skip


def open_set(measured: Measured, probes: LabelledFaces) -> dict:
    """Misses at a bearable rate of false alarms: figures, and `curve` thinned for a chart (both rates logarithmic)."""
    found = open_set_identification(measured.compared.search, probes.names)
    told = {"mated": found.mated, "strangers": found.strangers, "at_fpir": [], "curve": {"fpir": [], "fnir": []}}
    if not found.strangers:
        return told | {"reason": "Everybody among the test faces is enrolled: there are no strangers to be named."}
    if not found.mated:
        return told | {"reason": "Nobody among the test faces is enrolled, so nobody can be missed."}
    told["at_fpir"] = [
        {
            "max_fpir": point.max_fpir, "fnir": point.fnir, "fpir": point.fpir, "threshold": point.threshold,
            "strangers_needed": point.strangers_needed,
        }
        for point in found.at_fpir
    ]  # fmt: skip
    floors = 0.5 / found.strangers, 0.5 / found.mated
    axes = (np.log10(np.maximum(rate, floor)) for rate, floor in zip((found.fpir, found.fnir), floors, strict=True))
    kept = decimate_curve(*axes, CURVE_POINTS) if found.fpir.size else []
    told["curve"] = {"fpir": found.fpir[kept].tolist(), "fnir": found.fnir[kept].tolist()}
    return told
