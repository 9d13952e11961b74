"""Eigenfaces as OpenCV makes them: grey crops are projected on principal components, the nearest face names.

Source: Turk and Pentland, Eigenfaces for recognition, Journal of Cognitive Neuroscience 3(1), 1991.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from recognition.labelled_faces import LabelledFaces
from recognition.measure import Compared
from recognition.recipes.scorer import CannotFit, Fitted, by_similarity, from_artifact, to_artifact

SIDE_PX = 64
FARTHEST = 255.0 * SIDE_PX  # between a black square and a white one


def fit(gallery: LabelledFaces, options: dict, seed: int) -> Fitted:
    chosen = np.random.default_rng(seed).permutation(len(gallery))[: options["most_faces"]]
    if len(chosen) < 2:
        raise CannotFit("Eigenfaces need at least 2 faces.")
    rows = [crop.reshape(SIDE_PX, SIDE_PX) for crop in pixels(gallery.crops[np.sort(chosen)])]
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # sums in one order
    try:
        learner = cv2.face.EigenFaceRecognizer_create(min(options["components"], len(rows) - 1))
        learner.train(rows, np.arange(len(rows), dtype=np.int32))
    finally:
        cv2.setNumThreads(threads)
    arrays = {"mean": learner.getMean().reshape(-1), "components": learner.getEigenVectors()}
    return Fitted(
        to_artifact("eigenfaces", {name: array.astype(np.float32) for name, array in arrays.items()}, {}),
        {"components": int(arrays["components"].shape[1]), "faces_used": len(rows)},
    )


def load(data: bytes) -> "Eigenfaces":
    _, arrays = from_artifact("eigenfaces", data, "mean", "components")
    return Eigenfaces(**arrays)


def pixels(crops: np.ndarray) -> np.ndarray:
    """crops: uint8 grey, shape (n, side, side). Returns (n, SIDE_PX²) uint8, histograms made even."""
    small = [cv2.resize(crop, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA) for crop in crops]
    rows = [cv2.equalizeHist(crop).reshape(-1) for crop in small]
    return np.stack(rows) if rows else np.zeros((0, SIDE_PX * SIDE_PX), np.uint8)


@dataclass(frozen=True, eq=False)
class Eigenfaces:
    """mean: shape (d,). components: shape (d, k), columns of unit length."""

    mean: np.ndarray
    components: np.ndarray

    def compare(self, gallery: LabelledFaces, probes: LabelledFaces) -> Compared:
        enrolled, searched = self._projected(gallery), self._projected(probes)
        return by_similarity(
            gallery,
            len(probes),
            pair=lambda rows, columns: likeness(searched[rows], searched[columns]),
            to_gallery=lambda rows, columns: likeness(searched[rows], enrolled[columns]),
        )

    def _projected(self, faces: LabelledFaces) -> np.ndarray:
        return (pixels(faces.crops).astype(np.float64) - self.mean) @ self.components


def likeness(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """1 - distance / the greatest there can be: OpenCV ranks by the distance alone, which this turns round."""
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None] - 2 * first @ second.T
    return 1 - np.sqrt(np.maximum(squares, 0)) / FARTHEST
