"""Each format as its own readers take it: by their rules, not by ours."""

import csv
import io
import json
import zipfile
from xml.dom import minidom

import pytest
import yaml

from datasets.exports import OF_LABELS as FORMATS
from datasets.exports import start_export
from datasets.given import BadLabels
from datasets.imports import import_labels
from datasets.models import Export
from jobs.work import perform
from labelling import storage
from labelling.identities import create_identity
from labelling.models import Face, FaceState, Origin, Who
from tests.datasets.test_exports import HOSTILE

BOX = [10.25, 20.5, 40, 50.75]  # of the first face that `add_photo` makes


@pytest.fixture
def written(freeze_now):
    """The bytes of a project's export."""

    def write(project, format_name) -> bytes:
        export = start_export(freeze_now(project), format_name)
        perform(export.job_id)
        return storage.get(Export.objects.get(pk=export.pk).key)

    return write


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def of_all_kinds(project, add_photo):
    """Zoë was known before Ana; a photo with nobody, unknown and ignored faces, and one without a face."""
    for name in ("Zoë", "Ana"):
        create_identity(project, name)
    image = add_photo(project, "a", ["Ana", "Zoë"])
    for place, who in enumerate((Who.UNASSIGNED, Who.UNKNOWN, Who.IGNORED)):
        Face.objects.create(
            project=project, image=image, x=200 + 50 * place, y=100.33, w=20.4, h=30, image_w=640, image_h=480,
            origin=Origin.HUMAN, state=FaceState.CONFIRMED, who=who,
        )  # fmt: skip
    Face.objects.create(
        project=project, image=image, x=600.5, y=400.25, w=39.5, h=79.75, image_w=640, image_h=480,
        origin=Origin.HUMAN, state=FaceState.CONFIRMED,
    )  # fmt: skip
    add_photo(project, "b")
    return project


@pytest.mark.parametrize("format_name", FORMATS)
def test_names_of_any_letters_come_back(project, owner, add_photo, written, tmp_path, format_name):
    for number, name in enumerate([*HOSTILE, "'quoted", "-1", "@home", "a,b;c", "<b>&amp;</b>", "]]>"]):
        add_photo(project, number, [name], name=f"{name}.jpg")
    path = tmp_path / "file"
    path.write_bytes(written(project, format_name))
    given = list(FORMATS[format_name].read(path))
    here = {image.sha256: image for image in project.images.prefetch_related("faces__identity")}
    for photo in given:
        image = here.pop(photo.sha256)
        assert (photo.name, photo.width, photo.height) == (image.name, 640, 480)
        assert [face.name for face in photo.faces] == [face.identity.name for face in image.faces.all()]
    assert here == {}


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_kind_of_face_comes_back(of_all_kinds, owner, written, tmp_path, format_name):
    path = tmp_path / "file"
    path.write_bytes(written(of_all_kinds, format_name))
    report = import_labels(of_all_kinds, FORMATS[format_name].read(path)).as_dict()
    assert (report["photos"], report["same"], report["faces"]) == (2, 6, 6)


# YOLO


def test_yolo_classes_are_people_by_the_id_they_were_given(of_all_kinds, written):
    files = members(written(of_all_kinds, "yolo"))
    data = yaml.safe_load(files["data.yaml"])
    assert list(data["names"]) == list(range(5))
    assert list(data["names"].values())[:2] == ["Zoë", "Ana"]
    assert (data["path"], data["val"]) == (".", "images/val")


def test_yolo_boxes_are_shares_around_a_middle(of_all_kinds, written):
    files = members(written(of_all_kinds, "yolo"))
    texts = {name: text.decode() for name, text in files.items() if name.startswith("labels/")}
    assert sorted(text.count("\n") for text in texts.values()) == [0, 6]  # who looked finds no face in the other
    rows = [line.split() for line in "".join(texts.values()).splitlines()]
    assert all(0 <= float(share) <= 1 for row in rows for share in row[1:])
    number, xc, yc, w, h = rows[0]
    assert number == "1"
    assert [float(xc) * 640, float(yc) * 480, float(w) * 640, float(h) * 480] == pytest.approx(
        [BOX[0] + BOX[2] / 2, BOX[1] + BOX[3] / 2, BOX[2], BOX[3]], abs=1e-6
    )


def test_each_yolo_text_lies_where_its_photo_will(of_all_kinds, written):
    files = members(written(of_all_kinds, "yolo"))
    photos = list(csv.DictReader(io.StringIO(files["photos.csv"].decode())))
    assert {f"labels/{row['split']}/{row['sha256']}.txt" for row in photos} <= set(files)
    assert all(row["file"] == f"images/{row['split']}/{row['sha256']}.jpg" for row in photos)


def document(data: bytes) -> minidom.Document:
    return minidom.parseString(data)  # noqa: S318 (our own)


# Pascal VOC


