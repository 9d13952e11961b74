import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from pycocotools.mask import iou as coco_iou

from recognition.metrics.boxes import iou_matrix, share_inside
from recognition.metrics.confusion import ConfusionCounts
from recognition.metrics.detection import COCO_IOU_THRESHOLDS, detection_ap, detection_counts
from recognition.metrics.inputs import MetricInputError
from recognition.metrics.matching import DetectedPhoto, match_photo

FACE = [0, 0, 10, 10]
ELSEWHERE = [50, 50, 10, 10]


def coco_precision(photos, iou_thresholds):
    """AP at each IoU threshold as pycocotools computes it; an ignored box becomes a crowd region."""
    truth, found, image_ids = [], [], range(1, len(photos) + 1)
    for image_id, photo in zip(image_ids, photos, strict=True):
        for box, ignore in zip(photo.truth.tolist(), photo.ignore.tolist(), strict=True):
            annotation = {"id": len(truth) + 1, "image_id": image_id, "category_id": 1, "bbox": box}
            truth.append(annotation | {"area": box[2] * box[3], "iscrowd": int(ignore)})
        for box, score in zip(photo.found.tolist(), photo.scores.tolist(), strict=True):
            found.append({"image_id": image_id, "category_id": 1, "bbox": box, "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": image_id} for image_id in image_ids],
            "annotations": truth,
            "categories": [{"id": 1, "name": "face"}],
        }
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(found), "bbox")
        run.params.iouThrs = np.array(iou_thresholds)
        run.params.maxDets = [10_000]
        run.params.areaRng, run.params.areaRngLbl = [[0, 1e10]], ["all"]
        run.evaluate()
        run.accumulate()
    return run.eval["precision"][:, :, 0, 0, 0].mean(axis=1)


