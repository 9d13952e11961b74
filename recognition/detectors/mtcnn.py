"""MTCNN: finds faces from 10 px on, with landmarks. The default; its weights come with facenet-pytorch."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from importlib.metadata import version

import numpy as np
import torch

from recognition.alignment import require_rgb
from recognition.detectors.interface import DetectedFace, faces_inside
from recognition.detectors.mtcnn_cascade import CELL_PX, WEIGHTS, Cascade

SMALLEST_FACE_PX = 10  # the first network's window is 12 px; enlarging photos much beyond it invents faces


class MtcnnDetector:
    """MTCNN with facenet-pytorch's bundled weights.

    min_face_px: smallest face looked for, in pixels of the image given; at least 10.
    thresholds: face scores that the three networks must exceed.
    long_side_px: the first network sees no more pixels than a 4:3 photo with this long side has. Larger
        photos are shrunk for it, so their faces below 12 px in the shrunken picture are not found (30 px
        for a 12-megapixel photo at the default); the closer looks use the full picture. None: no bound.
    batch_size: images of one size that share a pass. Default 1 on a CPU, where sharing is slower and lets
        the neighbours in a batch change the last bits of a score; 16 on a GPU.
    threads: CPU threads of torch in this process; FACET_TORCH_THREADS or else 1 when None. Two processes
        of one thread beat one of two, and torch's threads wait for each other by spinning: on a machine
        that also runs a database, one thread more than is free costs most of the speed.
    """

    name = "mtcnn"

    def __init__(
        self,
        *,
        min_face_px: float = 20,
        thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7),
        long_side_px: int | None = 1600,
        batch_size: int | None = None,
        device: str | None = None,
        threads: int | None = None,
    ):
        if min_face_px < SMALLEST_FACE_PX:
            raise ValueError(f"min_face_px is {min_face_px}; MTCNN finds no faces below {SMALLEST_FACE_PX} px.")
        if len(thresholds) != 3 or not all(0 < threshold < 1 for threshold in thresholds):
            raise ValueError(f"thresholds are {thresholds}; give three numbers between 0 and 1.")
        if long_side_px is not None and long_side_px < 100:
            raise ValueError(f"long_side_px is {long_side_px}; give at least 100, or None for no bound.")
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; give at least 1.")
        self.min_face_px = min_face_px
        self.thresholds = (thresholds[0], thresholds[1], thresholds[2])
        self.least_score = self.thresholds[2]
        self.long_side_px = long_side_px
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.batch_size = batch_size or (1 if self.device.type == "cpu" else 16)
        self.threads = threads or int(os.environ.get("FACET_TORCH_THREADS", "1"))
        self._cascade: Cascade | None = None

    def describe(self) -> dict:
        """What must be equal for two runs to find the same boxes; JSON-ready, stored with every box."""
        return {
            "name": self.name,
            "cascade_version": 1,
            "library": {package: version(package) for package in ("facenet-pytorch", "torch", "torchvision")},
            "weights_sha256": _weights_sha256(),
            "parameters": {
                "min_face_px": self.min_face_px,
                "thresholds": list(self.thresholds),
                "long_side_px": self.long_side_px,
                "batch_size": self.batch_size,
                "device": self.device.type,
            },
        }

    def load(self) -> None:
        """Read the weights; a second call does nothing."""
        if self._cascade is None:
            torch.set_num_threads(self.threads)
            self._cascade = Cascade(self.thresholds, self.device)

    def detect(self, images: Sequence[np.ndarray]) -> list[list[DetectedFace]]:
        """Faces of each image, best score first; an empty list where there is none.

        images: uint8 RGB, shape (height, width, 3), sizes may differ. Raises UnusableImage otherwise,
        before any image is looked at.
        """
        checked = [require_rgb(image, position) for position, image in enumerate(images)]
        self.load()
        found: list[list[DetectedFace]] = [[] for _ in checked]
        for batch in _batches_of_one_size(checked, self.batch_size):
            height, width = checked[batch[0]].shape[:2]
            results = self._cascade([checked[i] for i in batch], self._top_scale(height, width))
            for index, (boxes, landmarks) in zip(batch, results, strict=True):
                found[index] = faces_inside(boxes[:, :4], boxes[:, 4], landmarks, height, width)
        return found

    def _top_scale(self, height: int, width: int) -> float:
        scale = CELL_PX / self.min_face_px
        if self.long_side_px is None:
            return scale
        # By area, not by the longer side: a panorama's faces would otherwise shrink to nothing.
        return min(scale, self.long_side_px * (0.75 / (height * width)) ** 0.5)


def _batches_of_one_size(images: Sequence[np.ndarray], batch_size: int) -> Iterator[list[int]]:
    by_size: dict[tuple[int, ...], list[int]] = {}
    for index, image in enumerate(images):
        by_size.setdefault(image.shape, []).append(index)
    for indices in by_size.values():
        for start in range(0, len(indices), batch_size):
            yield indices[start : start + batch_size]


def _weights_sha256() -> str:
    digest = hashlib.sha256()
    for part in ("pnet.pt", "rnet.pt", "onet.pt"):
        digest.update((WEIGHTS / part).read_bytes())
    return digest.hexdigest()
