"""Histograms of oriented gradients and a linear classifier: OpenCV's descriptor, scikit-learn's ridge classifier."""

from dataclasses import dataclass

import cv2
import numpy as np
from sklearn.linear_model import RidgeClassifier
from threadpoolctl import threadpool_limits

from recognition.labelled_faces import LabelledFaces
from recognition.measure import Compared
from recognition.recipes.scorer import CannotFit, Fitted, by_classes, from_artifact, to_artifact

SIDE_PX = 64


def fit(gallery: LabelledFaces, options: dict, seed: int) -> Fitted:
    if len(np.unique(gallery.names)) < 2:
        raise CannotFit("A classifier needs faces of at least 2 people.")
    learner = RidgeClassifier(alpha=options["alpha"], class_weight="balanced", solver="cholesky")
    with threadpool_limits(1):  # sums in one order
        learner.fit(gradients(gallery.crops), gallery.names)
    weight, bias = np.atleast_2d(learner.coef_), np.atleast_1d(learner.intercept_)
    if len(learner.classes_) == 2:
        weight, bias = np.vstack([-weight, weight]), np.concatenate([-bias, bias])
    arrays = {"weight": weight.astype(np.float32), "bias": bias.astype(np.float32)}
    return Fitted(to_artifact("hog_linear", arrays, {"classes": learner.classes_.tolist()}))


def load(data: bytes) -> "HogLinear":
    notes, arrays = from_artifact("hog_linear", data, "weight", "bias")
    return HogLinear(np.array(notes["classes"], dtype=str), **arrays)


def gradients(crops: np.ndarray) -> np.ndarray:
    """crops: uint8 grey, shape (n, side, side). Returns (n, 1764) float32: 9 directions in 8 px cells, 2x2 blocks."""
    hog = cv2.HOGDescriptor((SIDE_PX, SIDE_PX), (16, 16), (8, 8), (8, 8), 9)
    small = [cv2.resize(crop, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA) for crop in crops]
    rows = [hog.compute(crop).reshape(-1) for crop in small]
    return np.stack(rows) if rows else np.zeros((0, hog.getDescriptorSize()), np.float32)


@dataclass(frozen=True, eq=False)
class HogLinear:
    classes: np.ndarray
    weight: np.ndarray
    bias: np.ndarray

    def compare(self, gallery: LabelledFaces, probes: LabelledFaces) -> Compared:
        return by_classes(gallery, probes, self.classes, self._scores(gallery), self._scores(probes))

    def _scores(self, faces: LabelledFaces) -> np.ndarray:
        return gradients(faces.crops).astype(np.float64) @ self.weight.T.astype(np.float64) + self.bias