def random_photos(seed, count=25):
    """Crowded, jittered boxes with tied scores, doubles, misses, false alarms and ignored regions."""
    rng = np.random.default_rng(seed)
    photos = []
    for _ in range(count):
        truth = np.column_stack([rng.uniform(0, 80, (12, 2)), rng.uniform(8, 30, (12, 2))])[: rng.integers(0, 13)]
        seen = truth[rng.random(len(truth)) < 0.85]
        found = np.concatenate([seen, seen[: len(seen) // 3], rng.uniform(5, 60, (int(rng.integers(0, 5)), 4))])
        found = found + rng.normal(0, 1.2, found.shape)
        found[:, 2:] = np.maximum(found[:, 2:], 1)
        scores = rng.random(len(found)).round(1)
        photos.append(DetectedPhoto(truth, found, scores, rng.random(len(truth)) < 0.25))
    return photos


def test_overlap_of_hand_worked_boxes():
    assert iou_matrix([[0, 0, 2, 2]], [[1, 0, 2, 2], [0, 0, 2, 2], [5, 5, 1, 1]])[0].tolist() == pytest.approx(
        [1 / 3, 1, 0]
    )
    assert share_inside([[0, 0, 2, 2]], [[1, 0, 100, 100]])[0].tolist() == [0.5]


def test_touching_boxes_do_not_overlap():
    assert iou_matrix([[0, 0, 2, 2]], [[2, 0, 2, 2]]).tolist() == [[0.0]]


def test_no_boxes_keep_their_shape():
    assert iou_matrix([], [[0, 0, 1, 1]]).shape == (0, 1)
    assert iou_matrix([[0, 0, 1, 1]], []).shape == (1, 0)


def test_overlaps_agree_with_pycocotools():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(1, 50, (20, 4)), rng.uniform(1, 50, (30, 4))
    np.testing.assert_allclose(iou_matrix(a, b), coco_iou(a, b, [0] * 30), atol=1e-12)
    np.testing.assert_allclose(share_inside(a, b), coco_iou(a, b, [1] * 30), atol=1e-12)


@pytest.mark.parametrize(
    ("boxes", "sentence"),
    [
        ([[0, 0, 0, 5]], "without width or height"),
        ([[0, 0, 5]], "x, y, w, h"),
        ([[0, 0, np.nan, 5]], "finite"),
    ],
)
def test_boxes_that_are_no_boxes_are_refused(boxes, sentence):
    with pytest.raises(MetricInputError, match=sentence):
        iou_matrix(boxes, boxes)


def test_each_box_needs_a_score():
    with pytest.raises(MetricInputError, match="1 found boxes but 2 scores"):
        DetectedPhoto([], [FACE], [0.1, 0.2])


def test_a_face_is_taken_once_by_the_surest_detection():
    photo = DetectedPhoto([FACE], [FACE, FACE], [0.6, 0.9])
    (match,) = match_photo(photo, 0.5)
    assert match.order.tolist() == [1, 0]
    assert match.matched.tolist() == [0, -1]
    assert detection_counts([photo], min_score=0) == ConfusionCounts(tp=1, fp=1, fn=0)


def test_the_iou_must_reach_the_threshold():
    half = DetectedPhoto([[0, 0, 10, 10]], [[0, 0, 10, 5]], [0.9])
    assert detection_counts([half], min_score=0, iou_threshold=0.5).tp == 1
    assert detection_counts([half], min_score=0, iou_threshold=0.55).tp == 0


def test_equal_boxes_match_at_an_iou_threshold_of_one():
    box = [5.0, 6.0, 9.6, 7.2]  # rounding puts its overlap with itself a little below 1
    assert iou_matrix([box], [box])[0, 0] < 1
    photo = DetectedPhoto([box], [box], [0.9])
    assert detection_counts([photo], min_score=0, iou_threshold=1).tp == 1


def test_ignored_regions_count_neither_for_nor_against():
    region = [40, 40, 40, 40]
    photo = DetectedPhoto([FACE, region], [FACE, ELSEWHERE, ELSEWHERE], [0.9, 0.8, 0.7], [False, True])
    assert detection_counts([photo], min_score=0) == ConfusionCounts(tp=1, fp=0, fn=0)
    assert detection_ap([photo]).ap50 == 1.0
    assert detection_ap([photo]).faces == 1


def test_a_face_is_preferred_to_an_ignored_region_around_it():
    photo = DetectedPhoto([[-5, -5, 30, 30], FACE], [FACE], [0.9], [True, False])
    assert detection_counts([photo], min_score=0) == ConfusionCounts(tp=1, fp=0, fn=0)


def test_of_two_faces_overlapped_alike_the_later_is_taken_as_in_coco():
    (match,) = match_photo(DetectedPhoto([FACE, FACE], [FACE, FACE], [0.9, 0.8]), 0.5)
    assert match.matched.tolist() == [1, 0]


def test_counts_depend_on_the_least_score():
    photo = DetectedPhoto([FACE, ELSEWHERE], [FACE, [20, 20, 5, 5]], [0.9, 0.4])
    assert detection_counts([photo], min_score=0.4) == ConfusionCounts(tp=1, fp=1, fn=1)
    assert detection_counts([photo], min_score=0.5) == ConfusionCounts(tp=1, fp=0, fn=1)
    assert detection_counts([photo], min_score=0.95) == ConfusionCounts(tp=0, fp=0, fn=2)


def test_ap_of_a_hand_worked_case():
    # Ranking hit, false alarm, hit over two faces: precision 1 up to recall 0.5, then 2/3.
    photo = DetectedPhoto([FACE, ELSEWHERE], [FACE, [20, 20, 5, 5], ELSEWHERE], [0.9, 0.8, 0.7])
    assert detection_ap([photo]).ap50 == pytest.approx((51 * 1 + 50 * 2 / 3) / 101)


def test_photos_without_faces_give_no_ap_and_still_count_false_alarms():
    photo = DetectedPhoto([], [FACE], [0.9])
    result = detection_ap([photo])
    assert (result.ap50, result.ap, result.faces) == (None, None, 0)
    assert detection_counts([photo], min_score=0) == ConfusionCounts(tp=0, fp=1, fn=0)
    assert detection_ap([]).ap is None


def test_a_blind_detector_has_an_ap_of_zero():
    assert detection_ap([DetectedPhoto([FACE], [], [])]).ap == 0.0


@pytest.mark.parametrize("seed", range(6))
def test_ap_agrees_with_pycocotools_with_ties_doubles_and_ignored_regions(seed):
    photos = random_photos(seed)
    result = detection_ap(photos)
    expected = coco_precision(photos, COCO_IOU_THRESHOLDS)
    assert [value for _, value in result.by_iou] == pytest.approx(expected, abs=1e-9)
    assert result.ap == pytest.approx(expected.mean(), abs=1e-9)
    assert result.ap50 == pytest.approx(expected[0], abs=1e-9)
    assert 0.1 < result.ap50 < 0.95


def test_more_than_a_hundred_faces_in_one_photo_all_count():
    boxes = [[20 * column, 20 * row, 10, 10] for column in range(15) for row in range(10)]
    assert detection_ap([DetectedPhoto(boxes, boxes, np.arange(150))]).ap == 1.0
