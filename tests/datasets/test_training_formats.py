"""Formats that training reads directly, read by the libraries they are for."""

import csv
import io
import json
import tarfile
import zipfile
from collections import Counter

import pytest
from PIL import Image as Picture

from datasets.exports import FORMATS, start_export
from datasets.formats import hf_parquet
from datasets.given import BadLabels
from datasets.imports import import_labels
from datasets.models import Export
from datasets.pair_lists import start_pairs
from jobs.work import perform
from labelling import storage
from labelling.errors import Refused
from tests.datasets.exported import add_real_photo, encoded, fetched, fill, made, scene_bytes
from tests.datasets.readers import read_apart

CARRY_BOXES = ["huggingface", "hf-parquet", "webdataset"]
FOLDERS = [name for name, writer in FORMATS.items() if getattr(writer, "NAMED_ONLY", False)]


@pytest.fixture
def version(project, transactional_db, freeze_now):
    fill(project, per_person=3)
    return freeze_now(project)


@pytest.fixture
def small_parts(monkeypatch):
    """Cut after every photo or two."""
    monkeypatch.setattr("datasets.exports.MB", 4096)
    monkeypatch.setattr(hf_parquet, "BYTES_TOGETHER", 4096)


def people_of(version) -> dict:
    return {person["name"]: person["faces"] for person in version.statistics["people"]}


def file_of(export: Export, engineer, api_for, path):
    """As somebody downloads it."""
    path.write_bytes(b"".join(api_for(engineer).get(f"/api/v1/exports/{export.pk}/download/").streaming_content))
    return path


@pytest.mark.parametrize("is_cut", [False, True])
@pytest.mark.parametrize("format_name", CARRY_BOXES)
def test_what_was_exported_comes_back(version, request, engineer, api_for, tmp_path, format_name, is_cut):
    if is_cut:
        request.getfixturevalue("small_parts")
    export = made(version, format_name, contents="images", part_mb=1)
    if is_cut and format_name == "huggingface":
        path = tmp_path / "first"
        path.write_bytes(storage.get(export.data_files[0]["key"]))
    else:
        path = file_of(export, engineer, api_for, tmp_path / "file")
    given = list(FORMATS[format_name].read(path))
    report = import_labels(version.project, given).as_dict()
    assert (report["photos"], report["same"]) == (version.statistics["images"], version.statistics["faces"])
    assert report["faces"] == report["same"]


@pytest.mark.parametrize("format_name", ["hf-parquet", "webdataset"])
def test_one_shard_is_read_alone(version, tmp_path, format_name):
    export = made(version, format_name)
    path = tmp_path / "shard"
    path.write_bytes(storage.get(export.data_files[0]["key"]))
    assert len(list(FORMATS[format_name].read(path))) == export.data_files[0]["photos"]


@pytest.mark.parametrize("format_name", CARRY_BOXES)
def test_crops_say_that_they_hold_no_boxes(version, engineer, api_for, tmp_path, format_name):
    export = made(version, format_name, contents="crops")
    with pytest.raises(BadLabels, match="export of crops"):
        list(FORMATS[format_name].read(file_of(export, engineer, api_for, tmp_path / "file")))


@pytest.mark.parametrize("format_name", FOLDERS)
def test_crops_in_folders_are_matched_by_their_list(version, tmp_path, format_name):
    path = tmp_path / "file.zip"
    path.write_bytes(storage.get(made(version, format_name).key))
    report = import_labels(version.project, FORMATS[format_name].read(path)).as_dict()
    assert report["same"] == report["faces"] == sum(people_of(version).values())


@pytest.mark.parametrize("format_name", FOLDERS)
def test_folders_of_crops_without_their_list_are_refused(tmp_path, format_name):
    path = tmp_path / "file.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train/Ana/1.jpg", b"")
    with pytest.raises(BadLabels, match=r"has no crops\.csv"):
        list(FORMATS[format_name].read(path))


@pytest.mark.parametrize("format_name", [*CARRY_BOXES, *FOLDERS])
def test_crops_are_the_same_bytes_again(version, format_name):
    first, second = (made(version, format_name, contents="crops") for _ in range(2))
    assert [file["sha256"] for file in first.files] == [file["sha256"] for file in second.files]
    if format_name in FOLDERS:
        assert first.counts["faces"] == sum(people_of(version).values())
    else:
        assert first.counts["faces"] == version.statistics["faces"]


# Hugging Face

