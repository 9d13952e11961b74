"""A cascade of Haar or LBP features as OpenCV runs it: the baseline before networks, from a file in FACET_HAAR_CASCADE.

Finds frontal faces, without landmarks. Source: Viola and Jones, Robust Real-Time Face Detection, IJCV, 2004.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from recognition.alignment import require_rgb
from recognition.detectors.interface import DetectedFace, faces_inside
from recognition.detectors.model_file import ModelFile, sha256_of

FILE = ModelFile(
    detector="haar",
    variable="FACET_HAAR_CASCADE",
    what="a cascade's XML file",
    source="haarcascade_frontalface_alt2.xml (Debian's package opencv-data has it)",
)
SMALLEST_FACE_PX = 10
STEP = 1.1  # from one size looked for to the next


class HaarDetector:
    """min_face_px: smallest face looked for, in pixels of the image given; at least 10.

    Images are enlarged where that is smaller than the cascade's own window, and shrunk to no more pixels than a 4:3
    photo of `long_side_px` has. The score is h / (h + 1) where h windows saw the same face: 0.8 for four of them.
    """

    name = "haar"
    least_score = 0.5

    def __init__(
        self,
        *,
        min_face_px: float = 20,
        long_side_px: int = 1600,
        model: str | Path | None = None,
        threads: int | None = None,
    ):
        if min_face_px < SMALLEST_FACE_PX:
            raise ValueError(f"min_face_px is {min_face_px}; give at least {SMALLEST_FACE_PX}.")
        if long_side_px < 100:
            raise ValueError(f"long_side_px is {long_side_px}; give at least 100.")
        self.min_face_px = min_face_px
        self.long_side_px = long_side_px
        self.threads = threads or int(os.environ.get("FACET_TORCH_THREADS", "1"))
        self._model = model
        self._weights_sha256: str | None = None
        self._cascade = None

    def describe(self) -> dict:
        """As MtcnnDetector.describe; weights_sha256 is None until the file was read."""
        return {
            "name": self.name,
            "library": {"opencv": cv2.__version__},
            "weights_sha256": self._weights_sha256,
            "parameters": {"min_face_px": self.min_face_px, "long_side_px": self.long_side_px},
        }

    def load(self) -> None:
        """Read the file; a second call does nothing. Raises DetectorUnavailable, saying what to do."""
        if self._cascade is not None:
            return
        path = FILE.find(self._model)
        cv2.setNumThreads(self.threads)
        try:
            cascade = cv2.CascadeClassifier(str(path))
        except (cv2.error, SystemError) as error:
            raise FILE.unusable(f"{path} could not be read as a cascade.") from error
        if cascade.empty():
            raise FILE.unusable(f"{path} holds no cascade.")
        self._weights_sha256 = sha256_of(path)
        self._cascade = cascade

    def detect(self, images: Sequence[np.ndarray]) -> list[list[DetectedFace]]:
        """As MtcnnDetector.detect, without landmarks. Raises RuntimeError where OpenCV cannot search an image."""
        checked = [require_rgb(image, position) for position, image in enumerate(images)]
        self.load()
        return [self._search(image) for image in checked]

    def _search(self, image: np.ndarray) -> list[DetectedFace]:
        height, width = image.shape[:2]
        scale = self._scale(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        grey = cv2.equalizeHist(cv2.cvtColor(cv2.resize(image, size, interpolation=way), cv2.COLOR_RGB2GRAY))
        least = (max(1, round(self.min_face_px * scale)),) * 2
        try:
            boxes, hits = self._cascade.detectMultiScale2(grey, STEP, 1, minSize=least)
        except cv2.error as error:
            raise RuntimeError(f"OpenCV could not search a picture of {width} × {height}: {error.err}") from error
        boxes = np.array(boxes, float).reshape(-1, 4) * np.tile([width / size[0], height / size[1]], 2)
        hits = np.array(hits, float).reshape(-1)
        corners = np.column_stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])
        return faces_inside(corners, hits / (hits + 1), [None] * len(boxes), height, width)

    def _scale(self, height: int, width: int) -> float:
        enlarged = max(1.0, min(self._cascade.getOriginalWindowSize()) / self.min_face_px)
        return min(enlarged, self.long_side_px * (0.75 / (height * width)) ** 0.5)
