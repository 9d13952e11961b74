"""The one door to face detectors: images in, boxes with five landmarks out.

The networks and weights are facenet-pytorch's. The cascade around them is written here, because the
library's own stops with an exception when nothing passes its first network, finds nothing in tensors laid
out otherwise than it expects, gets crops and boxes out of step at the border, and spends most of its time
pooling in a memory layout that CPUs handle badly. Worker-only: imports torch and OpenCV.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from typing import Protocol

import cv2
import numpy as np
import torch
from facenet_pytorch.models.mtcnn import ONet, PNet, RNet
from torch.nn import functional
from torchvision.ops import nms

from recognition.alignment import require_rgb

FloatArray = np.ndarray
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """One face: `box` (x, y, w, h) and `landmarks` in pixels of the image given, `score` in [0, 1].

    landmarks: shape (5, 2), float32: the eye on the left of the picture, the one on the right, nose,
    left and right corner of the mouth. They may lie outside the image; the box never does.
    """

    box: Box
    score: float
    landmarks: FloatArray


class UnknownDetector(ValueError):
    """No detector has that name, or it does not know a parameter."""


class Detector(Protocol):
    """Cheap to construct; `load` reads weights once; `detect` answers in the order of the images."""

    name: str

    def describe(self) -> dict: ...

    def load(self) -> None: ...

    def detect(self, images: Sequence[np.ndarray]) -> list[list[DetectedFace]]: ...


# ── geometry of the cascade: corner boxes (n, 4) as x1, y1, x2, y2 in 1-based pixels ──────────────────────

_CELL_PX = 12  # side of the window the first network looks at
_STRIDE_PX = 2
_PYRAMID_FACTOR = 0.709  # about 1/√2: each level has half the pixels of the one before


def _windows(face_map: FloatArray, shifts: FloatArray, scale: float, threshold: float) -> FloatArray:
    """Rows x1, y1, x2, y2, score, four shifts for each cell of the first network's map above threshold."""
    rows, columns = np.nonzero(face_map >= threshold)
    corners = np.stack([columns, rows], axis=1).astype(np.float32) * _STRIDE_PX
    first, last = np.floor((corners + 1) / scale), np.floor((corners + _CELL_PX) / scale)
    return np.concatenate([first, last, face_map[rows, columns, None], shifts[:, rows, columns].T], axis=1)


def _suppress(found: FloatArray, overlap: float) -> np.ndarray:
    """Indices of the boxes kept, best first; rows of `found` begin with x1, y1, x2, y2, score."""
    rows = torch.from_numpy(np.ascontiguousarray(found[:, :5], dtype=np.float32))
    return nms(rows[:, :4], rows[:, 4], overlap).numpy()


def _suppress_nested(found: FloatArray, overlap: float) -> np.ndarray:
    """Like `_suppress`, overlap counted against the smaller box: drops a box inside a better one."""
    x1, y1, x2, y2, score = found[:, :5].T
    area = (x2 - x1 + 1) * (y2 - y1 + 1)
    waiting = np.argsort(-score, kind="stable")
    kept = []
    while len(waiting):
        best, others = waiting[0], waiting[1:]
        kept.append(best)
        width = np.minimum(x2[best], x2[others]) - np.maximum(x1[best], x1[others]) + 1
        height = np.minimum(y2[best], y2[others]) - np.maximum(y1[best], y1[others]) + 1
        shared = np.clip(width, 0, None) * np.clip(height, 0, None)
        waiting = others[shared <= overlap * np.minimum(area[best], area[others])]
    return np.array(kept, dtype=np.int64)


def _shifted(corners: FloatArray, shifts: FloatArray, inclusive: int = 1) -> FloatArray:
    """Move each corner by its share of the box's side; `inclusive` pixels belong to that side."""
    side = np.tile(corners[:, 2:] - corners[:, :2] + inclusive, 2)
    return corners + shifts * side


def _squared(corners: FloatArray) -> FloatArray:
    """The smallest square around the middle of each box."""
    size = corners[:, 2:] - corners[:, :2]
    side = size.max(axis=1, keepdims=True)
    first = corners[:, :2] + (size - side) / 2
    return np.concatenate([first, first + side], axis=1)


def _crop_limits(corners: FloatArray, height: int, width: int) -> np.ndarray:
    """Half-open pixel ranges x1, y1, x2, y2 of the boxes' part inside the image; may be empty."""
    limits = np.trunc(corners).astype(np.int64)
    limits[:, :2] = np.maximum(limits[:, :2], 1) - 1
    return np.minimum(limits, [width, height, width, height])


