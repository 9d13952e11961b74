"""Writes a model's head as an ONNX graph and holds it against what serves. Runs in workers only.

The graph is the head alone: `embedding` (n, d) → `projected` (n, d), normalise(x + Wx). What makes the embedding out of
a photo stays what the file's metadata names.
"""

import hashlib

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

from jobs.errors import JobFailed, TryLater
from jobs.work import Work
from labelling import storage
from recognition.heads import Adapter
from recognition.models import Model
from recognition.onnx_files import session_of
from recognition.serving import CannotServe, head_of
from recognition.trained_head import TrainedHead

OPSET = 17
IR_VERSION = 8  # what runtimes of the last years read
ROWS = 1_000
MOST_DIFFERENCE = 1e-5
LEAST_LENGTH = 1e-12


def export_onnx(model: Model, work: Work) -> dict:
    """Store the graph beside the model and write down how far it is from numpy and torch. Safe to repeat."""
    try:
        head = head_of(model)
    except CannotServe as error:
        raise JobFailed(str(error)) from error
    except storage.StoreAway as error:
        raise TryLater("The object store does not answer.") from error
    data = head_as_onnx(head, notes_of(model))
    difference = largest_difference(data, head)
    if not difference <= MOST_DIFFERENCE:
        raise JobFailed(
            f"The graph's vectors differ from the model's by up to {difference:.2g}, more than {MOST_DIFFERENCE:g}; "
            "it was not stored."
        )
    key = f"projects/{model.project_id}/onnx/{model.artifact_sha256}.onnx"
    storage.put(key, data)
    stored = {
        "key": key,
        "sha256": hashlib.sha256(data).hexdigest(),
        "byte_size": len(data),
        "max_difference": difference,
        "compared": ROWS,
        "opset": OPSET,
        "onnxruntime": onnxruntime.__version__,
    }
    with work.chunk(0):
        Model.objects.filter(pk=model.pk).update(onnx=stored)
    return {"said": f"Written; it differs from the model by {difference:.1g} at most."}


def notes_of(model: Model) -> dict[str, str]:
    return {
        "facet.kind": "head",
        "facet.recipe": model.kind,
        "facet.embedder": model.embedder,
        "facet.model_sha256": model.artifact_sha256,
        "facet.version_content_hash": model.version.content_hash,
    }


def head_as_onnx(head: TrainedHead, notes: dict[str, str]) -> bytes:
    """The same head gives the same bytes."""
    size = head.weight.shape[0]
    constants = [
        numpy_helper.from_array(np.ascontiguousarray(head.weight.T), "weight"),
        numpy_helper.from_array(np.array([1], np.int64), "axis"),
        numpy_helper.from_array(np.array(LEAST_LENGTH, np.float32), "least_length"),
    ]
    nodes = [
        helper.make_node("MatMul", ["embedding", "weight"], ["change"]),
        helper.make_node("Add", ["embedding", "change"], ["moved"]),
        helper.make_node("Mul", ["moved", "moved"], ["squares"]),
        helper.make_node("ReduceSum", ["squares", "axis"], ["square_length"], keepdims=1),
        helper.make_node("Sqrt", ["square_length"], ["bare_length"]),
        helper.make_node("Max", ["bare_length", "least_length"], ["length"]),
        helper.make_node("Div", ["moved", "length"], ["projected"]),
    ]
    shapes = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size]) for name in ("embedding", "projected")
    ]
    graph = helper.make_graph(nodes, "facet_head", shapes[:1], shapes[1:], constants)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="facet"
    )
    helper.set_model_props(model, dict(sorted(notes.items())))
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def largest_difference(data: bytes, head: TrainedHead) -> float:
    """Of any number, between the graph in onnxruntime and the head in numpy and in torch, over seeded unit vectors."""
    size = head.weight.shape[0]
    vectors = np.random.default_rng(0).normal(size=(ROWS, size)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    (made,) = session_of(data).run(None, {"embedding": vectors})
    adapter = Adapter(size)
    with torch.no_grad():
        adapter.change.weight.copy_(torch.from_numpy(head.weight.copy()))
        in_torch = adapter(torch.from_numpy(vectors)).numpy()
    return float(max(np.abs(made - head.project(vectors)).max(), np.abs(made - in_torch).max()))
