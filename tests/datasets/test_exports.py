"""Exports: who may have one, what is in it, and that equal versions give equal bytes."""

import hashlib
import io
import json
import zipfile
from contextlib import redirect_stdout

import pyarrow.parquet as pq
import pytest
from pycocotools.coco import COCO

from datasets.exports import OF_LABELS as FORMATS
from datasets.exports import start_export
from datasets.formats import coco
from datasets.manifest import parse_table
from datasets.models import Export, ExportState, Version
from jobs.models import Job
from jobs.models import State as JobState
from jobs.work import perform
from labelling import storage
from labelling.errors import Refused
from labelling.models import Who
from labelling.projects import create_project

HOSTILE = [
    '"quoted" \\ slash',
    "</script><script>alert(1)</script>",
    "line break",
    "=HYPERLINK(1)",
    "Zoë 李 🙂",
    "ß%s{}",
]


@pytest.fixture
def version(small_set, freeze_now):
    return freeze_now(small_set)


def exported(version: Version, format_name: str) -> Export:
    export = start_export(version, format_name)
    perform(export.job_id)
    return Export.objects.select_related("job").get(pk=export.pk)


def content(export: Export) -> bytes:
    return storage.get(export.key)


def test_coco_is_read_by_pycocotools(version, tmp_path):
    path = tmp_path / "faces.json"
    path.write_bytes(content(exported(version, "coco")))
    with redirect_stdout(io.StringIO()):
        read = COCO(str(path))
    assert len(read.getImgIds()) == version.statistics["images"]
    assert len(read.getAnnIds()) == version.statistics["faces"]
    assert min(read.getAnnIds()) == 1
    assert min(read.getImgIds()) == 1
    assert [category["name"] for category in read.loadCats(read.getCatIds())] == ["face"]
    boxes = [annotation["bbox"] for annotation in read.loadAnns(read.getAnnIds())]
    assert boxes.count([10.25, 20.5, 40.0, 50.75]) == 13
    without_faces = [image for image in read.getImgIds() if not read.getAnnIds(imgIds=[image])]
    assert len(without_faces) == 1


def test_coco_keeps_who_and_split_of_each_face(version):
    document = json.loads(content(exported(version, "coco")))
    split_of = {image["id"]: image["split"] for image in document["images"]}
    for annotation in document["annotations"]:
        assert annotation["split"] == split_of[annotation["image_id"]]
        assert annotation["category_id"] == 1
    names = [annotation["identity"] for annotation in document["annotations"]]
    assert (names.count("Ana"), names.count("Ben"), names.count("Cem")) == (7, 5, 2)
    assert document["info"]["content_hash"] == version.content_hash


def test_faces_to_ignore_are_marked(project, add_photo, freeze_now):
    add_photo(project, "a", ["Ana"])
    add_photo(project, "b", [None], who=Who.IGNORED)
    document = json.loads(content(exported(freeze_now(project), "coco")))
    assert {(face["who"], face["ignore"]) for face in document["annotations"]} == {("assigned", 0), ("ignored", 1)}


def test_hostile_names_survive(project, add_photo, freeze_now):
    for number, name in enumerate(HOSTILE):
        add_photo(project, number, [name], name=f"{name}.jpg")
    document = json.loads(content(exported(freeze_now(project), "coco")))
    assert sorted(face["identity"] for face in document["annotations"]) == sorted(HOSTILE)
    assert sorted(image["original_name"] for image in document["images"]) == sorted(f"{name}.jpg" for name in HOSTILE)


def test_the_same_version_gives_the_same_bytes(version):
    for format_name in FORMATS:
        first, second = exported(version, format_name), exported(version, format_name)
        assert first.pk != second.pk
        assert first.sha256 == second.sha256 == hashlib.sha256(content(first)).hexdigest()
        assert content(first) == content(second)
        assert first.byte_size == len(content(first))


def test_counts_in_are_counts_out(version):
    for format_name in FORMATS:
        assert exported(version, format_name).counts == {"images": 14, "faces": 14}


def test_parquet_hands_out_the_frozen_files_themselves(version):
    with zipfile.ZipFile(io.BytesIO(content(exported(version, "parquet")))) as archive:
        assert archive.namelist() == ["version.json", "faces.parquet", "images.parquet"]
        for name in ("faces", "images"):
            data = archive.read(f"{name}.parquet")
            assert hashlib.sha256(data).hexdigest() == getattr(version, f"{name}_sha256")
        assert pq.read_table(io.BytesIO(archive.read("faces.parquet"))).num_rows == 14
        assert json.loads(archive.read("version.json"))["content_hash"] == version.content_hash


def test_a_writer_that_loses_rows_hands_nothing_out(version, monkeypatch):
    write = coco.write

    def forgetful(*given):
        yield from write(*given)
        counts = given[2]
        counts["faces"] -= 1

    monkeypatch.setattr(coco, "write", forgetful)
    export = exported(version, "coco")
    assert export.state == ExportState.FAILED
    assert "Counts differ" in export.message
    assert not export.key


def test_a_tampered_version_is_not_exported(version):
    storage.put(version.key("images"), b"something else")
    export = exported(version, "coco")
    assert export.state == ExportState.FAILED
    assert "images.parquet of version 1" in export.message
    assert "backup" in export.message


def test_a_repeated_job_writes_the_same_file_once_more(version):
    export = exported(version, "coco")
    Job.objects.filter(pk=export.job_id).update(state=JobState.QUEUED)
    perform(export.job_id)
    again = Export.objects.get()
    assert (again.state, again.sha256) == (ExportState.DONE, export.sha256)