class _FastPool(torch.nn.Module):
    """2×2 maximum, exactly torch's `MaxPool2d(2, 2, ceil_mode=True)`, many times faster channels-last."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        height, width = x.shape[2:]
        if height % 2 or width % 2:
            x = functional.pad(x, (0, width % 2, 0, height % 2), value=float("-inf"))
        rows = torch.maximum(x[:, :, 0::2], x[:, :, 1::2])
        return torch.maximum(rows[..., 0::2], rows[..., 1::2])


class _Cascade:
    """Three networks, each looking closer at what the one before let through.

    Only the networks run on `device`; the little geometry is numpy.
    Source: Zhang et al., Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
    Networks, IEEE Signal Processing Letters, 2016.
    """

    def __init__(self, thresholds: tuple[float, float, float], device: torch.device):
        self.thresholds = thresholds
        self.device = device
        # On a CPU a pass is small enough for what it makes to stay in the cache: nearly twice as fast.
        # Bounded on a GPU too, for crowds that give thousands of candidates.
        self.crops_per_pass, self.strip_cells = (64, 24) if device.type == "cpu" else (2048, 1000)
        self.proposal = self._ready(PNet(pretrained=False), "pnet.pt")
        self.refinement = self._ready(RNet(pretrained=False), "rnet.pt")
        self.output = self._ready(ONet(pretrained=False), "onet.pt")
        self.proposal.pool1 = _FastPool()

    def _ready(self, net: torch.nn.Module, weights: str) -> torch.nn.Module:
        net.load_state_dict(torch.load(WEIGHTS / weights, map_location="cpu", weights_only=True))
        return net.eval().to(self.device, memory_format=torch.channels_last)

    @torch.inference_mode()
    def __call__(self, images: Sequence[np.ndarray], top_scale: float) -> list[tuple[FloatArray, FloatArray]]:
        """Per image: boxes with score (n, 5) and landmarks (n, 5, 2), unclipped.

        images: all of one size. top_scale: size of the largest picture shown to the first network,
        relative to the image.
        """
        proposed = self._propose(images, top_scale)
        refined = [self._refine(image, boxes) for image, boxes in zip(images, proposed, strict=True)]
        return [self._locate(image, boxes) for image, boxes in zip(images, refined, strict=True)]

    def _run(self, net: torch.nn.Module, pixels: np.ndarray) -> list[FloatArray]:
        """pixels: (n, height, width, 3) uint8; a permuted view of it is torch's channels-last layout."""
        tensor = torch.from_numpy(pixels).to(self.device).permute(0, 3, 1, 2)
        return [part.cpu().numpy() for part in net((tensor.float() - 127.5) * 0.0078125)]

    def _propose(self, images: Sequence[np.ndarray], top_scale: float) -> list[FloatArray]:
        found: list[list[FloatArray]] = [[np.empty((0, 9), np.float32)] for _ in images]
        for scale, level in _pyramid(images, top_scale):
            strips = [self._run(self.proposal, strip) for strip in _strips(level, self.strip_cells)]
            shifts, faces = (np.concatenate(parts, axis=2) for parts in zip(*strips, strict=True))
            for kept, face_map, shift_map in zip(found, faces[:, 1], shifts, strict=True):
                windows = _windows(face_map, shift_map, scale, self.thresholds[0])
                kept.append(windows[_suppress(windows, 0.5)])
        return [self._proposed(np.concatenate(kept)) for kept in found]

    @staticmethod
    def _proposed(windows: FloatArray) -> FloatArray:
        windows = windows[_suppress(windows, 0.7)]
        return _squared(_shifted(windows[:, :4], windows[:, 5:], inclusive=0))

    def _refine(self, image: np.ndarray, boxes: FloatArray) -> FloatArray:
        corners, (shifts, faces) = self._look_closer(self.refinement, 24, image, boxes)
        passed = faces[:, 1] > self.thresholds[1]
        found = np.column_stack([corners, faces[:, 1]])[passed]
        kept = _suppress(found, 0.7)
        return _squared(_shifted(found[kept, :4], shifts[passed][kept]))

    def _locate(self, image: np.ndarray, boxes: FloatArray) -> tuple[FloatArray, FloatArray]:
        corners, (shifts, points, faces) = self._look_closer(self.output, 48, image, boxes)
        passed = faces[:, 1] > self.thresholds[2]
        corners, points = corners[passed], points[passed]
        side = corners[:, 2:] - corners[:, :2] + 1
        # The network gives five x, then five y, as shares of the crop's side.
        landmarks = corners[:, None, :2] - 1 + side[:, None] * points.reshape(-1, 2, 5).transpose(0, 2, 1)
        found = np.column_stack([_shifted(corners, shifts[passed]), faces[passed, 1]])
        kept = _suppress_nested(found, 0.7)
        return found[kept], landmarks[kept]

    def _look_closer(
        self, net: torch.nn.Module, side_px: int, image: np.ndarray, boxes: FloatArray
    ) -> tuple[FloatArray, list[FloatArray]]:
        """The boxes that overlap the image, and what `net` answers to their crops."""
        limits = _crop_limits(boxes, *image.shape[:2])
        inside = (limits[:, 2:] > limits[:, :2]).all(axis=1)
        found = int(inside.sum())
        # At least one, if blank: the networks refuse an empty batch, and its answers are cut off again.
        crops = np.zeros((max(found, 1), side_px, side_px, 3), np.uint8)
        for index, (x1, y1, x2, y2) in enumerate(limits[inside]):
            crops[index] = cv2.resize(image[y1:y2, x1:x2], (side_px, side_px), interpolation=cv2.INTER_AREA)
        starts = range(0, len(crops), self.crops_per_pass)
        passes = [self._run(net, crops[start : start + self.crops_per_pass]) for start in starts]
        return boxes[inside], [np.concatenate(parts)[:found] for parts in zip(*passes, strict=True)]


