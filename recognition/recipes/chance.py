"""Chance: a random vector for each face. Whatever beats it only as often as luck would has learnt nothing."""

from dataclasses import dataclass

import numpy as np

from recognition.labelled_faces import LabelledFaces
from recognition.measure import Compared
from recognition.recipes.scorer import Fitted, by_vectors, from_artifact, to_artifact

DIMENSIONS = 64


def fit(gallery: LabelledFaces, options: dict, seed: int) -> Fitted:
    return Fitted(to_artifact("chance", {}, {"seed": seed}))


def load(data: bytes) -> "Chance":
    notes, _ = from_artifact("chance", data)
    return Chance(int(notes["seed"]))


@dataclass(frozen=True)
class Chance:
    seed: int

    def compare(self, gallery: LabelledFaces, probes: LabelledFaces) -> Compared:
        """By the mean of a person's random vectors, so that everybody is as likely, however many faces there are."""
        return by_vectors(gallery, probes, self._random(gallery, 0), self._random(probes, 1), by_template=True)

    def _random(self, faces: LabelledFaces, part: int) -> np.ndarray:
        vectors = np.random.default_rng([self.seed, part]).normal(size=(len(faces), DIMENSIONS))
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
