"""Exports with their photos: whole for readers of each format, cut into files, and made only once."""

import csv
import hashlib
import io
import json
import re
import tarfile
from collections import Counter
from contextlib import redirect_stdout
from xml.dom import minidom

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image as Picture
from pycocotools.coco import COCO

from config.management.commands.export import Command
from datasets import pictures
from datasets.exports import FORMATS, start_export
from datasets.imports import import_labels
from datasets.manifest import read_table
from datasets.models import Export, ExportState
from jobs.errors import TryLater
from jobs.models import Job, State
from jobs.work import perform
from labelling import storage
from labelling.errors import Refused
from labelling.models import Face
from tests.datasets.exported import add_real_photo, encoded, fetched, fill, made, scene_bytes
from tests.orientations import saved_as

WITH_IMAGES = [name for name, writer in FORMATS.items() if "images" in writer.CONTENTS]
TREES = [name for name in WITH_IMAGES if not hasattr(FORMATS[name], "Shard")]


@pytest.fixture
def version(project, transactional_db, freeze_now):
    fill(project)
    return freeze_now(project)


def counts(version) -> dict:
    return {name: version.statistics[name] for name in ("images", "faces")}


@pytest.mark.parametrize("format_name", WITH_IMAGES)
def test_counts_are_those_of_the_version_and_the_bytes_the_same_again(version, format_name):
    first, second = (made(version, format_name, contents="images") for _ in range(2))
    assert first.counts == counts(version)
    assert first.sha256 == second.sha256
    assert [file["sha256"] for file in first.files] == [file["sha256"] for file in second.files]
    manifest = json.loads(storage.get(first.files[-1]["key"]))
    assert manifest["counts"] == counts(version)
    assert [file["sha256"] for file in manifest["files"]] == [file["sha256"] for file in first.files[:-1]]
    assert sum(file.get("photos", 0) for file in manifest["files"]) == version.statistics["images"]


def test_coco_with_images_is_read_by_pycocotools(version, tmp_path):
    folder = fetched(made(version, "coco", contents="images"), tmp_path / "coco")
    with redirect_stdout(io.StringIO()):
        read = COCO(str(folder / "annotations.json"))
    assert (len(read.getImgIds()), len(read.getAnnIds())) == (version.statistics["images"], version.statistics["faces"])
    for image in read.loadImgs(read.getImgIds()):
        with Picture.open(folder / "images" / image["file_name"]) as picture:
            assert picture.size == (image["width"], image["height"])
            assert not picture.getexif()


def test_yolo_with_images_has_a_text_beside_each(version, tmp_path):
    folder = fetched(made(version, "yolo", contents="images"), tmp_path / "yolo")
    found = sorted(folder.glob("images/*/*"))
    assert len(found) == version.statistics["images"]
    lines = 0
    for picture in found:
        text = folder / "labels" / picture.parent.name / f"{picture.stem}.txt"
        lines += len(text.read_text().splitlines())
        Picture.open(picture).load()
    assert lines == version.statistics["faces"]


