"""The description in Croissant: valid to its own library, with records that can be loaded, and true figures."""

import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from uuid import uuid4

import pytest

from datasets.exports import FORMATS
from datasets.semantic_version import semantic_version
from labelling import storage
from labelling.identities import rename_identity
from labelling.models import Face, Identity
from tests.datasets.exported import add_real_photo, encoded, fill, made, scene_bytes
from tests.datasets.readers import read_apart

EVERY = [(name, contents) for name, writer in FORMATS.items() for contents in writer.CONTENTS]


@pytest.fixture
def version(project, transactional_db, freeze_now):
    fill(project, per_person=2)
    return freeze_now(project)


def beside(export, folder: Path) -> Path:
    """All its files as they are, the description among them."""
    folder.mkdir()
    for file in export.all_files:
        (folder / file["name"]).write_bytes(storage.get(file["key"]))
    return folder


def described(export) -> dict:
    (file,) = (file for file in export.all_files if file["name"] == "croissant.json")
    return json.loads(storage.get(file["key"]))


VALIDATE = """
    import json, sys
    import mlcroissant
    read = {}
    for folder in sys.argv[2:]:
        described = mlcroissant.Dataset(f"{folder}/croissant.json")
        read[folder] = [record.id for record in described.metadata.record_sets]
    print(json.dumps(read))
"""


def test_every_format_is_described_validly(version, tmp_path):
    folders = {
        f"{name}-{contents}": beside(made(version, name, contents=contents), tmp_path / f"{name}-{contents}")
        for name, contents in EVERY
    }
    read = read_apart(VALIDATE, tmp_path, *map(str, folders.values()))
    assert len(read) == len(EVERY)
    assert all("splits" in sets for sets in read.values())
    command = [str(Path(sys.executable).with_name("mlcroissant")), "validate", "--jsonld"]
    subprocess.run([*command, folders["coco-images"] / "croissant.json"], check=True, capture_output=True, cwd=tmp_path)


LOAD = """
    import json, sys
    import mlcroissant
    described = mlcroissant.Dataset(f"{sys.argv[1]}/croissant.json")
    rows = []
    def plain(value):
        if isinstance(value, bytes):
            return value.decode()
        return value.tolist() if hasattr(value, "tolist") else str(value)
    for one in described.metadata.record_sets:
        if one.id.rsplit("/", 1)[-1] == sys.argv[2]:
            for record in described.records(one.id):
                rows.append({name.rsplit("/", 1)[-1]: value for name, value in record.items()})
    print(json.dumps(rows, default=plain))
"""


@pytest.mark.parametrize("contents", ["labels", "images"])
def test_faces_of_coco_are_loaded_with_their_boxes(version, tmp_path, contents):
    folder = beside(made(version, "coco", contents=contents), tmp_path / "coco")
    rows = read_apart(LOAD, folder, "faces")
    assert len(rows) == version.statistics["faces"]
    assert [20.5, 40.25, 60.0, 80.5] in [row["bbox"] for row in rows]
    named = Counter(row["identity"] for row in rows if row["identity"] not in {None, "None"})
    assert named == {person["name"]: person["faces"] for person in version.statistics["people"]}


@pytest.mark.parametrize(
    ("format_name", "contents", "records", "counted"),
    [
        ("hf-parquet", "images", "rows", "images"),
        ("hf-parquet", "crops", "rows", "faces"),
    ],
)
def test_records_of_parquet_are_loaded(version, tmp_path, format_name, contents, records, counted):
    folder = beside(made(version, format_name, contents=contents), tmp_path / "set")
    rows = read_apart(LOAD, folder, records)
    assert len(rows) == version.statistics[counted]
    assert {row["split"] for row in rows} <= {"train", "val", "test"}


def test_each_file_is_named_with_its_checksum(version, tmp_path):
    export = made(version, "webdataset")
    folder = beside(export, tmp_path / "set")
    said = {one["contentUrl"]: one for one in described(export)["distribution"] if one["@type"] == "cr:FileObject"}
    assert set(said) == {file["name"] for file in export.all_files} - {"croissant.json", "manifest.json"}
    for name, one in said.items():
        assert one["sha256"] == hashlib.sha256((folder / name).read_bytes()).hexdigest()


def test_figures_are_those_of_what_is_handed_out(version):
    whole, part = described(made(version, "coco")), described(made(version, "coco", splits=["train"]))
    train = version.statistics["splits"]["train"]
    assert whole["conformsTo"][0] == "http://mlcommons.org/croissant/1.1"
    assert f"{version.statistics['faces']} labelled faces of 3 people" in whole["description"]
    assert f"{train['faces']} labelled faces" in part["description"]
    assert f"{train['images']} photos" in part["rai:dataCollection"]
    assert f"0 of {train['faces']} boxes were proposed" in part["rai:machineAnnotationTools"][0]
    assert all(whole[f"rai:{field}"] for field in (
        "personalSensitiveInformation", "annotationsPerItem", "annotatorDemographics", "dataBiases", "dataUseCases",
    ))  # fmt: skip


def test_versions_are_numbered_by_what_readers_must_look_out_for(project, version, owner, freeze_now):
    assert semantic_version(version) == "1.0.0"
    same = freeze_now(project)
    assert semantic_version(same) == "1.0.0"
    add_real_photo(project, "new.jpg", encoded(scene_bytes(70)), ["Dora"])
    added = freeze_now(project)
    assert semantic_version(added) == "1.1.0"
    Face.objects.filter(pk=Face.objects.earliest("pk").pk).update(x=21)
    edited = freeze_now(project)
    assert semantic_version(edited) == "2.0.0"
    rename_identity(Identity.objects.get(name="Dora"), "Thea", by=owner, event_id=uuid4())
    assert semantic_version(freeze_now(project)) == "3.0.0"
    assert semantic_version(edited) == "2.0.0"
