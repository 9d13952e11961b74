"""Logistic regression over frozen embeddings: scikit-learn's, all people at once, each counting alike."""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from recognition.labelled_faces import LabelledFaces
from recognition.measure import Compared
from recognition.recipes.scorer import CannotFit, Fitted, by_classes, from_artifact, to_artifact


def fit(gallery: LabelledFaces, options: dict, seed: int) -> Fitted:
    """Embeddings of different people lie close together: the mean of all is taken off first."""
    if len(np.unique(gallery.names)) < 2:
        raise CannotFit("A classifier needs faces of at least 2 people.")
    middle = gallery.vectors.mean(axis=0, dtype=np.float64)
    learner = LogisticRegression(C=options["c"], max_iter=options["steps"], class_weight="balanced", random_state=seed)
    with threadpool_limits(1), warnings.catch_warnings():  # sums in one order
        warnings.simplefilter("ignore", ConvergenceWarning)
        learner.fit(gallery.vectors - middle, gallery.names)
    weight, bias = learner.coef_, learner.intercept_
    if len(learner.classes_) == 2:  # one row tells both apart
        weight, bias = np.vstack([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    arrays = {"middle": middle, "weight": weight.astype(np.float64), "bias": bias.astype(np.float64)}
    steps = int(np.max(learner.n_iter_))
    notes = {"classes": learner.classes_.tolist()}
    return Fitted(to_artifact("logistic_regression", arrays, notes), {"steps": steps})


def load(data: bytes) -> "Classifier":
    notes, arrays = from_artifact("logistic_regression", data, "middle", "weight", "bias")
    return Classifier(np.array(notes["classes"], dtype=str), **arrays)


@dataclass(frozen=True, eq=False)
class Classifier:
    classes: np.ndarray
    middle: np.ndarray
    weight: np.ndarray
    bias: np.ndarray

    def compare(self, gallery: LabelledFaces, probes: LabelledFaces) -> Compared:
        return by_classes(gallery, probes, self.classes, self._scores(gallery), self._scores(probes))

    def _scores(self, faces: LabelledFaces) -> np.ndarray:
        return (faces.vectors - self.middle) @ self.weight.T + self.bias
