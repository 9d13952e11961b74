"""A model goes out as ONNX and is held against the original; networks from ONNX files describe faces."""

import hashlib
import json

import numpy as np
import onnx
import pytest
from django.urls import reverse
from onnx import TensorProto, helper, numpy_helper

from jobs.models import State
from labelling import storage
from recognition.embed import loaded_embedder
from recognition.embedders import FaceGeometry, UnknownEmbedder, WeightsUnavailable, get_embedder
from recognition.models import Embedding, Model
from recognition.onnx_embedder import VARIABLE, OnnxEmbedder
from recognition.onnx_export import head_as_onnx, largest_difference
from recognition.onnx_files import BadOnnx, checked, preparation_of, session_of
from recognition.trained_head import TrainedHead

SIDE = 16


def head(seed=1, size=128) -> TrainedHead:
    return TrainedHead(np.random.default_rng(seed).normal(scale=0.1, size=(size, size)).astype(np.float32))


# ── export ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_graph_gives_the_vectors_of_the_head_also_for_one_and_for_none():
    made = head()
    data = head_as_onnx(made, {"facet.kind": "head"})
    assert 0 < largest_difference(data, made) < 1e-6
    session = session_of(data)
    vectors = np.eye(128, dtype=np.float32)[:5]
    for rows in (vectors, vectors[:1], vectors[:0]):
        assert np.allclose(session.run(None, {"embedding": rows})[0], made.project(rows), atol=1e-6)
    assert not np.isnan(session.run(None, {"embedding": np.zeros((1, 128), np.float32)})[0]).any()


def test_the_same_head_gives_the_same_bytes_and_another_head_is_told_apart():
    assert head_as_onnx(head(), {"a": "b"}) == head_as_onnx(head(), {"a": "b"})
    assert largest_difference(head_as_onnx(head(2), {}), head(1)) > 0.1


@pytest.fixture
def model(project, make_version):
    data = head().to_bytes()
    digest = hashlib.sha256(data).hexdigest()
    key = f"projects/{project.pk}/models/{digest}.safetensors"
    storage.put(key, data)
    return Model.objects.create(
        project=project, name="Head", kind="arcface_head", embedder="dlib", version=make_version(), artifact_key=key,
        artifact_sha256=digest,
    )  # fmt: skip


def test_a_model_is_written_checked_and_downloaded(model, project, engineer, api_for, client_for, work_off):
    api = api_for(engineer)
    assert api.get(f"/api/v1/models/{model.pk}/onnx/").status_code == 400  # not written yet
    assert api.post(f"/api/v1/models/{model.pk}/onnx/").status_code == 202
    (job,) = work_off(project, "onnx_export")
    assert job.state == State.DONE, job.message
    model.refresh_from_db()
    answer = api.get(f"/api/v1/models/{model.pk}/onnx/")
    data = b"".join(answer.streaming_content)
    assert hashlib.sha256(data).hexdigest() == model.onnx["sha256"]
    assert 0 < model.onnx["max_difference"] <= 1e-5
    notes = {one.key: one.value for one in onnx.load_model_from_string(data).metadata_props}
    assert notes["facet.model_sha256"] == model.artifact_sha256 and notes["facet.embedder"] == "dlib"
    page = client_for(engineer).get(reverse("model", args=[project.slug, model.pk])).content.decode()
    assert f"{model.onnx['max_difference']:.1e}" in page and "Download" in page
    assert api.get(f"/api/v1/models/{model.pk}/").data["onnx"]["sha256"] == model.onnx["sha256"]


def test_taking_a_model_away_needs_an_engineer(model, project, reviewer, api_for, client_for):
    api = api_for(reviewer)
    assert api.post(f"/api/v1/models/{model.pk}/onnx/").status_code == 403
    assert api.get(f"/api/v1/models/{model.pk}/onnx/").status_code == 403
    assert client_for(reviewer).get(reverse("model-onnx", args=[project.slug, model.pk])).status_code == 403


# ── embedders ─────────────────────────────────────────────────────────────────────────────────────────────


