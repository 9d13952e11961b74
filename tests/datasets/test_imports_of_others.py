"""Files that other tools make, and files that are made to do harm."""

import json
import tracemalloc
import zipfile

import pytest

from datasets.formats import coco, cvat, voc, yolo, yolo_of_others
from datasets.formats.xml_stream import elements
from datasets.given import BadLabels, Named
from datasets.imports import import_labels
from labelling.models import Who

LINE = "0 0.5 0.5 0.25 0.5\n"  # of 640 × 480: 240, 120, 160, 240


@pytest.fixture
def zipped(tmp_path):
    def write(**members):
        path = tmp_path / "theirs.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path

    return lambda members: write(**members)


def names(photo):
    return [(face.who, face.name) for face in photo.faces]


# YOLO


@pytest.mark.parametrize(
    "members",
    [
        {"labels/train/a.txt": LINE, "data.yaml": "names: [Ann, Bo]"},
        {"set/train/labels/a.txt": LINE, "set/train/images/a.jpg": b"", "set/data.yaml": "names:\n  0: Ann\n  1: Bo"},
        {"obj_train_data/a.txt": LINE, "obj.names": "Ann\nBo\n", "train.txt": "data/a.jpg\n", "obj.data": ""},
        {"a.txt": LINE, "classes.txt": "Ann\r\nBo\r\n", "__MACOSX/._a.txt": b"\0\0"},
    ],
)  # fmt: skip
def test_yolo_of_others_is_found_by_the_names_of_files(project, add_photo, zipped, members):
    image = add_photo(project, "a", name="a.JPG")
    report = import_labels(project, yolo.read(zipped(members)))
    face = image.faces.get()
    assert (face.box, face.identity.name, report.problem_count) == ((240, 120, 160, 240), "Ann", 0)


@pytest.mark.parametrize(
    ("label", "meant"),
    [("face", (Who.UNASSIGNED, None)), ("no", (Who.ASSIGNED, "no")), ("1", (Who.ASSIGNED, "1")),
     ("Zoë", (Who.ASSIGNED, "Zoë")), ("unknown", (Who.UNKNOWN, None)), ("(nobody we know)", (Who.UNKNOWN, None))],
)  # fmt: skip
def test_names_of_classes_are_people_unless_they_say_that_they_are_none(zipped, label, meant):
    (photo,) = yolo.read(zipped({"labels/a.txt": LINE, "data.yaml": f"names: [{label}]"}))
    assert names(photo) == [meant]


def test_nothing_in_a_description_is_ever_called(zipped):
    (photo,) = yolo.read(zipped({"labels/a.txt": LINE, "data.yaml": "names: !!python/object/apply:os.system [exit]"}))
    assert names(photo) == [(Who.ASSIGNED, "exit")]


def test_scores_are_read_outlines_counted_and_empty_texts_are_photos_without_faces(zipped):
    text = "0 .5 .5 .25 .5 .875\n\n0 .1 .1 .2 .2 .3 .3\n"
    a, b = yolo.read(zipped({"labels/a.txt": text, "labels/b.txt": "", "data.yaml": "names: [face]"}))
    assert [face.score for face in a.faces] == [0.875]
    assert (a.remarks, a.is_whole, a.named) == ((yolo_of_others.NO_BOX,), False, Named.STEM)
    assert (b.faces, b.is_whole) == ((), True)


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"labels/a.txt": LINE}, "does not say what its classes are"),
        ({"data.yaml": "names: [Ann]"}, "no labels"),
        ({"labels/a.txt": "1 .5 .5 .2 .2", "data.yaml": "names: [Ann]"}, "Line 1 of labels/a.txt .* no class 1"),
        ({"labels/a.txt": "-1 .5 .5 .2 .2", "data.yaml": "names: [Ann]"}, "no number of a class"),
        ({"labels/a.txt": "0 nan .5 .2 .2", "data.yaml": "names: [Ann]"}, "between 0 and 1"),
        ({"labels/a.txt": "0 1e999 .5 .2 .2", "data.yaml": "names: [Ann]"}, "between 0 and 1"),
        ({"labels/a.txt": "0 320 240 100 100", "data.yaml": "names: [Ann]"}, "between 0 and 1"),
        ({"labels/a.txt": "0 .5 .5", "data.yaml": "names: [Ann]"}, "four numbers make a box"),
        ({"labels/a.txt": b"\xff\xfe0\0", "data.yaml": "names: [Ann]"}, "Line 1 "),
        ({"labels/a.txt": LINE, "data.yaml": "names: Ann"}, "data.yaml cannot be read"),
        ({"labels/a.txt": LINE, "data.yaml": "[1, 2"}, "data.yaml cannot be read"),
        ({"labels/a.txt": LINE, "data.yaml": "names: [[Ann]]"}, "no list of names"),
        ({"labels/a.txt": LINE, "data.yaml": "path: ."}, "no list “names”"),
        ({"labels/a.txt": LINE, "data.yaml": "[" * 50_000}, "data.yaml cannot be read"),
        ({"labels/a.txt": LINE, "data.yaml": "a: &a [x, x]\nnames: [*a, *a]"}, "refers to a part of itself"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_yolo_archive_is_said(zipped, members, sentence):
    with pytest.raises(BadLabels, match=sentence):
        list(yolo.read(zipped(members)))


def test_names_in_an_archive_are_never_paths(project, add_photo, zipped):
    image = add_photo(project, "a", name="passwd.jpg")
    import_labels(project, yolo.read(zipped({"../../labels/../../etc/passwd.txt": LINE, "data.yaml": "names: [Ann]"})))
    assert image.faces.count() == 1


@pytest.mark.parametrize("read", [yolo.read, voc.read, cvat.read, coco.read])
def test_members_that_are_far_too_large_are_not_unpacked(zipped, read):
    huge = b"0 " * (40 * 1024**2)
    path = zipped({"labels/a.txt": huge, "data.yaml": "names: [Ann]", "Annotations/a.xml": b"<a>" + huge,
                   "annotations.xml": b"<annotations>" + huge, "instances.json": b'["' + huge})  # fmt: skip
    tracemalloc.start()
    with pytest.raises(BadLabels):
        list(read(path))
    assert tracemalloc.get_traced_memory()[1] < 300 * 1024**2
    tracemalloc.stop()


def test_a_damaged_archive_is_said_to_be_one(zipped):
    path = zipped({"labels/a.txt": LINE * 1000, "data.yaml": "names: [Ann]"})
    data = bytearray(path.read_bytes())
    data[60:90] = b"\xff" * 30
    path.write_bytes(data)
    with pytest.raises(BadLabels, match=r"theirs\.zip"):
        list(yolo.read(path))


# COCO


CATEGORIES = [{"id": 1, "name": "Ann"}]
IMAGE = {"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}
ANNOTATION = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 40]}


