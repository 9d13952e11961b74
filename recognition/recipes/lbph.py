"""Local binary pattern histograms as OpenCV makes and compares them: the nearest gallery face names.

OpenCV keeps the gallery's histograms inside its recogniser. Here they are made from the gallery of each evaluation, so
the model is its parameters, as with every recipe that enrols people.
Source: Ahonen, Hadid and Pietikäinen, Face recognition with local binary patterns, ECCV 2004.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from recognition.labelled_faces import LabelledFaces
from recognition.measure import Compared
from recognition.recipes.scorer import Fitted, by_similarity, from_artifact, to_artifact

SIDE_PX = 96


def fit(gallery: LabelledFaces, options: dict, seed: int) -> Fitted:
    return Fitted(to_artifact("lbph", {}, {"options": options, "seed": seed}))


def load(data: bytes) -> "Lbph":
    notes, _ = from_artifact("lbph", data)
    return Lbph(seed=int(notes["seed"]), **notes["options"])


@dataclass(frozen=True)
class Lbph:
    """faces_a_person: each probe is compared with every gallery face, which costs some microseconds a pair."""

    seed: int
    radius: int
    grid: int
    faces_a_person: int

    def compare(self, gallery: LabelledFaces, probes: LabelledFaces) -> Compared:
        enrolled = self._enrolled(gallery)
        place = np.full(len(gallery), -1)
        place[enrolled] = np.arange(len(enrolled))
        theirs, mine = self._histograms(gallery.crops[enrolled]), self._histograms(probes.crops)
        farthest = 4.0 * self.grid**2  # between histograms of cells that share nothing

        def to_gallery(rows, columns):
            """Gallery faces that were not enrolled are like nobody."""
            found = np.full((len(mine[rows]), len(columns)), -1.0, np.float32)
            there = place[columns] >= 0
            found[:, there] = likeness(mine[rows], theirs[place[columns][there]], farthest)
            return found

        return by_similarity(
            gallery,
            len(probes),
            pair=lambda rows, columns: likeness(mine[rows], mine[columns], farthest),
            to_gallery=to_gallery,
        )

    def _enrolled(self, gallery: LabelledFaces) -> np.ndarray:
        order = np.random.default_rng(self.seed).permutation(len(gallery))
        kept = [order[gallery.names[order] == name][: self.faces_a_person] for name in np.unique(gallery.names)]
        return np.sort(np.concatenate(kept)) if kept else np.zeros(0, np.int64)

    def _histograms(self, crops: np.ndarray) -> np.ndarray:
        if not len(crops):
            return np.zeros((0, self.grid**2 * 256), np.float32)
        learner = cv2.face.LBPHFaceRecognizer_create(self.radius, 8, self.grid, self.grid)
        small = [cv2.resize(crop, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA) for crop in crops]
        learner.train(small, np.arange(len(small), dtype=np.int32))
        return np.concatenate(learner.getHistograms())


def likeness(first: np.ndarray, second: np.ndarray, farthest: float) -> np.ndarray:
    """1 - chi-square / the greatest there can be, shape (first, second): OpenCV ranks by chi-square alone."""
    found = np.empty((len(first), len(second)), np.float32)
    for row, one in enumerate(first):
        for column, other in enumerate(second):
            found[row, column] = cv2.compareHist(one, other, cv2.HISTCMP_CHISQR_ALT)
    return 1 - found / farthest