READ_FOLDER = """
    import json, sys
    from datasets import load_dataset
    if sys.argv[2] == "folder":
        read = load_dataset(sys.argv[1])
    elif sys.argv[2] == "imagefolder":
        read = load_dataset("imagefolder", data_dir=sys.argv[1])
    else:
        import glob
        files = {one: sorted(glob.glob(f"{sys.argv[1]}/{one}-*.parquet")) for one in ("train", "validation", "test")}
        read = load_dataset("parquet", data_files={split: names for split, names in files.items() if names})
    rows = []
    for split in read:
        for row in read[split]:
            image = row.pop("image")
            rows.append({**row, "in": split, "size": image.size})
    column = next(iter(read.values())).features
    print(json.dumps({"rows": rows, "types": {name: str(kind) for name, kind in column.items()}}))
"""
HOW = {"huggingface": "folder", "hf-parquet": "parquet"}
IN = {"train": "train", "val": "validation", "test": "test"}


@pytest.mark.parametrize(
    ("format_name", "how"), [("huggingface", "folder"), ("huggingface", "imagefolder"), ("hf-parquet", "parquet")]
)
@pytest.mark.parametrize("is_cut", [False, True])
def test_hugging_face_reads_photos_with_boxes(version, request, tmp_path, format_name, how, is_cut):
    if is_cut:
        request.getfixturevalue("small_parts")
    folder = fetched(made(version, format_name, part_mb=1), tmp_path / "set")
    read = read_apart(READ_FOLDER, folder, how)
    rows = read["rows"]
    assert len(rows) == version.statistics["images"]
    assert sum(len(row["objects"]["bbox"]) for row in rows) == version.statistics["faces"]
    assert all(row["in"] == IN[row["split"]] and row["size"] == [row["width"], row["height"]] for row in rows)
    named = Counter(name for row in rows for name in row["objects"]["identity"] if name)
    assert named == people_of(version)
    assert "Image" in read["types"]["image"]
    if format_name == "hf-parquet":
        assert "ClassLabel" in read["types"]["objects"]


@pytest.mark.parametrize("format_name", ["huggingface", "hf-parquet"])
def test_hugging_face_reads_crops_with_their_class(version, tmp_path, format_name):
    export = made(version, format_name, contents="crops", people="classes", size=64)
    read = read_apart(READ_FOLDER, fetched(export, tmp_path / "set"), HOW[format_name])
    rows = read["rows"]
    assert len(rows) == version.statistics["faces"]
    assert {tuple(row["size"]) for row in rows} == {(64, 64)}
    assert Counter(row["identity"] for row in rows if row["identity"]) == people_of(version)
    if format_name == "hf-parquet":
        assert "ClassLabel(names=['Ana María', 'Zoë', 'Ben'," in read["types"]["label"]
    assert {row["label"] for row in rows if row["identity"] == "Zoë"} == {1}


@pytest.mark.parametrize(("format_name", "how"), [("huggingface", "folder"), ("hf-parquet", "parquet")])
def test_a_split_without_any_face_has_the_same_columns(
    project, transactional_db, freeze_now, tmp_path, format_name, how
):
    add_real_photo(project, "a.jpg", encoded(scene_bytes(1)), ["Ana"])
    for seed in range(2, 7):
        add_real_photo(project, f"{seed}.jpg", encoded(scene_bytes(seed * 7)))
    version = freeze_now(project)
    assert sum(row["faces"] > 0 for row in version.statistics["splits"].values()) == 1
    assert sum(row["images"] > 0 for row in version.statistics["splits"].values()) > 1
    rows = read_apart(READ_FOLDER, fetched(made(version, format_name), tmp_path / "set"), how)["rows"]
    assert len(rows) == 6


# WebDataset

READ_SHARDS = """
    import glob, json, sys
    import webdataset
    shards = sorted(glob.glob(sys.argv[1] + "/*.tar"))
    rows = []
    for sample in webdataset.WebDataset(shards, shardshuffle=False, empty_check=False).decode("pil"):
        picture = sample.get("jpg") or sample.get("png")
        rows.append({"key": sample["__key__"], "size": picture.size, "cls": sample.get("cls"), **sample["json"]})
    print(json.dumps({"rows": rows, "shards": len(shards)}))
"""


