import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from recognition.metrics.average_precision import UnmeasuredIdentity
from recognition.metrics.end_to_end import NamedPhoto, end_to_end_map
from recognition.metrics.inputs import MetricInputError
from recognition.metrics.matching import DetectedPhoto

LEFT, RIGHT = [0, 0, 10, 10], [30, 0, 10, 10]


def photo(truth, found, scores=None, ignore=None):
    """truth, found: lists of (box, name)."""
    boxes = DetectedPhoto([box for box, _ in truth], [box for box, _ in found], scores or [0.9] * len(found), ignore)
    return NamedPhoto(boxes, [name for _, name in truth], [name for _, name in found])


def ap_by_name(photos, **options):
    return {row.identity: row.ap for row in end_to_end_map(photos, min_faces=1, **options).identities}


def test_the_right_name_on_every_face_is_perfect():
    result = end_to_end_map([photo([(LEFT, "Ann"), (RIGHT, "Bob")], [(LEFT, "Ann"), (RIGHT, "Bob")])], min_faces=1)
    assert result.mean_ap == 1.0
    assert [(row.identity, row.faces) for row in result.identities] == [("Ann", 1), ("Bob", 1)]


def test_swapped_names_are_worth_nothing():
    assert ap_by_name([photo([(LEFT, "Ann"), (RIGHT, "Bob")], [(LEFT, "Bob"), (RIGHT, "Ann")])]) == {
        "Ann": 0.0,
        "Bob": 0.0,
    }


def test_a_face_that_is_not_found_is_a_miss_of_its_person():
    photos = [photo([(LEFT, "Ann")], [(LEFT, "Ann")]), photo([(LEFT, "Ann")], [])]
    assert ap_by_name(photos)["Ann"] == pytest.approx(51 / 101)  # recall ends at one half


def test_a_name_on_a_stranger_costs_the_person_named():
    photos = [
        photo([(LEFT, "-")], [(LEFT, "Ann")], scores=[0.95]),
        photo([(LEFT, "Ann")], [(LEFT, "Ann")], scores=[0.9]),
    ]
    assert ap_by_name(photos, no_identity="-") == {"Ann": 0.5}


def test_a_face_that_is_given_no_name_costs_nobody_else():
    photos = [photo([(LEFT, "Ann"), (RIGHT, "-")], [(LEFT, "Ann"), (RIGHT, "-")])]
    assert ap_by_name(photos, no_identity="-") == {"Ann": 1.0}


def test_ignored_boxes_are_ignored_for_everybody():
    truth, found = [(LEFT, "Ann"), (RIGHT, "-")], [(LEFT, "Ann"), (RIGHT, "Ann")]
    # The surer name stands on the ignored face: counted, it would halve the precision.
    ignored = photo(truth, found, scores=[0.5, 0.9], ignore=[False, True])
    assert ap_by_name([ignored], no_identity="-") == {"Ann": 1.0}
    counted = photo(truth, found, scores=[0.5, 0.9])
    assert ap_by_name([counted], no_identity="-") == {"Ann": 0.5}


def test_people_with_too_few_faces_are_listed_and_names_of_absent_people_counted():
    photos = [photo([(LEFT, "Ann")], [(LEFT, "Ann"), (RIGHT, "Zoe")])]
    result = end_to_end_map(photos, min_faces=2)
    assert result.mean_ap is None
    assert result.too_few == (UnmeasuredIdentity("Ann", 1),)
    assert result.named_in_error == 1


def test_no_photos_give_no_mean():
    result = end_to_end_map([])
    assert (result.mean_ap, result.identities, result.too_few, result.named_in_error) == (None, (), (), 0)


def test_labels_and_boxes_must_be_equally_many():
    with pytest.raises(MetricInputError, match="found_labels"):
        NamedPhoto(DetectedPhoto([], [LEFT], [0.5]), [], [])
    with pytest.raises(MetricInputError, match="same kind"):
        end_to_end_map([photo([(LEFT, 1)], [])], no_identity="-")


def test_mean_agrees_with_pycocotools_with_people_as_categories():
    rng = np.random.default_rng(5)
    photos, truth, found = [], [], []
    for image_id in range(1, 41):
        boxes = np.column_stack([rng.uniform(0, 90, (6, 2)), rng.uniform(10, 25, (6, 2))])
        names = rng.integers(1, 5, 6)
        guesses = np.where(rng.random(6) < 0.7, names, rng.integers(1, 5, 6))
        kept = rng.random(6) < 0.8
        seen = (boxes + rng.normal(0, 1.5, boxes.shape))[kept]
        scores = rng.random(6).round(1)[kept]
        photos.append(NamedPhoto(DetectedPhoto(boxes, seen, scores), names, guesses[kept]))
        for box, name in zip(boxes.tolist(), names.tolist(), strict=True):
            entry = {"id": len(truth) + 1, "image_id": image_id, "category_id": name, "bbox": box}
            truth.append(entry | {"area": box[2] * box[3], "iscrowd": 0})
        for box, name, score in zip(seen.tolist(), guesses[kept].tolist(), scores.tolist(), strict=True):
            found.append({"image_id": image_id, "category_id": name, "bbox": box, "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": n} for n in range(1, 41)],
            "annotations": truth,
            "categories": [{"id": n} for n in range(1, 5)],
        }
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(found), "bbox")
        run.params.iouThrs, run.params.maxDets = np.array([0.5]), [1000]
        run.params.areaRng, run.params.areaRngLbl = [[0, 1e10]], ["all"]
        run.evaluate()
        run.accumulate()
    expected = run.eval["precision"][0, :, :, 0, 0].mean(axis=0)
    result = end_to_end_map(photos, min_faces=1)
    assert [row.ap for row in result.identities] == pytest.approx(expected.tolist(), abs=1e-9)
    assert result.mean_ap == pytest.approx(expected.mean(), abs=1e-9)
