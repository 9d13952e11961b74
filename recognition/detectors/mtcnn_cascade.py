"""MTCNN's three networks and the cascade around them.

The networks and weights are those of facenet-pytorch. The cascade is written here, because the library's own stops
with an exception when nothing passes its first network, finds nothing in tensors laid out otherwise than it expects,
gets crops and boxes out of step at the border, and spends most of its time pooling in a memory layout that CPUs
handle badly.
"""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional

from recognition.detectors.interface import FloatArray
from recognition.detectors.mtcnn_networks import ONet, PNet, RNet, nms

WEIGHTS = Path(find_spec("facenet_pytorch").origin).parent / "data"  # found, not imported

# Boxes are corners (n, 4) as x1, y1, x2, y2 in 1-based pixels.
CELL_PX = 12  # side of the window the first network looks at
_STRIDE_PX = 2
_PYRAMID_FACTOR = 0.709  # about 1/√2: each level has half the pixels of the one before


def _windows(face_map: FloatArray, shifts: FloatArray, scale: float, threshold: float) -> FloatArray:
    """Rows x1, y1, x2, y2, score, four shifts for each cell of the first network's map above threshold."""
    rows, columns = np.nonzero(face_map >= threshold)
    corners = np.stack([columns, rows], axis=1).astype(np.float32) * _STRIDE_PX
    first, last = np.floor((corners + 1) / scale), np.floor((corners + CELL_PX) / scale)
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


class FastPool(torch.nn.Module):
    """2×2 maximum, exactly torch's `MaxPool2d(2, 2, ceil_mode=True)`, many times faster channels-last."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        height, width = x.shape[2:]
        if height % 2 or width % 2:
            x = functional.pad(x, (0, width % 2, 0, height % 2), value=float("-inf"))
        rows = torch.maximum(x[:, :, 0::2], x[:, :, 1::2])
        return torch.maximum(rows[..., 0::2], rows[..., 1::2])


class Cascade:
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
        self.proposal = self._ready(PNet(), "pnet.pt")
        self.refinement = self._ready(RNet(), "rnet.pt")
        self.output = self._ready(ONet(), "onet.pt")
        self.proposal.pool1 = FastPool()

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
    for start in range(0, max(height - CELL_PX + _STRIDE_PX, 1), cells * _STRIDE_PX):
        yield level[:, start : start + (cells - 1) * _STRIDE_PX + CELL_PX]


def _pyramid(images: Sequence[np.ndarray], top_scale: float) -> Iterator[tuple[float, np.ndarray]]:
    """(scale, stacked images at that scale), largest first, while a window of the first network fits."""
    height, width = images[0].shape[:2]
    scale = top_scale
    levels: list[tuple[float, Sequence[np.ndarray]]] = [(1.0, images)]
    while min(height, width) * scale >= CELL_PX:
        size = (int(width * scale + 1), int(height * scale + 1))
        # From a level at least twice as large averaging is as good as from the photo, and far less work.
        source = next(pixels for made, pixels in reversed(levels) if made >= 2 * scale or pixels is images)
        level = np.stack([cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in source])
        yield scale, level
        levels.append((scale, level))
        scale *= _PYRAMID_FACTOR