@pytest.mark.parametrize("is_cut", [False, True])
def test_webdataset_reads_photos_with_boxes(version, request, tmp_path, is_cut):
    if is_cut:
        request.getfixturevalue("small_parts")
    read = read_apart(READ_SHARDS, fetched(made(version, "webdataset", part_mb=1), tmp_path / "set"))
    assert read["shards"] > 3 or not is_cut
    rows = read["rows"]
    assert len({row["key"] for row in rows}) == len(rows) == version.statistics["images"]
    assert sum(len(row["faces"]) for row in rows) == version.statistics["faces"]
    assert all(row["size"] == [row["width"], row["height"]] for row in rows)


def test_webdataset_reads_crops_with_their_class(version, tmp_path):
    rows = read_apart(READ_SHARDS, fetched(made(version, "webdataset", contents="crops"), tmp_path / "set"))["rows"]
    assert len({row["key"] for row in rows}) == len(rows) == version.statistics["faces"]
    assert Counter(row["face"]["identity"] for row in rows if row["face"]["identity"]) == people_of(version)
    assert {row["cls"] for row in rows if row["face"]["identity"] == "Ben"} == {2}
    assert {tuple(row["size"]) for row in rows} == {(112, 112)}


def test_shards_have_no_clock_owner_or_dotted_key(version):
    for file in made(version, "webdataset").data_files:
        with tarfile.open(fileobj=io.BytesIO(storage.get(file["key"]))) as shard:
            entries = shard.getmembers()
        assert {(entry.mtime, entry.uid, entry.gid, entry.uname) for entry in entries} == {(0, 0, 0, "")}
        keys = [entry.name.split(".")[0] for entry in entries]
        assert all(entry.name.count(".") == 1 for entry in entries)
        assert keys == sorted(keys)


# ImageFolder


