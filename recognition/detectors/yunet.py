"""YuNet as OpenCV runs it: quick, with landmarks, from an ONNX file that FACET_YUNET_MODEL names.

Source: Wu, Peng and Yu, YuNet: A Tiny Millisecond-level Face Detector, Machine Intelligence Research, 2023.
"""

from pathlib import Path

import cv2
import numpy as np

from recognition.detectors.interface import DetectedFace, FloatArray, faces_inside
from recognition.detectors.model_file import ModelFile
from recognition.detectors.opencv import OpencvDetector, resized, unsearchable

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


class YunetDetector(OpencvDetector):
    """As OpencvDetector. The image is shown to the network so that a face of min_face_px has 10 px; where larger faces
    than the network knows are possible, once more from afar.
    """

    name = "yunet"
    file = FILE

    def __init__(
        self,
        *,
        min_face_px: float = 20,
        least_score: float = 0.3,
        long_side_px: int = 1600,
        model: str | Path | None = None,
        threads: int | None = None,
    ):
        if not 0 < least_score < 1:
            raise ValueError(f"least_score is {least_score}; give a number between 0 and 1.")
        super().__init__(
            min_face_px=min_face_px, least_score=least_score, long_side_px=long_side_px, model=model, threads=threads
        )

    def _parameters(self) -> dict:
        return {**super()._parameters(), "least_score": self.least_score}

    def _read(self, path: Path) -> cv2.FaceDetectorYN:
        content = np.fromfile(path, np.uint8)  # from the path OpenCV would take the kind of file by its ending
        try:
            network = cv2.FaceDetectorYN.create("onnx", content, b"", (64, 64), self.least_score, SAME_FACE_IOU)
            network.detect(np.zeros((64, 64, 3), np.uint8))  # a network of another shape fails only here
        except cv2.error as error:
            raise FILE.unusable(f"{path} is not YuNet's network.") from error
        return network

    def _search(self, image: np.ndarray) -> list[DetectedFace]:
        height, width = image.shape[:2]
        rows = np.concatenate([self._look(image, scale) for scale in self._scales(height, width)])
        rows = rows[rows[:, 2:4].max(axis=1) >= self.min_face_px]
        kept = cv2.dnn.NMSBoxes(rows[:, :4].tolist(), rows[:, 14].tolist(), 0.0, SAME_FACE_IOU) if len(rows) else []
        rows = rows[np.asarray(kept, dtype=np.int64)]
        corners = np.column_stack([rows[:, :2], rows[:, :2] + rows[:, 2:4]])
        return faces_inside(corners, rows[:, 14], list(rows[:, 4:14].reshape(-1, 5, 2)), height, width)

    def _scales(self, height: int, width: int) -> list[float]:
        closest = min(LEAST_SEEN_PX / self.min_face_px, self._most_scale(height, width))
        afar = FROM_AFAR_PX / max(height, width)
        return [closest, afar] if min(height, width) * closest > MOST_SEEN_PX and afar < closest else [closest]

    def _look(self, image: np.ndarray, scale: float) -> FloatArray:
        """Rows x, y, w, h, five landmarks, score, in pixels of the image."""
        shown = cv2.cvtColor(resized(image, scale), cv2.COLOR_RGB2BGR)
        try:
            self._network.setInputSize(shown.shape[1::-1])
            _, found = self._network.detect(shown)
        except cv2.error as error:
            raise unsearchable(shown, error) from error
        rows = np.empty((0, 15), np.float32) if found is None else found.copy()
        rows[:, :14] *= np.tile([image.shape[1] / shown.shape[1], image.shape[0] / shown.shape[0]], 7)
        return rows