def test_zipped_coco_is_read_without_its_captions_and_joints(zipped):
    content = {"annotations": [ANNOTATION], "images": [IMAGE], "categories": CATEGORIES}
    captions = {"annotations": [{"id": 1, "image_id": 1, "caption": "Ann"}], "images": [IMAGE]}
    path = zipped(
        {"annotations/instances_val.json": json.dumps(content), "annotations/captions_val.json": json.dumps(captions)}
    )
    (photo,) = coco.read(path)
    assert (names(photo), photo.faces[0].box) == ([(Who.ASSIGNED, "Ann")], (1, 2, 30, 40))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"annotations": [{**ANNOTATION, "bbox": ["x", 1, 2, 3]}]}, "Annotation 1 "),
        ({"annotations": [{**ANNOTATION, "bbox": {"x": 1}}]}, "Annotation 1 "),
        ({"annotations": ["text"]}, "Annotation 1 "),
        ({"annotations": [[]]}, "Annotation 1 "),
        ({"images": [{**IMAGE, "width": "wide"}]}, "Image 1 "),
        ({"images": [{**IMAGE, "width": 1e300}]}, None),
        ({"images": [IMAGE, IMAGE]}, "several images with the id 1"),
        ({"images": {"1": IMAGE}}, "no list of “images”"),
        ({"categories": [{"id": 1, "name": 7}]}, "Category 1 .* is no name"),
        ({"categories": [None]}, "Category 1 "),
    ],
)
def test_what_is_wrong_in_a_coco_file_is_said(project, add_photo, tmp_path, change, sentence):
    add_photo(project, "a")
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps({"images": [IMAGE], "annotations": [ANNOTATION], "categories": CATEGORIES, **change}))
    if sentence is None:
        assert import_labels(project, coco.read(path), dry_run=True).problem_count == 1
        return
    with pytest.raises(BadLabels, match=sentence):
        list(coco.read(path))


def test_an_annotation_without_a_box_is_counted(tmp_path):
    path = tmp_path / "theirs.json"
    rows = [ANNOTATION, {"id": 2, "image_id": 1, "category_id": 1, "segmentation": [[1, 2, 3, 4]]}]
    path.write_text(json.dumps({"images": [IMAGE], "annotations": rows, "categories": CATEGORIES}))
    (photo,) = coco.read(path)
    assert (len(photo.faces), photo.remarks) == (1, (coco.WITHOUT_A_BOX,))


def test_a_large_coco_file_is_read_in_little_memory(tmp_path):
    path = tmp_path / "large.json"
    each = json.dumps({**ANNOTATION, "id": "N", "segmentation": [[1.5] * 2000]})
    with path.open("w") as file:
        file.write('{"annotations": [')
        file.write(", ".join(each.replace('"N"', str(n)) for n in range(1, 4000)))
        file.write(f'], "images": [{json.dumps(IMAGE)}], "categories": {json.dumps(CATEGORIES)}}}')
    assert path.stat().st_size > 35 * 1024**2
    tracemalloc.start()
    (photo,) = coco.read(path)
    assert len(photo.faces) == 3999
    assert tracemalloc.get_traced_memory()[1] < 20 * 1024**2
    tracemalloc.stop()


