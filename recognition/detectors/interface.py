"""What every detector takes and gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

Box = tuple[float, float, float, float]
FloatArray = np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """One face: `box` (x, y, w, h) and `landmarks` in pixels of the image given, `score` in [0, 1].

    landmarks: shape (5, 2), float32: the eye on the left of the picture, the one on the right, nose,
    left and right corner of the mouth; None of a detector that finds none. They may lie outside the image;
    the box never does.
    """

    box: Box
    score: float
    landmarks: FloatArray | None


class UnknownDetector(ValueError):
    """No detector has that name, or it does not know a parameter."""


class DetectorUnavailable(RuntimeError):
    """The file a detector needs cannot be had; the message says what to do."""


class Detector(Protocol):
    """Cheap to construct; `load` reads weights once; `detect` answers in the order of the images.

    least_score: it takes nothing below for a face.
    """

    name: str
    least_score: float

    def describe(self) -> dict: ...

    def load(self) -> None: ...

    def detect(self, images: Sequence[np.ndarray]) -> list[list[DetectedFace]]: ...


def faces_inside(
    corners: FloatArray, scores: FloatArray, landmarks: Sequence[FloatArray | None], height: int, width: int
) -> list[DetectedFace]:
    """Faces best first, their boxes clipped to the image and rounded to 2 decimals; less than 1 px is none.

    corners: (n, 4) as x1, y1, x2, y2. scores: (n,).
    """
    faces = []
    rows = zip(corners.astype(float).tolist(), scores.astype(float).tolist(), landmarks, strict=True)
    for (x1, y1, x2, y2), score, points in rows:
        x, w = _clipped_span(x1, x2, width)
        y, h = _clipped_span(y1, y2, height)
        if w >= 1 and h >= 1:
            points = None if points is None else np.asarray(points, np.float32).round(2)
            faces.append(DetectedFace((x, y, w, h), round(score, 4), points))
    return sorted(faces, key=lambda face: (-face.score, face.box))


def _clipped_span(first: float, last: float, limit: int) -> tuple[float, float]:
    start, end = (round(min(max(value, 0.0), float(limit)), 2) for value in (first, last))
    length = round(end - start, 2)
    # Rounding may put start + length one bit outside; the database would refuse such a box.
    return start, length if start + length <= limit else round(length - 0.01, 2)
