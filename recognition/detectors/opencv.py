"""What detectors that OpenCV runs have in common: a file from outside, and photos of any size shown one by one."""

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from recognition.alignment import require_rgb
from recognition.detectors.interface import DetectedFace
from recognition.detectors.model_file import ModelFile, sha256_of

SMALLEST_FACE_PX = 10


class OpencvDetector(ABC):
    """min_face_px: smallest face looked for, in pixels of the image given; at least 10.

    long_side_px: no picture with more pixels than a 4:3 photo of that side has is searched. least_score: less sure
    faces are none. threads: of OpenCV in this process, as MtcnnDetector has them.
    """

    name: str
    file: ModelFile

    def __init__(
        self,
        *,
        min_face_px: float,
        least_score: float,
        long_side_px: int,
        model: str | Path | None,
        threads: int | None,
    ):
        if min_face_px < SMALLEST_FACE_PX:
            raise ValueError(f"min_face_px is {min_face_px}; give at least {SMALLEST_FACE_PX}.")
        if long_side_px < 100:
            raise ValueError(f"long_side_px is {long_side_px}; give at least 100.")
        self.min_face_px = min_face_px
        self.least_score = least_score
        self.long_side_px = long_side_px
        self.threads = threads or int(os.environ.get("FACET_TORCH_THREADS", "1"))
        self._model = model
        self._weights_sha256: str | None = None
        self._network = None

    def describe(self) -> dict:
        """As MtcnnDetector.describe; weights_sha256 is None until the file was read."""
        return {
            "name": self.name,
            "library": {"opencv": cv2.__version__},
            "weights_sha256": self._weights_sha256,
            "parameters": self._parameters(),
        }

    def _parameters(self) -> dict:
        return {"min_face_px": self.min_face_px, "long_side_px": self.long_side_px}

    def load(self) -> None:
        """Read the file; a second call does nothing. Raises DetectorUnavailable, saying what to do."""
        if self._network is None:
            path = self.file.find(self._model)
            cv2.setNumThreads(self.threads)
            self._network = self._read(path)
            self._weights_sha256 = sha256_of(path)

    def detect(self, images: Sequence[np.ndarray]) -> list[list[DetectedFace]]:
        """As MtcnnDetector.detect. Raises RuntimeError where OpenCV cannot search an image."""
        checked = [require_rgb(image, position) for position, image in enumerate(images)]
        self.load()
        return [self._search(image) for image in checked]

    def _most_scale(self, height: int, width: int) -> float:
        return self.long_side_px * (0.75 / (height * width)) ** 0.5

    @abstractmethod
    def _read(self, path: Path):
        """The network in the file. Raises DetectorUnavailable where it is none."""

    @abstractmethod
    def _search(self, image: np.ndarray) -> list[DetectedFace]: ...


def resized(image: np.ndarray, scale: float) -> np.ndarray:
    height, width = image.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def unsearchable(shown: np.ndarray, error: cv2.error) -> RuntimeError:
    height, width = shown.shape[:2]
    return RuntimeError(f"OpenCV could not search a picture of {width} × {height}: {error.err}")
