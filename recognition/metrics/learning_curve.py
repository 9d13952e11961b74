"""How much better somebody should be recognised with more enrolled faces: a power law over the people measured.

The law is the usual shape of learning curves (Hestness et al., arXiv:1712.00409): error = a · n^(−b). It is fitted over
people, not over time, so it says what people with more faces have, which others may hope for.
"""

from dataclasses import dataclass

import numpy as np

# Below that many people, or with one and the same number of faces for all, there is nothing to fit.
FEWEST_PEOPLE = 8
USUAL_SLOPE = 0.5
STEEPEST = 1.0


@dataclass(frozen=True)
class LearningCurve:
    """error(n) = level · n^(−slope). people: how many it was fitted on; 0 for the slope that is usual."""

    level: float
    slope: float
    people: int

    def error(self, faces: float) -> float:
        """1 − AP to be expected of somebody with so many enrolled faces; 1 of somebody without any."""
        return min(1.0, self.level * faces**-self.slope) if faces > 0 else 1.0

    def gain(self, faces: int, more: int, error: float | None = None) -> float:
        """How much the AP should rise with `more` faces. error: the person's own now, which shrinks as the curve does.

        Without it, that of the curve. Never below 0.
        """
        if faces <= 0:
            return 1.0 - self.error(more)
        now = self.error(faces) if error is None else error
        return now * (1 - ((faces + more) / faces) ** -self.slope)


def fit_learning_curve(faces: np.ndarray, ap: np.ndarray, probes: np.ndarray) -> LearningCurve:
    """faces, ap, probes: shape (people,); enrolled faces above 0, average precision 0 to 1, probes it was measured on.

    Least squares of log(error) over log(faces), people weighed by their probes. An error of nothing in so many probes
    stands for half a probe, as no number of right answers shows that there is no error. The slope is kept between 0
    (more faces do not help) and 1. Raises ValueError for shapes that differ or people without faces.
    """
    faces, ap, probes = (np.asarray(values, float) for values in (faces, ap, probes))
    if not faces.shape == ap.shape == probes.shape or faces.ndim != 1:
        raise ValueError("faces, ap and probes must have one entry per person each.")
    if (faces <= 0).any() or (probes <= 0).any():
        raise ValueError("Everybody needs an enrolled face and a probe.")
    error = np.maximum(1 - ap, 0.5 / np.maximum(probes, 1))
    x, y = np.log(faces), np.log(error)
    if len(faces) < FEWEST_PEOPLE or np.ptp(x) == 0:
        level = float(np.exp(np.average(y + USUAL_SLOPE * x, weights=probes))) if len(faces) else 1.0
        return LearningCurve(level, USUAL_SLOPE, 0)
    middle_x, middle_y = np.average(x, weights=probes), np.average(y, weights=probes)
    spread = np.average((x - middle_x) ** 2, weights=probes)
    slope = -float(np.average((x - middle_x) * (y - middle_y), weights=probes) / spread)
    slope = min(max(slope, 0.0), STEEPEST)
    return LearningCurve(float(np.exp(middle_y + slope * middle_x)), slope, len(faces))