def network(batch="n", side=SIDE, dimensions=4, outputs=("vectors",), **notes) -> onnx.ModelProto:
    """The mean of each colour, times a fixed matrix."""
    weight = np.arange(3 * dimensions, dtype=np.float32).reshape(3, dimensions) - 4
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["faces"], ["means"]),
            helper.make_node("Flatten", ["means"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weight"], ["vectors"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, [batch, 3, side, side])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, dimensions]) for name in outputs],
        [numpy_helper.from_array(weight, "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {f"facet.{name}": str(value) for name, value in notes.items()})
    return model


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    def make(model=None, name="tiny", **notes) -> str:
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(model if isinstance(model, bytes) else (model or network(**notes)).SerializeToString())
        monkeypatch.setenv(VARIABLE, f"other=/nowhere/else.onnx, {name}={path}")
        loaded_embedder.cache_clear()
        return f"onnx:{name}"

    yield make
    loaded_embedder.cache_clear()


def picture(colour=(200, 100, 50)) -> np.ndarray:
    return np.full((60, 60, 3), colour, np.uint8)


FACE = FaceGeometry((10.0, 10.0, 30.0, 30.0))


def expected(colour, mean=127.5, scale=127.5) -> np.ndarray:
    vector = ((np.array(colour) - mean) / scale) @ (np.arange(12).reshape(3, 4) - 4)
    return vector / np.linalg.norm(vector)


def test_a_file_of_the_operators_describes_faces(tiny):
    embedder = get_embedder(tiny())
    assert isinstance(embedder, OnnxEmbedder) and embedder.dimensions == 4
    made = embedder.embed(picture(), [FACE] * 11)
    assert made.shape == (11, 4) and made.dtype == np.float32
    assert np.allclose(made, expected((200, 100, 50)), atol=1e-5)
    assert embedder.embed(picture(), []).shape == (0, 4)
    said = embedder.describe()
    assert said["dimensions"] == 4 and len(said["weights_sha256"]) == 64 and "16 px" in said["preprocessing"]


def test_how_pixels_are_prepared_is_what_the_file_says(tiny):
    made = get_embedder(tiny(order="bgr", mean=0, scale=255, cut="box")).embed(picture(), [FACE])
    assert np.allclose(made, expected((50, 100, 200), 0, 255), atol=1e-5)


def test_a_json_file_beside_it_has_the_last_word(tiny, tmp_path):
    name = tiny(mean=0, scale=255)
    (tmp_path / "tiny.json").write_text(json.dumps({"mean": 100.0}))
    assert np.allclose(get_embedder(name).embed(picture(), [FACE]), expected((200, 100, 50), 100, 255), atol=1e-5)


def test_a_network_for_one_face_at_a_time_takes_many(tiny):
    assert get_embedder(tiny(batch=1)).embed(picture(), [FACE] * 3).shape == (3, 4)


def external() -> onnx.ModelProto:
    model = network()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    return model


def foreign() -> onnx.ModelProto:
    model = network()
    model.opset_import.append(helper.make_opsetid("com.evil", 1))
    return model


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"no model", "no ONNX model|no valid ONNX"),
        (external().SerializeToString(), "lie in other files"),
        (foreign().SerializeToString(), "operators of com.evil"),
        (network(outputs=("vectors", "flat")).SerializeToString(), "one input"),
        (network(dimensions=1).SerializeToString(), "how many numbers"),
        (network().SerializeToString()[:-40], "no ONNX model|no valid ONNX|one input"),
    ],
)
def test_files_that_are_no_embedder_are_refused_before_they_run(tiny, data, words):
    with pytest.raises(BadOnnx, match=words):
        checked(data)
    with pytest.raises(WeightsUnavailable, match="cannot be used as an embedder"):
        get_embedder(tiny(data)).load()


@pytest.mark.parametrize(
    "notes", [{"input_px": 32}, {"scale": 0}, {"mean": "nan"}, {"order": "cmyk"}, {"cut": "by hand"}, {"mean": "x"}]
)
def test_what_the_file_says_of_its_input_must_make_sense(notes):
    model, shape = checked(network(**notes).SerializeToString())
    with pytest.raises(BadOnnx):
        preparation_of(model, shape)


def test_names_and_files_that_are_not_there_say_what_to_do(tiny):
    tiny()
    with pytest.raises(UnknownEmbedder, match="onnx:other, onnx:tiny"):
        get_embedder("onnx:else")
    missing = get_embedder("onnx:other")
    assert missing.describe()["weights_sha256"] is None
    with pytest.raises(WeightsUnavailable, match="choose the embedder “dlib”"):
        missing.load()


def test_faces_of_a_project_are_described_by_it_and_names_suggested(tiny, project, add_portrait, work_off):
    project.stored_settings = {"embedder": tiny()}
    project.save()
    add_portrait(1)
    jobs = work_off(project, "propose", "embed", "suggest", "cluster")
    assert all(job.state == State.DONE for job in jobs), [job.message for job in jobs]
    row = Embedding.objects.get()
    assert row.embedder == "onnx:tiny" and len(row.vector) == 4