def _strips(level: np.ndarray, cells: int) -> Iterator[np.ndarray]:
    """Rows of `level` (n, height, width, 3) in overlapping strips whose maps, put end to end, are the whole's."""
    height = level.shape[1]
    for start in range(0, max(height - _CELL_PX + _STRIDE_PX, 1), cells * _STRIDE_PX):
        yield level[:, start : start + (cells - 1) * _STRIDE_PX + _CELL_PX]


def _pyramid(images: Sequence[np.ndarray], top_scale: float) -> Iterator[tuple[float, np.ndarray]]:
    """(scale, stacked images at that scale), largest first, while a window of the first network fits."""
    height, width = images[0].shape[:2]
    scale = top_scale
    levels: list[tuple[float, Sequence[np.ndarray]]] = [(1.0, images)]
    while min(height, width) * scale >= _CELL_PX:
        size = (int(width * scale + 1), int(height * scale + 1))
        # From a level at least twice as large averaging is as good as from the photo, and far less work.
        source = next(pixels for made, pixels in reversed(levels) if made >= 2 * scale or pixels is images)
        level = np.stack([cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in source])
        yield scale, level
        levels.append((scale, level))
        scale *= _PYRAMID_FACTOR


# ── the detector ──────────────────────────────────────────────────────────────────────────────────────────

WEIGHTS = files("facenet_pytorch") / "data"


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
        self.long_side_px = long_side_px
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.batch_size = batch_size or (1 if self.device.type == "cpu" else 16)
        self.threads = threads or int(os.environ.get("FACET_TORCH_THREADS", "1"))
        self._cascade: _Cascade | None = None

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
            self._cascade = _Cascade(self.thresholds, self.device)

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
                found[index] = _faces(boxes, landmarks, height, width)
        return found

    def _top_scale(self, height: int, width: int) -> float:
        scale = _CELL_PX / self.min_face_px
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


def _faces(boxes: FloatArray, landmarks: FloatArray, height: int, width: int) -> list[DetectedFace]:
    """Boxes (n, 5) clipped to the image and rounded to 2 decimals; what is left of less than 1 px is dropped."""
    faces = []
    for (*corners, score), points in zip(boxes.astype(float).tolist(), landmarks, strict=True):
        x, w = _clipped_span(corners[0], corners[2], width)
        y, h = _clipped_span(corners[1], corners[3], height)
        if w >= 1 and h >= 1:
            faces.append(DetectedFace((x, y, w, h), round(score, 4), points.astype(np.float32).round(2)))
    return sorted(faces, key=lambda face: (-face.score, face.box))


def _clipped_span(first: float, last: float, limit: int) -> tuple[float, float]:
    start, end = (round(min(max(value, 0.0), float(limit)), 2) for value in (first, last))
    length = round(end - start, 2)
    # Rounding may put start + length one bit outside; the database would refuse such a box.
    return start, length if start + length <= limit else round(length - 0.01, 2)


def _weights_sha256() -> str:
    digest = hashlib.sha256()
    for part in ("pnet.pt", "rnet.pt", "onet.pt"):
        digest.update((WEIGHTS / part).read_bytes())
    return digest.hexdigest()


_DETECTORS: dict[str, Callable[..., Detector]] = {MtcnnDetector.name: MtcnnDetector}


def get_detector(name: str, **parameters) -> Detector:
    """A detector by its name in a project's settings, not yet loaded.

    Raises UnknownDetector for an unknown name or parameter, ValueError for a value out of range.
    """
    if name not in _DETECTORS:
        raise UnknownDetector(f"There is no detector called “{name}”. Choose one of: {', '.join(_DETECTORS)}.")
    try:
        return _DETECTORS[name](**parameters)
    except TypeError as error:
        raise UnknownDetector(f"Detector “{name}” was given a parameter it does not have: {error}.") from error