def test_voc_boxes_are_whole_pixels_from_one_on_and_hold_the_face(of_all_kinds, written):
    files = members(written(of_all_kinds, "voc"))
    documents = [document(data) for name, data in files.items() if name.startswith("Annotations/")]
    boxes = [
        [int(box.getElementsByTagName(side)[0].firstChild.data) for side in ("xmin", "ymin", "xmax", "ymax")]
        for read in documents
        for box in read.getElementsByTagName("bndbox")
    ]
    assert boxes[0] == [11, 21, 51, 72]  # 10.25 to 50.25, 20.5 to 71.25
    assert boxes[-1] == [601, 401, 640, 480]  # up to the very edge
    assert all(1 <= left <= right <= 640 and 1 <= top <= bottom <= 480 for left, top, right, bottom in boxes)


def test_voc_lists_every_photo_in_its_split(small_set, written):
    files = members(written(small_set, "voc"))
    listed = [line for split in ("train", "val", "test") for line in files[f"ImageSets/Main/{split}.txt"].split()]
    annotated = {name.split("/")[1].split(".")[0] for name in files if name.startswith("Annotations/")}
    assert len(listed) == len(set(listed)) == 14
    assert {line.decode() for line in listed} == annotated


def test_voc_of_others_is_read_by_its_own_rules(tmp_path):
    found = """<object><name>{}</name><bndbox><xmin>1</xmin><ymin>11</ymin><xmax>20</xmax><ymax>40</ymax></bndbox>
    <difficult>{}</difficult></object>"""
    written = (
        "<annotation><filename>a.jpg</filename><size><width>640</width><height>480</height></size>"
        + found.format("Ann", 0) + found.format("face", 0) + found.format("face", 1) + "</annotation>"
    )  # fmt: skip
    path = tmp_path / "voc.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Annotations/a.xml", written)
    (photo,) = FORMATS["voc"].read(path)
    assert (photo.sha256, photo.name) == ("", "a.jpg")
    assert {face.box for face in photo.faces} == {(0, 10, 20, 30)}
    said = [(face.who, face.name) for face in photo.faces]
    assert said == [(Who.ASSIGNED, "Ann"), (Who.UNASSIGNED, None), (Who.IGNORED, None)]


# CVAT


def test_cvat_declares_the_attributes_it_uses(of_all_kinds, written):
    read = document(written(of_all_kinds, "cvat"))
    declared = {node.firstChild.data for node in read.getElementsByTagName("name")} & {"identity", "who"}
    used = {
        attribute.getAttribute("name")
        for box in read.getElementsByTagName("box")
        for attribute in box.getElementsByTagName("attribute")
    }
    assert declared == used == {"identity", "who"}
    assert [box.getAttribute("label") for box in read.getElementsByTagName("box")] == ["face"] * 6
    assert len(read.getElementsByTagName("image")) == 2


def test_cvat_labels_of_others_are_people(tmp_path):
    path = tmp_path / "annotations.xml"
    box = '<box label="{}" xtl="1.5" ytl="2" xbr="11.5" ybr="22"/>'
    image = f'<image id="0" name="x/a.jpg" width="640" height="480">{box.format("Ann")}{box.format("face")}</image>'
    path.write_text(f"<annotations><version>1.1</version>{image}</annotations>")
    (photo,) = FORMATS["cvat"].read(path)
    assert [(face.box, face.name) for face in photo.faces] == [((1.5, 2, 10, 20), "Ann"), ((1.5, 2, 10, 20), None)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_that_declares_entities_is_refused(tmp_path, encoding):
    path = tmp_path / "annotations.xml"
    text = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbb">]><annotations>&b;</annotations>'
    path.write_bytes(text.encode(encoding))
    with pytest.raises(BadLabels):
        list(FORMATS["cvat"].read(path))


# CSV


def test_no_cell_is_a_formula(project, add_photo, written):
    add_photo(project, "a", ["=HYPERLINK(1)"], name="+1.jpg")
    files = members(written(project, "csv"))
    for name in ("faces.csv", "photos.csv"):
        for row in csv.reader(io.StringIO(files[name].decode())):
            assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)


def test_csv_says_where_it_cannot_be_read(project, add_photo, written, tmp_path):
    add_photo(project, "a", ["Ann"])
    files = members(written(project, "csv"))
    files["faces.csv"] = files["faces.csv"].replace(b"10.25", b"ten")
    path = tmp_path / "file.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    with pytest.raises(BadLabels, match=r"Line 2 of faces\.csv"):
        list(FORMATS["csv"].read(path))


def test_landmarks_and_scores_are_in_the_csv(project, owner, add_photo, written, tmp_path):
    add_photo(project, "a", ["Ann"])
    points = [1.25, 2, 3, 4, 5, 6, 7, 8, 9, 1234.56]
    Face.objects.update(landmarks=points, score=0.9871)
    path = tmp_path / "file.zip"
    path.write_bytes(written(project, "csv"))
    (photo,) = FORMATS["csv"].read(path)
    assert (photo.faces[0].landmarks, photo.faces[0].score) == (points, 0.9871)


def test_a_note_about_the_version_goes_with_parquet(project, add_photo, written):
    add_photo(project, "a", ["Ann"])
    assert json.loads(members(written(project, "parquet"))["version.json"])["version"] == "1"
