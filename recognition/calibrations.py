"""Which calibration a project's suggestions are made with, and the name it goes by. Runs in workers only."""

import hashlib
import json

import numpy as np

from labelling.models import Project
from recognition.embedders import get_embedder
from recognition.likeness import Calibration, default_calibration, fit_calibration, leave_one_out_evidence
from recognition.models import CalibrationFit
from recognition.serving import SHORT, Served

# Comparing confirmed faces with each other grows as their square; this many tell enough.
FIT_ON = 2_000
# Fitted again at each half more of faces: a name must not make a new version of the model.
GROWTH = 1.5
FEWEST = 20


def calibration_for(
    project: Project, vectors: np.ndarray, people: np.ndarray, photos: np.ndarray, served: Served | None = None
):
    """The calibration in force and its version; fitted anew once the confirmed faces have grown enough.

    vectors: (n, d) of the confirmed faces; people, photos: whose each is and in which photo; served: the model whose
    vectors these are, which the version names.
    """
    embedder = project.settings.embedder
    start = default_calibration(embedder)
    weights = _weights(embedder) + (f".{served.sha256[:SHORT]}" if served else "")
    fits = CalibrationFit.objects.filter(project=project, embedder=embedder)
    last = fits.filter(version__startswith=f"{weights}-").first()
    if last and last.faces / GROWTH < len(people) < last.faces * GROWTH:
        return Calibration.from_dict(last.params), last.version
    if len(people) < FEWEST:
        return start, _version(weights, start)
    fitted = fitted_on(vectors, people, photos, embedder)
    version = _version(weights, fitted)
    CalibrationFit.objects.update_or_create(
        project=project,
        embedder=embedder,
        version=version,
        defaults={"faces": len(people), "params": fitted.to_dict()},
    )
    return fitted, version


def fitted_on(vectors: np.ndarray, people: np.ndarray, photos: np.ndarray, embedder: str) -> Calibration:
    """What these faces tell, as `calibration_for` takes them; the embedder's own where they are too few to tell."""
    start = default_calibration(embedder)
    if len(people) < FEWEST:
        return start
    kept = np.random.default_rng(0).permutation(len(people))[:FIT_ON]
    evidence, is_same = leave_one_out_evidence(vectors[kept], people[kept], photos[kept])
    return fit_calibration(evidence, is_same, start=start) if len(evidence) else start


def _weights(embedder: str) -> str:
    """The start of the weights' hash; a word where they are not on this machine."""
    return (get_embedder(embedder).describe()["weights_sha256"] or "elsewhere")[:8]


def _version(weights: str, calibration: Calibration) -> str:
    words = json.dumps(calibration.to_dict(), sort_keys=True)
    return f"{weights}-{hashlib.sha256(words.encode()).hexdigest()[:8]}"
