"""Label Studio's exports as it writes them: https://labelstud.io/guide/task_format and its converter's JSON-MIN."""

import json

import pytest

from datasets.formats import labelstudio
from datasets.given import BadLabels, Named
from datasets.imports import import_labels
from labelling.models import Who


@pytest.fixture
def given(tmp_path):
    def read(tasks):
        path = tmp_path / "project-1.json"
        path.write_text(json.dumps(tasks))
        return list(labelstudio.read(path))

    return read


def box(label="face", region="r1", **other):
    """A quarter of a photo of 640 × 480, a tenth in from the left and a fifth down."""
    value = {"x": 10, "y": 20, "width": 25, "height": 25, "rotation": 0, "rectanglelabels": [label]}
    value |= other.pop("value", {})
    return {
        "id": region, "type": "rectanglelabels", "from_name": "label", "to_name": "image", "origin": "manual",
        "original_width": 640, "original_height": 480, "image_rotation": 0, "value": value, **other,
    }  # fmt: skip


def field(kind, said, region="r1"):
    key = "text" if kind == "textarea" else kind
    return {
        "id": region, "type": kind, "from_name": "who", "to_name": "image",
        "original_width": 640, "original_height": 480,
        "value": {"x": 10, "y": 20, "width": 25, "height": 25, key: said},
    }  # fmt: skip


def annotation(*results, at="2024-03-09T22:16:08.728353Z", **other):
    return {"id": 1, "result": list(results), "was_cancelled": False, "ground_truth": False, "updated_at": at, **other}


def task(*annotations, image="https://example.com/a.jpg", number=1, **other):
    return {"id": number, "data": {"image": image}, "annotations": list(annotations), "predictions": [], **other}


def names(photo):
    return [(face.who, face.name) for face in photo.faces]


def test_hundredths_of_the_sides_become_pixels(given):
    (photo,) = given([task(annotation(box("Ann")))])
    assert (photo.name, photo.width, photo.height, photo.named) == ("a.jpg", 640, 480, Named.WHOLE)
    assert photo.faces[0].box == (64, 96, 160, 120)
    assert names(photo) == [(Who.ASSIGNED, "Ann")]


@pytest.mark.parametrize(
    ("results", "meant"),
    [
        ([box("face")], (Who.UNASSIGNED, None)),
        ([box("Unknown")], (Who.UNKNOWN, None)),
        ([box("ignore")], (Who.IGNORED, None)),
        ([box("face"), field("textarea", ["Ann Weiss"])], (Who.ASSIGNED, "Ann Weiss")),
        ([box("face"), field("choices", ["Bo"])], (Who.ASSIGNED, "Bo")),
        ([box("face"), field("taxonomy", [["Team A", "Cem"]])], (Who.ASSIGNED, "Cem")),
        ([box("face"), field("choices", ["Bo"], region="another")], (Who.UNASSIGNED, None)),
        ([box("face"), field("textarea", [""])], (Who.UNASSIGNED, None)),
        ([box("x", value={"rectanglelabels": ["face", "Ann"]})], (Who.ASSIGNED, "Ann")),
    ],
)
def test_who_it_is_is_said_about_the_rectangle_or_by_its_label(given, results, meant):
    (photo,) = given([task(annotation(*results))])
    assert names(photo) == [meant]


def test_a_rectangle_whose_labels_come_apart_is_one_face(given):
    shape = {**box(), "type": "rectangle", "value": {"x": 10, "y": 20, "width": 25, "height": 25, "rotation": 0}}
    labels = {**shape, "type": "labels", "value": {**shape["value"], "labels": ["Ann"]}}
    (photo,) = given([task(annotation(shape, labels))])
    assert names(photo) == [(Who.ASSIGNED, "Ann")]
    (photo,) = given([task(annotation(shape, box("Bo")))])
    assert names(photo) == [(Who.ASSIGNED, "Bo")]


@pytest.mark.parametrize(
    ("image", "name", "named"),
    [
        ("/data/upload/12/1a2b3c4d-IMG_0001.jpg", "IMG_0001.jpg", Named.UPLOADED),
        ("/data/upload/1a2b3c4d-my_photo.jpg", "my_photo.jpg", Named.UPLOADED),
        ("/data/local-files/?d=faces/day%201/a%20b.jpg", "a b.jpg", Named.WHOLE),
        ("s3://bucket/folder/a.jpg", "a.jpg", Named.WHOLE),
        ("https://example.com/x/1a2b3c4d-a.jpg?signed=1", "1a2b3c4d-a.jpg", Named.WHOLE),
        ("https://example.com/%C3%BC.jpg", "ü.jpg", Named.WHOLE),
        ("../../../etc/a.jpg", "a.jpg", Named.WHOLE),
    ],
)
def test_the_name_of_the_photo_is_found_in_its_address(given, image, name, named):
    (photo,) = given([task(annotation(box("Ann")), image=image)])
    assert (photo.name, photo.named) == (name, named)


