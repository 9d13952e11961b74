"""However a camera was held: the same upright pixels and boxes in pictures, detector, crops, exports and back again."""

import io
import json
import os
import zipfile
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow.parquet as pq
import pytest
from django.urls import reverse
from PIL import Image as Picture

from datasets.exports import OF_LABELS as FORMATS
from datasets.exports import start_export
from datasets.imports import import_labels
from datasets.models import Export
from labelling import storage
from labelling.assign import decide_faces
from labelling.boxes import iou
from labelling.ingest import ingest_photo
from labelling.models import Face, Image
from labelling.photos import read_photo, upright_rgb
from labelling.projects import create_project
from labelling.proposals import ProposedFace, record_proposals
from labelling.views.media import KEY_LENGTH
from recognition.drawing import draw_scene
from tests.orientations import all_eight

DATA = Path(os.environ.get("FACET_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
REAL = DATA / "odd" / "exif_orientation"


@pytest.fixture(scope="module")
def scene():
    return draw_scene([1, 2, 3], 4, (720, 480))


# How much boxes may differ: not at all where the pixels are the same; a JPEG of turned pixels is another JPEG,
# and MTCNN's boxes follow such noise (real photos of which no pixel differs by more than 11: IoU 0.88).
SAME, ALIKE = 0.999, 0.8


@pytest.fixture(params=["PNG", "JPEG"])
def least(request):
    return {"PNG": SAME, "JPEG": ALIKE}[request.param]


@pytest.fixture
def eight(project, scene, transactional_db, least):
    """The photo as it came in from each of eight cameras."""
    return {held: taken_in(project, f"held_{held}", data) for held, data in files_of(scene, least).items()}


def files_of(scene, least: float) -> dict[int, bytes]:
    return all_eight(Picture.fromarray(scene.image), "PNG" if least == SAME else "JPEG")


def taken_in(project, name: str, data: bytes) -> Image:
    outcome = ingest_photo(project, name, data)
    assert outcome.status == "created", outcome
    return Image.objects.get(pk=outcome.id)


def pixels(data: bytes) -> np.ndarray:
    """As a program shows them that knows nothing of EXIF."""
    return np.asarray(Picture.open(io.BytesIO(data)).convert("RGB"), dtype=np.float32)


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    assert ours.shape == theirs.shape
    return float(np.abs(ours - theirs).mean())


def served(client, image: Image, size: str) -> bytes:
    return client.get(reverse("picture", args=[image.pk, size, image.sha256[:KEY_LENGTH]])).getvalue()


def boxes_of(image: Image) -> list[tuple]:
    """From left to right."""
    return sorted(face.box for face in Face.objects.filter(image=image))


def agree(ours: list[tuple], theirs: list[tuple], least: float) -> bool:
    """Each box has its own counterpart."""
    best = [max((iou(box, other), place) for place, other in enumerate(theirs)) for box in ours]
    return len(ours) == len(theirs) == len({place for _, place in best}) and min(best)[0] >= least


@pytest.mark.parametrize(("format", "most"), [("JPEG", 3), ("PNG", 0), ("WEBP", 4), ("TIFF", 0), ("HEIF", 4)])
def test_every_format_stands_upright_whichever_way_it_was_held(scene, format, most):
    for held, data in all_eight(Picture.fromarray(scene.image), format).items():
        shown = upright_rgb(data).astype(np.float32)
        assert difference(shown, scene.image.astype(np.float32)) <= most, (format, held)
        photo = read_photo(data)
        assert (photo.width, photo.height) == (720, 480)


def test_pictures_boxes_and_landmarks_are_the_same(eight, least, scene, project, owner, client_for, work_off):
    client = client_for(owner)
    first = eight[1]
    upright = scene.image.astype(np.float32)
    work_off(project, "propose")
    truth = [face.box for face in scene.faces]
    assert agree(boxes_of(first), truth, 0.5)
    for held, image in eight.items():
        assert (image.width, image.height) == (720, 480), held
        assert difference(pixels(served(client, image, "large")), upright) < 4, held
        assert agree(boxes_of(image), boxes_of(first), least), held
        assert agree(boxes_of(image), truth, 0.5), held
        assert np.abs(points_of(image) - points_of(first)).max() < (0.01 if least == SAME else 6), held


def points_of(image: Image) -> np.ndarray:
    return np.array([face.points for face in sorted(Face.objects.filter(image=image), key=lambda face: face.box)])


def test_crops_of_one_box_show_the_same_face(eight, scene, owner, client_for):
    crops = {held: crops_of(client_for(owner), image, [f.box for f in scene.faces]) for held, image in eight.items()}
    for held, own in crops.items():
        for ours, theirs in zip(own, crops[1], strict=True):
            assert difference(ours, theirs) < 4, held


def crops_of(client, image: Image, boxes: list[tuple]) -> list[np.ndarray]:
    made = record_proposals(image.pk, [ProposedFace(box, 0.9, None) for box in boxes], detector={"name": "truth"})
    return [pixels(client.get(reverse("crop", args=[face.pk, face.box_key])).getvalue()) for face in made]


def test_every_export_says_the_same_of_all_eight_and_is_read_back_so(
    eight, scene, least, project, owner, work_off, freeze_now, tmp_path
):
    work_off(project, "propose")
    faces = Face.objects.filter(project=project)
    expected = {image.sha256: (720, 480, boxes_of(image)) for image in eight.values()}
    decide_faces(project, list(faces.values_list("pk", flat=True)), "unknown", by=owner, event_id=uuid4())
    version = freeze_now(project)
    for name in FORMATS:
        export = start_export(version, name, by=owner)
        work_off(project, "export")
        written = storage.get(Export.objects.get(pk=export.pk).key)
        path = tmp_path / name
        path.write_bytes(written)
        given = FORMATS[name].read(path)
        assert {
            one.sha256: (one.width, one.height, sorted(face.box for face in one.faces)) for one in given
        } == expected
        if name in READERS:
            assert READERS[name](written) == expected, name
        elsewhere = create_project(f"Elsewhere {name}", by=owner)
        again = [taken_in(elsewhere, "again", data) for data in files_of(scene, least).values()]
        assert import_labels(elsewhere, FORMATS[name].read(path)).as_dict()["new"] == faces.count()
        assert {image.sha256: (image.width, image.height, boxes_of(image)) for image in again} == expected, name


def read_coco(data: bytes) -> dict:
    read = json.loads(data)
    boxes = {image["id"]: [] for image in read["images"]}
    for one in read["annotations"]:
        boxes[one["image_id"]].append(tuple(one["bbox"]))
    return {
        image["file_name"].split(".")[0]: (image["width"], image["height"], sorted(boxes[image["id"]]))
        for image in read["images"]
    }


def read_parquet(data: bytes) -> dict:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        images, faces = (pq.read_table(io.BytesIO(archive.read(f"{name}.parquet"))) for name in ("images", "faces"))
    boxes = {row["image_sha256"]: [] for row in images.to_pylist()}
    for row in faces.to_pylist():
        boxes[row["image_sha256"]].append((row["x"], row["y"], row["w"], row["h"]))
    return {row["image_sha256"]: (row["width"], row["height"], sorted(boxes[row["image_sha256"]]))
            for row in images.to_pylist()}  # fmt: skip


# Those that are not ours.
READERS = {"coco": read_coco, "parquet": read_parquet}


def test_a_picture_that_comes_back_has_the_same_boxes(eight, project, owner, client_for, work_off):
    work_off(project, "propose")
    client = client_for(owner)
    again = create_project("Again", by=owner)
    back = {held: ingest_photo(again, f"back_{held}", served(client, image, "large")) for held, image in eight.items()}
    work_off(again, "propose")
    for held, outcome in back.items():
        image = Image.objects.get(pk=outcome.id)
        assert (image.width, image.height) == (720, 480), held
        assert agree(boxes_of(image), boxes_of(eight[held]), ALIKE), held


@pytest.mark.skipif(not (REAL / "boxes.json").exists(), reason="FACET_DATA names no folder of real photos")
def test_a_real_group_has_the_same_boxes_however_it_was_held(project, owner, client_for, work_off, transactional_db):
    truth = json.loads((REAL / "boxes.json").read_text())
    images = {name: taken_in(project, name, (REAL / name).read_bytes()) for name in truth}
    work_off(project, "propose")
    first = images["group_orientation_1.jpg"]
    for name, image in images.items():
        assert (image.width, image.height) == (1024, 683), name
        found = boxes_of(image)
        assert agree(found, boxes_of(first), ALIKE), name
        assert all(max(iou(tuple(box), one) for one in found) >= 0.75 for box in truth[name]), name
    crops = {name: crops_of(client_for(owner), image, truth[name]) for name, image in images.items()}
    for name, own in crops.items():
        for ours, theirs in zip(own, crops[first.name], strict=True):
            assert difference(ours, theirs) < 4, name