# CVAT and VOC

BOX = '<box label="{}" xtl="1" ytl="2" xbr="31" ybr="42" {}>{}</box>'


def cvat_file(tmp_path, inside):
    path = tmp_path / "annotations.xml"
    path.write_text(f'<annotations><version>1.1</version><image id="0" name="d/a.jpg" width="640" height="480">{inside}'
                    "</image></annotations>")  # fmt: skip
    return path


@pytest.mark.parametrize(
    ("box", "meant"),
    [
        (BOX.format("Ann", "", ""), (Who.ASSIGNED, "Ann")),
        (BOX.format("face", "", ""), (Who.UNASSIGNED, None)),
        (BOX.format("face", "", '<attribute name="name">Bo</attribute>'), (Who.ASSIGNED, "Bo")),
        (BOX.format("face", "", '<attribute name="who">Cem</attribute>'), (Who.ASSIGNED, "Cem")),
        (BOX.format("stranger", "", ""), (Who.UNKNOWN, None)),
    ],
)
def test_cvat_labels_and_attributes_of_others_are_people(tmp_path, box, meant):
    (photo,) = cvat.read(cvat_file(tmp_path, box))
    assert names(photo) == [meant]


def test_what_cvat_has_besides_straight_boxes_is_counted(tmp_path):
    others = '<polygon label="face" points="1,2;3,4"/>' + BOX.format("face", 'rotation="30"', "")
    (photo,) = cvat.read(cvat_file(tmp_path, BOX.format("Ann", "", "") + others))
    assert (names(photo), sorted(photo.remarks)) == (
        [(Who.ASSIGNED, "Ann")],
        sorted([cvat.TURNED, cvat.NO_BOX.format("polygon")]),
    )


def test_cvats_own_archive_is_read(zipped, tmp_path):
    content = cvat_file(tmp_path, BOX.format("Ann", "", "")).read_text()
    (photo,) = cvat.read(zipped({"annotations.xml": content, "images/a.jpg": b"x"}))
    assert names(photo) == [(Who.ASSIGNED, "Ann")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("<annotations><track/></annotations>", "is of a clip"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><annotations>&x;</annotations>', "declares a document type"),
        ("<annotations><image/></annotations>", "Image 1 .* no “name”"),
        ('<annotations><image name="a" width="9999999999x" height="1"/></annotations>', "Image 1 "),
        ("<annotations>" + "<a>" * 100_000, "is no XML"),
        ("<annotations>", "is no XML"),
        ("", "is no XML"),
    ],
)
def test_what_is_wrong_in_a_cvat_file_is_said(tmp_path, text, sentence):
    path = tmp_path / "annotations.xml"
    path.write_text(text)
    with pytest.raises(BadLabels, match=sentence):
        list(cvat.read(path))
    path.write_text(text, "utf-16")
    with pytest.raises(BadLabels):
        list(cvat.read(path))


def test_numbers_that_are_none_are_refused(tmp_path):
    for number in ("nan", "inf", "1e999"):
        with pytest.raises(BadLabels, match="not finite"):
            list(cvat.read(cvat_file(tmp_path, BOX.format("Ann", "", "").replace('"31"', f'"{number}"'))))


def test_a_large_cvat_file_is_read_in_little_memory(tmp_path):
    path = tmp_path / "annotations.xml"
    image = f'<image id="0" name="a.jpg" width="640" height="480">{BOX.format("Ann", "", "") * 20}</image>\n'
    with path.open("w") as file:
        file.write("<annotations>" + image * 5000 + "</annotations>")
    tracemalloc.start()
    with path.open("rb") as file:
        assert sum(1 for _ in elements(file, "file", {"image"})) == 5001
    assert tracemalloc.get_traced_memory()[1] < 10 * 1024**2
    tracemalloc.stop()


@pytest.mark.parametrize("folder", ["Annotations/", "VOCdevkit/VOC2012/Annotations/", "train/", ""])
def test_voc_archives_of_others_may_have_any_folders(zipped, folder):
    found = (
        "<object><name>Ann</name><bndbox><xmin>1</xmin><ymin>11</ymin><xmax>20</xmax><ymax>40</ymax></bndbox></object>"
    )
    text = (
        f"<annotation><filename>a.jpg</filename><size><width>640</width><height>480</height></size>{found}</annotation>"
    )
    (photo,) = voc.read(zipped({f"{folder}a.xml": text}))
    assert (photo.name, names(photo), photo.faces[0].box) == ("a.jpg", [(Who.ASSIGNED, "Ann")], (0, 10, 20, 30))
