"""Five landmarks for a box that a person drew or moved. Worker-only: runs the detector on the box's surroundings."""

from math import ceil, floor

import cv2
import numpy as np

from labelling.boxes import Box, iou
from recognition.detectors import DetectedFace, Detector

# For the detector; small beside what the box is brought to.
MIN_FACE_PX = 20
# Room around the box: the detector wants to see hair and chin, and people draw tightly.
MARGIN = 0.6
# The box is brought to about this size, large enough for the detector and small enough to be quick.
SIDE_PX = 96
MOST_ENLARGED = 4.0
# People draw whole heads, the detector draws faces: half the side is still the same one.
LEAST_IOU = 0.2


def find_landmarks(pixels: np.ndarray, box: Box, detector: Detector) -> np.ndarray | None:
    """Landmarks (5, 2) in pixels of the photo, or None when the detector sees no face in that box.

    pixels: uint8 RGB, shape (height, width, 3). The box itself stays as the person drew it.
    """
    patch, origin = _surroundings(pixels, box)
    scale = min(SIDE_PX / max(box[2], box[3]), MOST_ENLARGED)
    size = tuple(max(1, round(side * scale)) for side in patch.shape[1::-1])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    shown = np.array(size) / patch.shape[1::-1]
    (faces,) = detector.detect([cv2.resize(patch, size, interpolation=way)])
    found = [_in_photo(face, shown, origin) for face in faces]
    same = [(iou(place, box), points) for place, points in found if _holds_middle(box, points)]
    best, points = max(same, key=lambda pair: pair[0], default=(0.0, None))
    return points if best >= LEAST_IOU else None


def _surroundings(pixels: np.ndarray, box: Box) -> tuple[np.ndarray, np.ndarray]:
    """The part of the photo around the box, and its top-left corner (x, y)."""
    x, y, w, h = box
    height, width = pixels.shape[:2]
    left, top = max(0, floor(x - MARGIN * w)), max(0, floor(y - MARGIN * h))
    right, bottom = min(width, ceil(x + w + MARGIN * w)), min(height, ceil(y + h + MARGIN * h))
    return pixels[top:bottom, left:right], np.array([left, top], float)


def _in_photo(face: DetectedFace, scale: np.ndarray, origin: np.ndarray) -> tuple[Box, np.ndarray]:
    x, y, w, h = face.box
    (left, top), (wide, high) = np.array([x, y]) / scale + origin, np.array([w, h]) / scale
    return (float(left), float(top), float(wide), float(high)), face.landmarks / scale + origin


def _holds_middle(box: Box, points: np.ndarray) -> bool:
    """A neighbour's face may overlap the box; the face that is meant has its middle inside."""
    x, y, w, h = box
    middle_x, middle_y = points.mean(axis=0)
    return bool(x < middle_x < x + w and y < middle_y < y + h)
