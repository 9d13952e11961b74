"""Reads ONNX files that others made, as data: what could reach beyond the file is refused before anything runs.

Runs in workers only.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import DecodeError

MOST_BYTES = 1024**3
MOST_PIXELS = 1024  # a side of the input
STANDARD = {"", "ai.onnx"}  # operators that every runtime has; others would need code from elsewhere


class BadOnnx(ValueError):
    """This file cannot be used; the message says why."""


@dataclass(frozen=True)
class Preparation:
    """How a face becomes the network's input: (pixel - mean) / scale.

    cut: "five points" turns the face upright by its landmarks as ArcFace does, "box" takes the box with a margin.
    order: of colours, "rgb" or "bgr". margin: share of the box added on each side.
    """

    input_px: int = 112
    mean: float = 127.5
    scale: float = 127.5
    order: str = "rgb"
    cut: str = "five points"
    margin: float = 0.1

    def words(self) -> str:
        return f"{self.cut} to {self.input_px} px, {self.order}, (x - {self.mean:g}) / {self.scale:g}, 1"


@dataclass(frozen=True)
class Shape:
    """The network's one input, which may take many faces at once or one, and its one output."""

    input_name: str
    input_px: int | None
    takes_many: bool
    dimensions: int


def checked(data: bytes) -> tuple[onnx.ModelProto, Shape]:
    """The model in `data` and its shape. Raises BadOnnx."""
    if len(data) > MOST_BYTES:
        raise BadOnnx(f"The file has more than {MOST_BYTES // 1024**2:,} MB.")
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise BadOnnx("The file is no ONNX model.") from error
    _only_itself(model)
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise BadOnnx(f"The file is no valid ONNX model: {str(error).splitlines()[0]}") from error
    return model, _shape(model)


def _only_itself(model: onnx.ModelProto) -> None:
    """No weights in other files, whose names could be any path, and no operators that need code from elsewhere."""
    foreign = {one.domain for one in model.opset_import} - STANDARD
    foreign |= {function.domain for function in model.functions} - STANDARD
    if foreign:
        raise BadOnnx(f"It needs operators of {', '.join(sorted(foreign))}; only those of ONNX itself are run.")
    for graph in _graphs(model.graph):
        if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in _tensors(graph)):
            raise BadOnnx("Its weights lie in other files. Save it as one file.")


def _graphs(graph: onnx.GraphProto):
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _graphs(inner)


def _tensors(graph: onnx.GraphProto):
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (*([attribute.t] if attribute.HasField("t") else []), *attribute.tensors)


def _shape(model: onnx.ModelProto) -> Shape:
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [one for one in model.graph.input if one.name not in weights]
    if len(inputs) != 1 or len(model.graph.output) != 1:
        raise BadOnnx("An embedder has one input, faces as pixels, and one output, their vectors.")
    many, colours, height, width = _sides(inputs[0], 4, "input of shape (faces, 3, height, width)")
    if colours not in (3, None) or height != width:
        raise BadOnnx("Its input must have three colours first and then equal sides: (faces, 3, height, width).")
    *_, dimensions = _sides(model.graph.output[0], 2, "output of shape (faces, numbers)")
    if not dimensions or not 2 <= dimensions <= 4_000:
        raise BadOnnx("It does not say how many numbers it gives for a face, or more than 4,000.")
    return Shape(inputs[0].name, height, many != 1, dimensions)


def _sides(value: onnx.ValueInfoProto, count: int, what: str) -> list[int | None]:
    kind = value.type.tensor_type
    if kind.elem_type != onnx.TensorProto.FLOAT or len(kind.shape.dim) != count:
        raise BadOnnx(f"An embedder needs a float {what}.")
    return [side.dim_value if side.HasField("dim_value") and side.dim_value > 0 else None for side in kind.shape.dim]


def preparation_of(model: onnx.ModelProto, shape: Shape, beside: Path | None = None) -> Preparation:
    """From the file's metadata, `facet.input_px` and so on, or a JSON file beside it, which has the last word."""
    said = {one.key.removeprefix("facet."): one.value for one in model.metadata_props if one.key.startswith("facet.")}
    if beside is not None and beside.is_file():
        try:
            said |= json.loads(beside.read_text())
        except (OSError, ValueError, TypeError) as error:
            raise BadOnnx(f"{beside.name} beside it is no JSON object: {error}") from error
    if shape.input_px:
        said.setdefault("input_px", shape.input_px)
    known = {field.name: field.type for field in fields(Preparation)}
    try:
        prepared = Preparation(**{name: known[name](value) for name, value in said.items() if name in known})
    except (TypeError, ValueError) as error:
        raise BadOnnx(f"What it says about its input cannot be read: {error}") from error
    _must_make_sense(prepared, shape)
    return prepared


def _must_make_sense(prepared: Preparation, shape: Shape) -> None:
    if prepared.order not in {"rgb", "bgr"} or prepared.cut not in {"five points", "box"}:
        raise BadOnnx("Colours are “rgb” or “bgr”, faces are cut by “five points” or “box”.")
    if not 8 <= prepared.input_px <= MOST_PIXELS or shape.input_px not in (None, prepared.input_px):
        raise BadOnnx(f"Its input has {shape.input_px or prepared.input_px} px a side, which does not fit.")
    numbers = (prepared.mean, prepared.scale, prepared.margin)
    if not np.isfinite(numbers).all() or prepared.scale == 0 or not 0 <= prepared.margin <= 1:
        raise BadOnnx("Mean, scale and margin must be finite, the scale not 0, the margin from 0 to 1.")


def session_of(data: bytes) -> onnxruntime.InferenceSession:
    """On the processor, with one thread: workers share it. Raises BadOnnx."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's errors have no class of their own that it exports
        raise BadOnnx(f"onnxruntime cannot run it: {str(error).splitlines()[0]}") from error