def test_voc_with_images_names_a_file_that_is_there(version, tmp_path):
    folder = fetched(made(version, "voc", contents="images"), tmp_path / "voc")
    objects = 0
    for path in folder.glob("Annotations/*.xml"):
        read = minidom.parse(str(path))  # noqa: S318 (our own)
        name = read.getElementsByTagName("filename")[0].firstChild.data
        sides = [int(read.getElementsByTagName(side)[0].firstChild.data) for side in ("width", "height")]
        assert list(Picture.open(folder / "JPEGImages" / name).size) == sides
        objects += len(read.getElementsByTagName("object"))
    assert objects == version.statistics["faces"]
    assert len(list(folder.glob("JPEGImages/*"))) == version.statistics["images"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_shipped_pixels_are_those_the_boxes_are_in(project, transactional_db, freeze_now, tmp_path, orientation):
    upright = scene_bytes(3, (320, 240))
    image = add_real_photo(project, "held.jpg", saved_as(upright, orientation), ["Ana"])
    folder = fetched(made(freeze_now(project), "coco", contents="images"), tmp_path / "coco")
    (row,) = json.loads((folder / "annotations.json").read_bytes())["images"]
    with Picture.open(folder / "images" / row["file_name"]) as picture:
        assert picture.size == (image.width, image.height) == (320, 240)
        assert not picture.getexif()
        difference = np.asarray(picture, np.float32) - np.asarray(upright, np.float32)
    assert np.abs(difference).mean() < 3


def test_what_a_camera_wrote_stays_here(project, transactional_db, freeze_now, tmp_path):
    exif = Picture.Exif()
    exif[0x010F] = "PrivateCamera"
    data = encoded(scene_bytes(1), exif=exif.tobytes(), comment=b"at home")
    add_real_photo(project, "a.jpg", data, ["Ana"])
    export = made(freeze_now(project), "coco", contents="images")
    content = b"".join(storage.get(file["key"]) for file in export.files)
    assert b"PrivateCamera" in data and b"at home" in data
    assert b"PrivateCamera" not in content and b"at home" not in content


def shards(version, format_name: str, monkeypatch, **options) -> Export:
    """Cut after every photo or two, as a large version would be after many."""
    monkeypatch.setattr("datasets.exports.MB", 4096)
    monkeypatch.setattr("datasets.formats.hf_parquet.BYTES_TOGETHER", 4096)
    return made(version, format_name, contents="images", part_mb=1, **options)


@pytest.mark.parametrize("format_name", WITH_IMAGES)
def test_several_files_hold_together_what_one_would(version, format_name, monkeypatch, tmp_path):
    export = shards(version, format_name, monkeypatch)
    assert len(export.data_files) > 3
    assert sum(file["photos"] for file in export.data_files) == version.statistics["images"]
    assert len({file["name"] for file in export.files}) == len(export.files)
    assert export.key == export.files[-1]["key"]
    if format_name in TREES:
        whole = fetched(made(version, format_name, contents="images"), tmp_path / "one")
        parts = fetched(export, tmp_path / "several")
        names = {
            path.relative_to(whole) for path in whole.rglob("*")
            if path.is_file() and path.parent != whole
        }  # fmt: skip
        assert len(names) >= version.statistics["images"]
        assert all((whole / name).read_bytes() == (parts / name).read_bytes() for name in names)


@pytest.mark.parametrize("format_name", WITH_IMAGES)
def test_a_worker_that_goes_on_makes_no_file_again(version, format_name, monkeypatch):
    whole = shards(version, format_name, monkeypatch)
    made_keys: list[str] = []
    upload = storage.upload_file

    def failing(key, path):
        if len(made_keys) == 3:
            raise TryLater("The store went away.")
        made_keys.append(key)
        upload(key, path)

    export = start_export(version, format_name, options={"contents": "images", "part_mb": 1})
    monkeypatch.setattr(storage, "upload_file", failing)
    perform(export.job_id)
    stopped = Export.objects.get(pk=export.pk)
    assert (stopped.state, len(stopped.files)) == (ExportState.WAITING, 3)
    again: list[str] = []
    monkeypatch.setattr(storage, "upload_file", lambda key, path: again.append(key) or upload(key, path))
    Job.objects.filter(pk=export.job_id).update(state=State.QUEUED, not_before=None)
    perform(export.job_id)
    finished = Export.objects.get(pk=export.pk)
    assert finished.state == ExportState.DONE
    assert not set(made_keys) & set(again)
    assert [file["sha256"] for file in finished.files] == [file["sha256"] for file in whole.files]


def test_a_part_that_is_not_there_any_more_is_made_again(version, monkeypatch):
    whole = shards(version, "coco", monkeypatch)
    export = start_export(version, "coco", options={"contents": "images", "part_mb": 1})
    Export.objects.filter(pk=export.pk).update(
        files=[{**file, "key": f"{export.folder}/lost"} for file in whole.data_files[:2]]
    )
    perform(export.job_id)
    assert [file["sha256"] for file in Export.objects.get(pk=export.pk).files] == [f["sha256"] for f in whole.files]


def test_several_files_come_as_one_tar_and_each_by_itself(version, monkeypatch, engineer, api_for):
    export = shards(version, "coco", monkeypatch)
    client = api_for(engineer)
    answer = client.get(f"/api/v1/exports/{export.pk}/").json()
    download = client.get(answer["download"])
    content = b"".join(download.streaming_content)
    assert int(download["Content-Length"]) == len(content)
    assert download["Content-Disposition"].endswith('.tar"')
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        packed = {entry.name: archive.extractfile(entry).read() for entry in archive}
    assert list(packed) == [file["name"] for file in answer["files"]]
    for file in answer["files"]:
        alone = b"".join(client.get(file["url"]).streaming_content)
        assert alone == packed[file["name"]]
        assert len(alone) == file["byte_size"]
    assert client.get(f"/api/v1/exports/{export.pk}/files/{len(packed)}/").status_code == 404


@pytest.mark.parametrize("content", [None, b"no photo", b""])
def test_a_photo_that_cannot_go_out_stops_the_export_in_words(version, content):
    image = version.project.images.get(name="empty.jpg")
    key = storage.original_key(version.project_id, image.sha256)
    storage.delete(key)
    if content is not None:
        storage.put(key, content)
    export = start_export(version, "coco", options={"contents": "images"})
    perform(export.job_id)
    export.refresh_from_db()
    assert export.state == ExportState.FAILED
    assert "“empty.jpg” cannot go out" in export.message


def test_a_photo_of_other_pixels_stops_the_export(version):
    image = version.project.images.get(name="empty.jpg")
    storage.put(storage.original_key(version.project_id, image.sha256), encoded(scene_bytes(1, (100, 80))))
    export = start_export(version, "coco", options={"contents": "images"})
    perform(export.job_id)
    export.refresh_from_db()
    assert "100 × 80 pixels and was frozen with 320 × 240" in export.message


def test_an_original_that_stays_in_its_bucket_goes_out_too(project, stay, freeze_now, tmp_path):
    image = stay("a.jpg", encoded(scene_bytes(1)))
    Face.objects.create(
        project=project, image=image, x=1, y=1, w=30, h=30, image_w=320, image_h=240, origin="human", state="confirmed"
    )
    folder = fetched(made(freeze_now(project), "coco", contents="images"), tmp_path / "coco")
    assert len(list(folder.glob("images/*.jpg"))) == 1


# Options


def rows_of(version, table: str) -> list[dict]:
    return read_table(version, table).to_pylist()


@pytest.mark.parametrize("contents", ["labels", "images"])
@pytest.mark.parametrize("format_name", ["coco", "yolo", "voc", "cvat", "csv"])
def test_only_the_asked_splits_go_out(version, format_name, contents, tmp_path):
    export = made(version, format_name, splits=["test", "val"], contents=contents)
    wanted = {"val", "test"}
    photos = {row["image_sha256"] for row in rows_of(version, "images") if row["split"] in wanted}
    faces = sum(row["split"] in wanted for row in rows_of(version, "faces"))
    assert 0 < len(photos) < version.statistics["images"]
    assert export.counts == {"images": len(photos), "faces": faces}
    path = tmp_path / "file"
    path.write_bytes(storage.get(export.key))
    if contents == "labels":
        given = list(FORMATS[format_name].read(path))
        assert {photo.sha256 for photo in given} == photos
        assert sum(len(photo.faces) for photo in given) == faces


def test_a_split_without_photos_is_said(project, add_photo, freeze_now):
    add_photo(project, "a", ["Ana"])
    version = freeze_now(project)
    empty = next(split for split, row in version.statistics["splits"].items() if not row["images"])
    export = start_export(version, "coco", options={"splits": [empty]})
    perform(export.job_id)
    export.refresh_from_db()
    assert (export.state, empty in export.message) == (ExportState.FAILED, True)


@pytest.mark.parametrize("format_name", FORMATS)
def test_no_name_is_left_in_an_anonymous_export(version, format_name, tmp_path):
    export = made(version, format_name, anonymous=True)
    folder = fetched(export, tmp_path / "all")
    paths = [path for path in folder.rglob("*") if path.is_file()]
    everything = b"\n".join(str(path.relative_to(folder)).encode() + b"\n" + path.read_bytes() for path in paths)
    for name in ("Ana", "Mar\\u00eda", "María", "Zoë", "Zo\\u00eb", "Zo_", "both", "empty", "Lobby cameras"):
        assert name.encode() not in everything
    if format_name not in {"parquet"}:  # compressed
        assert b"person-00000" in everything


def test_pseudonyms_are_the_same_in_every_version(version, freeze_now, tmp_path):
    add_real_photo(version.project, "more.jpg", encoded(scene_bytes(40)), ["Ben", "Dora"])
    ids = {row["identity"]: row["class_id"] for row in rows_of(version, "faces") if row["identity"]}
    for one in (version, freeze_now(version.project)):
        document = json.loads(storage.get(made(one, "coco", anonymous=True).key))
        said = {face["identity"]: face["identity_id"] for face in document["annotations"] if face["identity"]}
        assert said.items() >= {f"person-{number:06d}": number for number in ids.values()}.items()


def test_coco_has_people_as_categories_when_asked(version):
    document = json.loads(storage.get(made(version, "coco", people="classes").key))
    names = {category["id"]: category["name"] for category in document["categories"]}
    assert names[1] == "face"
    assert sorted(names.values()) == sorted(["face", "Ana María", "Zoë", "Ben"])
    assert {names[face["category_id"]] for face in document["annotations"]} == set(names.values())
    for face in document["annotations"]:
        assert names[face["category_id"]] == (face["identity"] or "face")


def test_yolo_has_one_class_and_the_names_elsewhere_when_asked(version, tmp_path):
    folder = fetched(made(version, "yolo", people="attribute"), tmp_path / "yolo")
    texts = {str(path.relative_to(folder)): path.read_text().splitlines() for path in folder.glob("labels/*/*.txt")}
    assert {line.split()[0] for lines in texts.values() for line in lines} == {"0"}
    said = list(csv.DictReader(io.StringIO((folder / "faces.csv").read_text())))
    assert len(said) == version.statistics["faces"]
    assert all(1 <= int(row["line"]) <= len(texts[row["file"]]) for row in said)
    people = {person["name"]: person["faces"] for person in version.statistics["people"]}
    assert Counter(row["identity"] for row in said if row["identity"]) == people


@pytest.mark.parametrize(
    ("format_name", "people"), [("voc", "attribute"), ("yolo", "attribute"), ("cvat", "classes"), ("coco", "classes")]
)
def test_the_other_way_of_telling_people_comes_back_too(version, tmp_path, format_name, people):
    path = tmp_path / "file"
    path.write_bytes(storage.get(made(version, format_name, people=people).key))
    report = import_labels(version.project, FORMATS[format_name].read(path)).as_dict()
    assert report["same"] == report["faces"] == version.statistics["faces"]


@pytest.mark.parametrize(
    ("format_name", "options", "said"),
    [
        ("coco", {"contents": "pixels"}, "“contents” is labels or images or crops"),
        ("coco", {"contents": "crops"}, "coco gives contents as labels or images"),
        ("parquet", {"contents": "images"}, "parquet gives contents as labels, not"),
        ("csv", {"people": "classes"}, "csv gives people as attribute"),
        ("coco", {"splits": ["training"]}, "one or more of train, val, test"),
        ("coco", {"splits": []}, "one or more of train, val, test"),
        ("coco", {"splits": 3}, "one or more of train, val, test"),
        ("coco", {"anonymous": "perhaps"}, "true or false"),
        ("coco", {"size": 100}, "is about crops"),
        ("coco", {"contents": "images", "part_mb": 0}, "from 1 to 4096"),
        ("coco", {"contents": "images", "part_mb": "many"}, "a whole number"),
        ("coco", {"part_mb": 5}, "never cut into parts"),
        ("coco", {"colour": 1}, "no option colour"),
    ],
)
def test_options_that_make_no_sense_are_refused_in_words(version, format_name, options, said):
    with pytest.raises(Refused, match=re.escape(said)):
        start_export(version, format_name, options=options)
    assert not Export.objects.exists()


def test_options_are_kept_as_they_were_asked(version, engineer, api_for):
    client = api_for(engineer)
    url = f"/api/v1/projects/{version.project.slug}/versions/{version.number}/exports/"
    asked = {"contents": "images", "splits": ["test", "train"], "anonymous": True}
    answer = client.post(url, {"format": "yolo", "options": asked}, format="json")
    assert answer.status_code == 201
    assert answer.json()["options"] == {"contents": "images", "splits": ["train", "test"], "anonymous": True}
    assert answer.json()["files"] == []
    wrong = client.post(url, {"format": "yolo", "options": {"splits": "all"}}, format="json")
    assert wrong.status_code == 400
    assert "train, val, test" in wrong.json()["error"]["message"]


def test_landmarks_bring_a_face_into_its_place():
    """Eyes, nose and mouth of a turned, larger face come to lie where the template has them."""
    scale, turn = 2.5, 0.3
    cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
    middle = np.array([150.0, 120.0])
    points = (np.array(pictures.TEMPLATE) - 56) @ np.array([[cosine, sine], [-sine, cosine]]) + middle
    photo = scene_bytes(0, (320, 240))
    box = {"x": 60.0, "y": 30.0, "w": 190.0, "h": 190.0, "landmarks": points.ravel().tolist()}
    options = pictures.Options(contents="crops", people="classes", size=112, margin=0.0, alignment="aligned")
    crop = np.asarray(pictures.crop(photo, box, options), np.float32)
    assert crop.shape == (112, 112, 3)
    for (u, v), (x, y) in zip(pictures.TEMPLATE, points, strict=True):
        red, green, _ = crop[round(v), round(u)]
        assert abs(red / 255 * 319 - x) < 4
        assert abs(green / 255 * 239 - y) < 4


def test_a_box_that_was_moved_off_its_landmarks_is_cut_out_as_it_lies():
    options = pictures.Options(contents="crops", people="classes", size=50, margin=0.0)
    box = {"x": 200.0, "y": 100.0, "w": 50.0, "h": 50.0, "landmarks": [10.0, 10, 20, 10, 15, 15, 11, 20, 19, 20]}
    assert not pictures.is_aligned(box, options)
    crop = np.asarray(pictures.crop(scene_bytes(0, (320, 240)), box, options), np.float32)
    assert abs(crop[0, 0, 0] / 255 * 319 - 200) < 2


def on_the_command_line(monkeypatch, capsys, *arguments: str) -> dict:
    monkeypatch.setattr(Command, "finish", lambda self, job: perform(job.pk))
    call_command("export", "lobby-cameras", "1", *arguments, "--json")
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_the_command_writes_one_file_or_a_folder_of_several(version, monkeypatch, capsys, tmp_path):
    one = on_the_command_line(
        monkeypatch, capsys, "yolo", str(tmp_path), "--contents", "images", "--splits", "train,val"
    )
    assert one["file"] == str(tmp_path / "lobby-cameras-v1.zip")
    assert one["sha256"] == hashlib.sha256((tmp_path / "lobby-cameras-v1.zip").read_bytes()).hexdigest()
    several = on_the_command_line(monkeypatch, capsys, "webdataset", str(tmp_path / "shards"), "--contents", "crops")
    assert sorted(path.name for path in (tmp_path / "shards").iterdir()) == sorted(several["files"])
    assert several["faces"] == version.statistics["faces"]


def test_the_command_refuses_a_file_for_several_and_options_that_make_no_sense(version, monkeypatch, capsys, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CommandError, match="Name a folder"):
        on_the_command_line(monkeypatch, capsys, "webdataset", str(tmp_path / "file"))
    with pytest.raises(CommandError, match="about crops"):
        on_the_command_line(monkeypatch, capsys, "coco", str(tmp_path), "--size", "64")