def test_a_photo_uploaded_to_label_studio_is_found_under_its_own_name(project, add_photo, given):
    image = add_photo(project, "a", name="my photo (1).jpg")
    report = import_labels(
        project, given([task(annotation(box("Ann")), image="/data/upload/1/0123abcd-my_photo_1.jpg")])
    )
    assert (report.done["new"], image.faces.get().identity.name) == (1, "Ann")


def test_what_models_predicted_is_no_label(given):
    (photo,) = given([task(annotation(box("Ann")), predictions=[{"result": [box("Bo")], "score": 0.9}])])
    assert names(photo) == [(Who.ASSIGNED, "Ann")]


def test_of_several_annotations_the_newest_is_taken_and_that_is_said(given):
    old, new = annotation(box("Old"), at="2024-01-01T00:00:00Z"), annotation(box("New"), at="2024-02-01T00:00:00Z")
    (photo,) = given([task(new, old)])
    assert (names(photo), photo.remarks) == ([(Who.ASSIGNED, "New")], (labelstudio.SEVERAL,))


def test_ground_truth_goes_before_newer_ones(given):
    true = annotation(box("True"), at="2024-01-01T00:00:00Z", ground_truth=True)
    (photo,) = given([task(true, annotation(box("New"), at="2024-02-01T00:00:00Z"))])
    assert (names(photo), photo.remarks) == ([(Who.ASSIGNED, "True")], (labelstudio.GROUND_TRUTH,))


@pytest.mark.parametrize(
    ("annotations", "remark"),
    [([], labelstudio.NOT_ANNOTATED), ([annotation(box(), was_cancelled=True)], labelstudio.SKIPPED)],
)
def test_a_task_that_nobody_did_leaves_its_photo_alone(project, add_photo, given, annotations, remark):
    image = add_photo(project, "a", state="new")
    report = import_labels(project, given([task(*annotations)]))
    image.refresh_from_db()
    assert (image.state, report.as_dict()["remarks"]) == ("new", {remark: 1})


def test_a_task_without_a_face_says_that_there_is_none(project, add_photo, given):
    image = add_photo(project, "a", state="new")
    import_labels(project, given([task(annotation())]))
    image.refresh_from_db()
    assert image.state == "labelled"


@pytest.mark.parametrize(
    ("result", "remark"),
    [
        (box(value={"rotation": 30}), labelstudio.TURNED),
        (box(image_rotation=90), labelstudio.PHOTO_TURNED),
        (box(type="polygonlabels", value={"points": [[1, 2], [3, 4], [5, 6]]}), labelstudio.NO_BOX.format("polygon")),
        (box(type="brushlabels", value={"rle": [1, 2]}), labelstudio.NO_BOX.format("brush")),
        (box(type="keypointlabels"), labelstudio.NO_BOX.format("keypoint")),
    ],
)
def test_what_is_no_straight_box_is_left_out_and_counted(project, add_photo, given, result, remark):
    image = add_photo(project, "a")
    report = import_labels(project, given([task(annotation(box("Ann"), result, result))]))
    assert (image.faces.count(), report.as_dict()["remarks"]) == (1, {remark: 2})


def small(label="Ann", at="2024-03-09T22:16:08Z", number=1):
    value = box(label)["value"] | {"original_width": 640, "original_height": 480}
    return {"image": "/data/upload/1/0123abcd-a.jpg", "id": number, "label": [value], "annotator": 1, "updated_at": at}


def test_json_min_is_read_as_well(given):
    photo, other = given([small("Ann"), small("Bo", number=2)])
    assert (photo.name, photo.width, photo.height) == ("a.jpg", 640, 480)
    assert photo.faces[0].box == (64, 96, 160, 120)
    assert names(photo) + names(other) == [(Who.ASSIGNED, "Ann"), (Who.ASSIGNED, "Bo")]


def test_json_min_of_two_annotations_is_one_photo(given):
    (photo,) = given([small("New", "2024-03-09"), small("Old", "2024-03-08")])
    assert (names(photo), photo.remarks) == ([(Who.ASSIGNED, "New")], (labelstudio.SEVERAL,))


@pytest.mark.parametrize(
    ("tasks", "sentence"),
    [
        ([], None),
        ({"images": []}, "no list of tasks"),
        ({"images": [1]}, "no list of tasks"),
        ([1], "no list of tasks"),
        ([{"id": 1, "data": [], "annotations": [annotation(box())]}], "Task 1 of project-1.json cannot be read"),
        ([task(annotation(box(original_width="wide")))], "Task 1 .* cannot be read"),
        ([task(annotation(box(value={"x": 1e999})))], "is no JSON: “Infinity”"),
        ([task(annotation(box(value={"x": None})))], "Task 1 .* cannot be read"),
        ([task(annotation(box(original_width=0)))], "a photo of 0 × 480 pixels"),
        ([task(annotation(box()), image="data:image/png;base64,AAAA")], "without a name"),
        ([task(annotation(box()), image="https://example.com/")], "has no file name"),
    ],
)
def test_what_is_no_such_export_is_said(given, tasks, sentence):
    if sentence is None:
        assert given(tasks) == []
        return
    with pytest.raises(BadLabels, match=sentence):
        given(tasks)
