"""Overlap of boxes in upright pixels: x, y, w, h with the origin at the top left."""

import numpy as np
from numpy.typing import ArrayLike

from recognition.metrics.inputs import FloatArray, MetricInputError, as_floats, require_finite


def box_array(name: str, boxes: ArrayLike) -> FloatArray:
    """Return `boxes` as float64 of shape (n, 4); an empty list becomes shape (0, 4).

    Raises MetricInputError for other shapes, NaN, and boxes without width or height.
    """
    array = as_floats(name, boxes).astype(np.float64)
    if array.size == 0:
        return np.zeros((0, 4))
    if array.ndim != 2 or array.shape[1] != 4:
        raise MetricInputError(f"{name} must have shape (boxes, 4) as x, y, w, h, but have shape {array.shape}.")
    require_finite(name, array)
    empty = np.flatnonzero((array[:, 2:] <= 0).any(axis=1))
    if empty.size:
        raise MetricInputError(f"{name} hold {empty.size} without width or height, first at index {empty[0]}.")
    return array


def iou_matrix(first: ArrayLike, second: ArrayLike) -> FloatArray:
    """Return intersection over union of every pair of boxes, shape (a, b), in [0, 1].

    first, second: shape (a, 4) and (b, 4), x, y, w, h in pixels.
    Example: (0, 0, 2, 2) and (1, 0, 2, 2) share 2 of 6 pixels, so 1/3.
    """
    return _overlap(box_array("first", first), box_array("second", second), of_first=False)


def share_inside(boxes: ArrayLike, regions: ArrayLike) -> FloatArray:
    """Return which share of each box lies in each region, shape (boxes, regions), in [0, 1].

    This is COCO's overlap with a crowd region: one region may hold many detections.
    """
    return _overlap(box_array("boxes", boxes), box_array("regions", regions), of_first=True)


def _overlap(first: FloatArray, second: FloatArray, *, of_first: bool) -> FloatArray:
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum((first[:, :2] + first[:, 2:])[:, None], (second[:, :2] + second[:, 2:])[None])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    first_area = first[:, 2:].prod(axis=1)[:, None]
    whole = first_area if of_first else first_area + second[:, 2:].prod(axis=1)[None] - shared
    return shared / whole
