"""YuNet as OpenCV runs it: quick, with landmarks, from an ONNX file that FACET_YUNET_MODEL names.

Source: Wu, Peng and Yu, YuNet: A Tiny Millisecond-level Face Detector, Machine Intelligence Research, 2023.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from recognition.alignment import require_rgb
from recognition.detectors.interface import DetectedFace, FloatArray, faces_inside
from recognition.detectors.model_file import ModelFile, sha256_of

FILE = ModelFile(
    detector="yunet",
    variable="FACET_YUNET_MODEL",
    what="YuNet's ONNX file",
    source="face_detection_yunet_2023mar.onnx from OpenCV's model zoo",
)
# The network was made for faces of about 10 to 300 px.
LEAST_SEEN_PX, MOST_SEEN_PX = 10, 300
FROM_AFAR_PX = 320
SAME_FACE_IOU = 0.3


class YunetDetector:
    """min_face_px: smallest face looked for, in pixels of the image given; at least 10.

    The image is shown to the network so that a face of that size has 10 px, but with no more pixels than a 4:3 photo
    of `long_side_px` has; where larger faces than the network knows are possible, once more from afar.
    least_score: less sure faces are none. threads: of OpenCV in this process, as MtcnnDetector has them.
    """

    name = "yunet"

    def __init__(
        self,
        *,
        min_face_px: float = 20,
        least_score: float = 0.3,
        long_side_px: int = 1600,
        model: str | Path | None = None,
        threads: int | None = None,
    ):
        if min_face_px < LEAST_SEEN_PX:
            raise ValueError(f"min_face_px is {min_face_px}; YuNet finds no faces below {LEAST_SEEN_PX} px.")
        if not 0 < least_score < 1:
            raise ValueError(f"least_score is {least_score}; give a number between 0 and 1.")
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
            "parameters": {
                "min_face_px": self.min_face_px,
                "least_score": self.least_score,
                "long_side_px": self.long_side_px,
            },
        }

    def load(self) -> None:
        """Read the file; a second call does nothing. Raises DetectorUnavailable, saying what to do."""
        if self._network is not None:
            return
        path = FILE.find(self._model)
        try:
            cv2.setNumThreads(self.threads)
            content = np.fromfile(path, np.uint8)  # from the path OpenCV would take the kind of file by its ending
            network = cv2.FaceDetectorYN.create("onnx", content, b"", (64, 64), self.least_score, SAME_FACE_IOU)
            network.detect(np.zeros((64, 64, 3), np.uint8))  # a network of another shape fails only here
        except cv2.error as error:
            raise FILE.unusable(f"{path} is not YuNet's network.") from error
        self._weights_sha256 = sha256_of(path)
        self._network = network

    def detect(self, images: Sequence[np.ndarray]) -> list[list[DetectedFace]]:
        """As MtcnnDetector.detect. Raises RuntimeError where OpenCV cannot search an image."""
        checked = [require_rgb(image, position) for position, image in enumerate(images)]
        self.load()
        return [self._search(image) for image in checked]

    def _search(self, image: np.ndarray) -> list[DetectedFace]:
        height, width = image.shape[:2]
        rows = np.concatenate([self._look(image, scale) for scale in self._scales(height, width)])
        rows = rows[rows[:, 2:4].max(axis=1) >= self.min_face_px]
        kept = cv2.dnn.NMSBoxes(rows[:, :4].tolist(), rows[:, 14].tolist(), 0.0, SAME_FACE_IOU) if len(rows) else []
        rows = rows[np.asarray(kept, dtype=np.int64)]
        corners = np.column_stack([rows[:, :2], rows[:, :2] + rows[:, 2:4]])
        return faces_inside(corners, rows[:, 14], list(rows[:, 4:14].reshape(-1, 5, 2)), height, width)

    def _scales(self, height: int, width: int) -> list[float]:
        closest = min(LEAST_SEEN_PX / self.min_face_px, self.long_side_px * (0.75 / (height * width)) ** 0.5)
        afar = FROM_AFAR_PX / max(height, width)
        return [closest, afar] if min(height, width) * closest > MOST_SEEN_PX and afar < closest else [closest]

    def _look(self, image: np.ndarray, scale: float) -> FloatArray:
        """Rows x, y, w, h, five landmarks, score, in pixels of the image."""
        height, width = image.shape[:2]
        size = max(1, round(width * scale)), max(1, round(height * scale))
        shown = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
        try:
            self._network.setInputSize(size)
            _, found = self._network.detect(shown)
        except cv2.error as error:
            raise RuntimeError(f"OpenCV could not search a picture of {width} × {height}: {error.err}") from error
        rows = np.empty((0, 15), np.float32) if found is None else found.copy()
        rows[:, :14] *= np.tile([width / size[0], height / size[1]], 7)
        return rows
