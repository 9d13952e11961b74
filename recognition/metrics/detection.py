"""How well faces are found: COCO average precision, and counts at one score threshold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recognition.metrics.confusion import ConfusionCounts
from recognition.metrics.inputs import FloatArray, score_vector
from recognition.metrics.matching import NOT_MATCHED, DetectedPhoto, PhotoMatch, match_photo

COCO_IOU_THRESHOLDS = tuple(float(value) for value in np.linspace(0.5, 0.95, 10))
COCO_RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class DetectionAp:
    """Average precision of a detector; None where no photo holds a face that counts.

    ap50: at IoU 0.5. ap: mean over COCO's ten IoU thresholds. by_iou: (IoU, AP) of each.
    faces: annotated faces that count.
    """

    ap50: float | None
    ap: float | None
    by_iou: tuple[tuple[float, float | None], ...]
    faces: int


def detection_ap(photos: Sequence[DetectedPhoto]) -> DetectionAp:
    """Return COCO's AP@.5 and AP@[.5:.95] for the one class "face".

    All detections count, not only the surest hundred of a photo as in COCO's default: a crowd
    holds more faces than that.
    """
    by_photo = [match_photo(photo, COCO_IOU_THRESHOLDS) for photo in photos]
    values = [interpolated_ap([matches[index] for matches in by_photo]) for index in range(len(COCO_IOU_THRESHOLDS))]
    measured = [value for value in values if value is not None]
    return DetectionAp(
        ap50=values[0],
        ap=float(np.mean(measured)) if measured else None,
        by_iou=tuple(zip(COCO_IOU_THRESHOLDS, values, strict=True)),
        faces=sum(matches[0].faces for matches in by_photo),
    )


def interpolated_ap(matches: Sequence[PhotoMatch]) -> float | None:
    """Return COCO's AP at one IoU threshold over `matches`, one per photo; None without faces.

    Mean over the recalls 0, 0.01 … 1 of the highest precision reached at that recall or beyond
    (0 where the recall is never reached).
    Source: Lin et al., Microsoft COCO (2014), and its published evaluation code.
    """
    faces = sum(match.faces for match in matches)
    if faces == 0:
        return None
    scores = np.concatenate([match.scores for match in matches])
    right = np.concatenate([match.matched != NOT_MATCHED for match in matches])
    counts = ~np.concatenate([match.ignored for match in matches])
    # Stable: equal scores keep the order of the photos, so a second run gives the same figure.
    order = np.argsort(-scores, kind="stable")
    right = right[order][counts[order]]
    hits = np.cumsum(right)
    precision = hits / np.arange(1, right.size + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    return _mean_at_recalls(hits / faces, best_from_here)


def detection_counts(
    photos: Sequence[DetectedPhoto], *, min_score: float, iou_threshold: float = 0.5
) -> ConfusionCounts:
    """Count right, wrong and missed detections among those with score >= `min_score`.

    tn is None: nobody can count the places where rightly no face was found. Ignored detections and
    ignored faces are in none of the counts. precision, recall and f1 come from the result.
    """
    least = score_vector("min_score", [min_score])[0]
    tp = fp = faces = 0
    for photo in photos:
        (match,) = match_photo(photo, iou_threshold)
        claimed = (match.scores >= least) & ~match.ignored
        hits = int(np.count_nonzero(claimed & (match.matched != NOT_MATCHED)))
        tp += hits
        fp += int(np.count_nonzero(claimed)) - hits
        faces += match.faces
    return ConfusionCounts(tp, fp, faces - tp)


def _mean_at_recalls(recall: FloatArray, precision: FloatArray) -> float:
    reached = np.searchsorted(recall, COCO_RECALLS, side="left")
    padded = np.append(precision, 0.0)
    return float(padded[reached].mean())