def rows_of(path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


READ_CLASSES = """
    import json, sys
    from torchvision.datasets import ImageFolder
    found = {}
    for split in ("train", "val", "test"):
        try:
            read = ImageFolder(f"{sys.argv[1]}/{split}", allow_empty=True)
        except FileNotFoundError:
            continue
        found[split] = [[read.classes[number], list(picture.size)] for picture, number in read]
    print(json.dumps(found))
"""


def test_torchvision_reads_crops_as_classes(version, tmp_path):
    folder = fetched(made(version, "imagefolder", size=96), tmp_path / "set")
    found = read_apart(READ_CLASSES, folder)
    names = {row["folder"]: row["identity"] for row in rows_of(folder / "classes.csv")}
    read = [one for split in found.values() for one in split]
    assert Counter(names[folder] for folder, _ in read) == people_of(version)
    assert {tuple(size) for _, size in read} == {(96, 96)}
    for split, row in version.statistics["splits"].items():
        in_split = sum(person[split] for person in version.statistics["people"])
        assert len(found.get(split, [])) == in_split <= row["faces"]


def test_folders_come_in_order_of_class_ids_and_are_safe(project, transactional_db, freeze_now, tmp_path):
    names = ["Zed", "ana/../b", "CON", "a b", "a_b", "..", "李 明", "x" * 100]
    for seed, name in enumerate(names):
        add_real_photo(project, f"{seed}.jpg", encoded(scene_bytes(seed)), [name])
    folder = fetched(made(freeze_now(project), "imagefolder", size=16), tmp_path / "set")
    rows = rows_of(folder / "classes.csv")
    assert [row["identity"] for row in rows] == names
    folders = [row["folder"] for row in rows]
    assert folders == sorted(folders)
    assert len({name.casefold() for name in folders}) == len(names)
    assert not any(set(name) & set('/\\:*?"<>|. ') for name in folders)
    assert {path.name for path in folder.glob("*/*") if path.is_dir()} == set(folders)


@pytest.mark.parametrize("alignment", ["aligned", "box"])
def test_crops_are_cut_as_asked(version, tmp_path, alignment):
    folder = fetched(made(version, "imagefolder", size=80, margin=0.5, alignment=alignment), tmp_path / "set")
    for row in rows_of(folder / "crops.csv"):
        x, y, w, h = (float(row[side]) for side in "xywh")
        with Picture.open(folder / row["file"]) as crop:
            assert crop.size == (80, 80)
            red, green, _ = crop.getpixel((40, 40))
        # Each pixel of these photos tells where it was.
        assert abs(red / 255 * 319 - (x + w / 2)) < w / 4
        assert abs(green / 255 * 239 - (y + h / 2)) < h / 4


# LFW


def strict_pairs(text: str, folder) -> list[tuple[int, list[tuple], list[tuple]]]:
    """As LFW's own protocol says, to the letter; each face named must be there."""
    lines = text.split("\n")
    assert lines.pop() == ""
    folds, in_a_fold = map(int, lines.pop(0).split("\t"))
    assert len(lines) == folds * 2 * in_a_fold > 0

    def there(name: str, number: str) -> tuple[str, int]:
        assert number == str(int(number)) != "0"
        assert (folder / name / f"{name}_{int(number):04d}.jpg").is_file()
        return name, int(number)

    read = []
    for fold in range(folds):
        some = [line.split("\t") for line in lines[fold * 2 * in_a_fold :][: 2 * in_a_fold]]
        genuine, impostors = some[:in_a_fold], some[in_a_fold:]
        assert {len(line) for line in genuine} == {3} and {len(line) for line in impostors} == {4}
        same = [(there(name, one), there(name, other)) for name, one, other in genuine]
        apart = [(there(one, number), there(other, more)) for one, number, other, more in impostors]
        assert all(one != other for one, other in same) and all(one[0] != other[0] for one, other in apart)
        assert len(set(same)) == len(same) and len(set(apart)) == len(apart)
        read.append((fold, same, apart))
    return read


def test_lfw_has_its_layout_people_and_pairs(version, tmp_path):
    folder = fetched(made(version, "lfw"), tmp_path / "lfw")
    counts = dict(line.split("\t") for line in (folder / "people.txt").read_text(encoding="utf-8").splitlines())
    assert counts == {name.replace(" ", "_"): str(faces) for name, faces in people_of(version).items()}
    for name, count in counts.items():
        files = sorted(path.name for path in (folder / name).iterdir())
        assert files == [f"{name}_{number:04d}.jpg" for number in range(1, int(count) + 1)]
        assert Picture.open(folder / name / files[0]).size == (250, 250)
    folds = strict_pairs((folder / "pairs.txt").read_text(encoding="utf-8"), folder)
    of_fold = [{name for pair in same + apart for name, _ in pair} for _, same, apart in folds]
    assert sum(map(len, of_fold)) == len(set().union(*of_fold))
    assert {row["folder"]: row["identity"] for row in rows_of(folder / "names.csv")}["Ana_María"] == "Ana María"


def test_the_pairs_of_a_version_fit_its_folder(version, tmp_path):
    pairs = start_pairs(version, "all", folds=1, splits=("train", "val", "test"))
    perform(pairs.job_id)
    pairs.refresh_from_db()
    folder = fetched(made(version, "lfw", size=32), tmp_path / "lfw")
    strict_pairs(storage.get(pairs.key).decode(), folder)
    some = fetched(made(version, "lfw", size=32, splits=["train"]), tmp_path / "some")
    whole = {path.relative_to(folder): path.read_bytes() for path in folder.glob("*/*.jpg")}
    assert all(whole[path.relative_to(some)] == path.read_bytes() for path in some.glob("*/*.jpg"))


def test_people_who_make_no_pair_are_still_handed_out(project, transactional_db, freeze_now, tmp_path):
    add_real_photo(project, "a.jpg", encoded(scene_bytes(1)), ["Ana"])
    folder = fetched(made(freeze_now(project), "lfw"), tmp_path / "lfw")
    assert (folder / "Ana" / "Ana_0001.jpg").is_file()
    assert not (folder / "pairs.txt").exists()


def test_nobody_named_is_no_folder(project, transactional_db, freeze_now):
    add_real_photo(project, "a.jpg", encoded(scene_bytes(1)), [None])
    export = start_export(freeze_now(project), "imagefolder")
    perform(export.job_id)
    export.refresh_from_db()
    assert "Nobody is named" in export.message


def test_what_folders_of_crops_cannot_is_refused(version):
    with pytest.raises(Refused, match="gives contents as crops"):
        start_export(version, "imagefolder", options={"contents": "images"})
    with pytest.raises(Refused, match="from 16 to 1024"):
        start_export(version, "imagefolder", options={"size": 5})


def test_weights_are_one_on_average_and_larger_for_the_rare(version):
    export = made(version, "imagefolder")
    (file,) = (file for file in export.files if file["name"] == "weights.json")
    said = json.loads(storage.get(file["key"]))
    assert [one["name"] for one in said["classes"]] == ["Ana María", "Zoë", "Ben"]
    learnt = [one for one in said["classes"] if one["faces"]]
    assert sum(one["weight"] for one in learnt) == pytest.approx(len(learnt))
    assert all(one["sampler_weight"] * one["faces"] == pytest.approx(1) for one in learnt)
    for one in learnt:
        assert one["effective_number"] == pytest.approx((1 - 0.999 ** one["faces"]) / 0.001)