def test_what_cannot_be_exported_is_refused(version, small_set):
    with pytest.raises(Refused, match="use one of: coco, yolo"):
        start_export(version, "pickle")
    with pytest.raises(Refused, match="takes no option colour"):
        start_export(version, "coco", options={"colour": "red"})
    version.state = "freezing"
    with pytest.raises(Refused, match="once it is ready"):
        start_export(version, "coco")
    assert not Export.objects.exists()


def test_coco_of_nothing_is_still_whole(version):
    files = {name: storage.get(version.key(name)) for name in ("images", "faces")}
    empty = {}
    for name, data in files.items():
        out = io.BytesIO()
        pq.write_table(parse_table(data).slice(0, 0), out)
        empty[name] = out.getvalue()
    counts = {}
    document = json.loads(b"".join(coco.write(empty, {}, counts)))
    assert (document["images"], document["annotations"]) == ([], [])
    assert counts == {"images": 0, "faces": 0}


def url(version: Version) -> str:
    return f"/api/v1/projects/{version.project.slug}/versions/{version.number}/exports/"


def test_an_engineer_exports_and_downloads(version, engineer, api_for):
    client = api_for(engineer)
    made = client.post(url(version), {"format": "coco"}, format="json")
    assert made.status_code == 201
    assert made.json()["download"] is None
    perform(Export.objects.get().job_id)
    answer = client.get(f"/api/v1/exports/{made.json()['id']}/").json()
    assert (answer["state"], answer["counts"]) == ("done", {"images": 14, "faces": 14})
    download = client.get(answer["download"])
    body = b"".join(download.streaming_content)
    assert hashlib.sha256(body).hexdigest() == answer["sha256"]
    assert int(download["Content-Length"]) == len(body)
    assert download["Content-Disposition"] == 'attachment; filename="lobby-cameras-v1-coco.json"'


@pytest.mark.parametrize("role", ["annotator", "reviewer"])
def test_members_below_engineer_may_not_export_or_download(role, version, request, api_for):
    client = api_for(request.getfixturevalue(role))
    assert client.post(url(version), {"format": "coco"}, format="json").status_code == 403
    export = exported(version, "coco")
    assert client.get(f"/api/v1/exports/{export.pk}/").status_code == 403
    assert client.get(f"/api/v1/exports/{export.pk}/download/").status_code == 403
    assert Export.objects.count() == 1


def test_strangers_do_not_even_learn_that_it_is_there(version, stranger, api_for):
    client = api_for(stranger)
    assert client.post(url(version), {"format": "coco"}, format="json").status_code == 404
    export = exported(version, "coco")
    assert client.get(f"/api/v1/exports/{export.pk}/").status_code == 404
    assert client.get(f"/api/v1/exports/{export.pk}/download/").status_code == 404


def test_an_engineer_of_another_house_is_a_stranger(version, stranger, api_for):
    create_project("Another house", by=stranger)
    export = exported(version, "coco")
    assert api_for(stranger).get(f"/api/v1/exports/{export.pk}/download/").status_code == 404


def test_without_a_login_nothing_is_handed_out(version, client):
    export = exported(version, "coco")
    assert client.get(f"/api/v1/exports/{export.pk}/download/").status_code in {401, 403}


def test_an_export_that_is_not_done_has_no_file(version, engineer, api_for):
    export = start_export(version, "coco", by=engineer)
    answer = api_for(engineer).get(f"/api/v1/exports/{export.pk}/download/")
    assert answer.status_code == 400
    assert "being made" in answer.json()["error"]["message"]


def test_a_file_that_is_gone_is_said_to_be(version, engineer, api_for):
    export = exported(version, "coco")
    storage.delete(export.key)
    answer = api_for(engineer).get(f"/api/v1/exports/{export.pk}/download/")
    assert answer.status_code == 400
    assert "gone from the object store" in answer.json()["error"]["message"]


def test_the_api_lists_versions_without_their_people(version, annotator, api_for):
    client = api_for(annotator)
    listed = client.get("/api/v1/projects/lobby-cameras/versions/").json()["results"]
    assert listed[0]["statistics"]["faces"] == 14
    assert "people" not in listed[0]["statistics"]
    whole = client.get("/api/v1/projects/lobby-cameras/versions/1/").json()
    assert len(whole["statistics"]["people"]) == 3
    assert whole["content_hash"] == version.content_hash


@pytest.mark.parametrize(("role", "status"), [("annotator", 403), ("reviewer", 403), ("engineer", 201), ("owner", 201)])
def test_freezing_over_the_api_is_for_engineers(role, status, small_set, request, api_for):
    client = api_for(request.getfixturevalue(role))
    answer = client.post("/api/v1/projects/lobby-cameras/versions/", {"note": "first", "seed": 3}, format="json")
    assert answer.status_code == status
    assert Version.objects.count() == (status == 201)


@pytest.mark.parametrize("shares", [{"train": 0.9}, {"train": "nan", "val": 0.5, "test": 0.5}])
def test_shares_that_make_no_whole_are_refused_over_the_api(shares, small_set, engineer, api_for):
    answer = api_for(engineer).post("/api/v1/projects/lobby-cameras/versions/", shares)
    assert answer.status_code == 400
    assert answer.json()["error"]["fields"]
    assert not Version.objects.exists()
