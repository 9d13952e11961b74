"""A cascade of Haar or LBP features as OpenCV runs it: the baseline before networks, from a file in FACET_HAAR_CASCADE.

Finds frontal faces, without landmarks. Source: Viola and Jones, Robust Real-Time Face Detection, IJCV, 2004.
"""

from pathlib import Path

import cv2
import numpy as np

from recognition.detectors.interface import DetectedFace, faces_inside
from recognition.detectors.model_file import ModelFile
from recognition.detectors.opencv import OpencvDetector, resized, unsearchable

FILE = ModelFile(
    detector="haar",
    variable="FACET_HAAR_CASCADE",
    what="a cascade's XML file",
    source="haarcascade_frontalface_alt2.xml (Debian's package opencv-data has it)",
)
STEP = 1.1  # from one size looked for to the next


class HaarDetector(OpencvDetector):
    """As OpencvDetector, without landmarks. Images are enlarged where min_face_px is less than the cascade's window.

    The score is h / (h + 1) where h windows saw the same face: 0.8 for four of them.
    """

    name = "haar"
    file = FILE
    least_score = 0.5

    def __init__(
        self,
        *,
        min_face_px: float = 20,
        long_side_px: int = 1600,
        model: str | Path | None = None,
        threads: int | None = None,
    ):
        super().__init__(
            min_face_px=min_face_px,
            least_score=self.least_score,
            long_side_px=long_side_px,
            model=model,
            threads=threads,
        )

    def _read(self, path: Path) -> cv2.CascadeClassifier:
        try:
            cascade = cv2.CascadeClassifier(str(path))
        except (cv2.error, SystemError) as error:
            raise FILE.unusable(f"{path} could not be read as a cascade.") from error
        if cascade.empty():
            raise FILE.unusable(f"{path} holds no cascade.")
        return cascade

    def _search(self, image: np.ndarray) -> list[DetectedFace]:
        height, width = image.shape[:2]
        scale = self._scale(height, width)
        grey = cv2.equalizeHist(cv2.cvtColor(resized(image, scale), cv2.COLOR_RGB2GRAY))
        least = (max(1, round(self.min_face_px * scale)),) * 2
        try:
            boxes, hits = self._network.detectMultiScale2(grey, STEP, 1, minSize=least)
        except cv2.error as error:
            raise unsearchable(grey, error) from error
        boxes = np.array(boxes, float).reshape(-1, 4) * np.tile([width / grey.shape[1], height / grey.shape[0]], 2)
        hits = np.array(hits, float).reshape(-1)
        corners = np.column_stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])
        return faces_inside(corners, hits / (hits + 1), [None] * len(boxes), height, width)

    def _scale(self, height: int, width: int) -> float:
        enlarged = max(1.0, min(self._network.getOriginalWindowSize()) / self.min_face_px)
        return min(enlarged, self._most_scale(height, width))
