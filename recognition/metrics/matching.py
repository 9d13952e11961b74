"""Pairing detections with annotated faces in one photo, as COCO does it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from recognition.metrics.boxes import box_array, iou_matrix, share_inside
from recognition.metrics.inputs import (
    BoolArray,
    FloatArray,
    IntArray,
    MetricInputError,
    flag_vector,
    require_share,
    score_vector,
)

NOT_MATCHED = -1


@dataclass(frozen=True, eq=False)
class DetectedPhoto:
    """What a photo holds and what a detector found in it.

    truth: annotated boxes, shape (t, 4), x, y, w, h in upright pixels.
    ignore: shape (t,), faces or regions that count neither for nor against (None: no such box).
    found: detected boxes, shape (d, 4). scores: shape (d,), higher is surer.
    """

    truth: ArrayLike
    found: ArrayLike
    scores: ArrayLike
    ignore: ArrayLike | None = None

    def __post_init__(self) -> None:
        truth, found = box_array("truth", self.truth), box_array("found", self.found)
        scores = score_vector("scores", self.scores)
        if scores.size != len(found):
            raise MetricInputError(f"There are {len(found)} found boxes but {scores.size} scores.")
        flags = np.zeros(len(truth), np.bool_) if self.ignore is None else self.ignore
        for name, value in {
            "truth": truth,
            "found": found,
            "scores": scores,
            "ignore": flag_vector("ignore", flags, length=len(truth)),
        }.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, eq=False)
class PhotoMatch:
    """Detections of one photo, surest first, and the truth each one took.

    order: shape (d,), indices into the photo's detections. scores: shape (d,), in that order.
    matched: shape (d,), index of the truth box or NOT_MATCHED, in that order.
    ignored: shape (d,), the detection fell on something that does not count.
    faces: truth boxes that count.
    """

    order: IntArray
    scores: FloatArray
    matched: IntArray
    ignored: BoolArray
    faces: int


def match_photo(photo: DetectedPhoto, iou_thresholds: ArrayLike) -> tuple[PhotoMatch, ...]:
    """Match one photo at each IoU threshold (each between 0 and 1, or 1).

    Surest detection first, each takes the free face it overlaps most, if the IoU reaches the
    threshold; a face is taken once, so a second box on it is wrong. A detection that finds no free
    face but lies in an ignored box, by that share of its own area, is set aside; an ignored box
    takes any number of them.
    Source: Lin et al., Microsoft COCO (2014), and the rules of its published evaluation code.
    """
    thresholds = [
        value if value == 1 else require_share("iou_threshold", value) for value in np.atleast_1d(iou_thresholds)
    ]
    order = np.argsort(-photo.scores, kind="stable")
    found, scores = photo.found[order], photo.scores[order]
    counting, ignored = np.flatnonzero(~photo.ignore), np.flatnonzero(photo.ignore)
    overlap = iou_matrix(found, photo.truth[counting])
    inside = share_inside(found, photo.truth[ignored])
    return tuple(
        PhotoMatch(order, scores, *_take(overlap, inside, counting, ignored, threshold), faces=counting.size)
        for threshold in thresholds
    )


def _take(
    overlap: FloatArray, inside: FloatArray, counting: IntArray, ignored: IntArray, threshold: float
) -> tuple[IntArray, BoolArray]:
    # Rounding must not refuse two equal boxes at a threshold of 1.
    least = min(threshold, 1 - 1e-10)
    matched = np.full(len(overlap), NOT_MATCHED, dtype=np.intp)
    set_aside = np.zeros(len(overlap), dtype=np.bool_)
    free = overlap.copy()
    for row in range(len(overlap)):
        best = _last_highest(free[row])
        if best is not None and free[row, best] >= least:
            matched[row] = counting[best]
            free[:, best] = -1.0
            continue
        region = _last_highest(inside[row])
        if region is not None and inside[row, region] >= least:
            matched[row] = ignored[region]
            set_aside[row] = True
    return matched, set_aside


def _last_highest(values: FloatArray) -> int | None:
    """Index of the highest value, the last of equals (as COCO's code has it); None when empty."""
    return values.size - 1 - int(np.argmax(values[::-1])) if values.size else None
