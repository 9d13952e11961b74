"""Model files small enough to be written by hand, which OpenCV runs as it runs the real ones.

`write_yunet`: a network with YuNet's outputs that sees a face around every red cell of 8 px.
`write_cascade`: a cascade that sees a face of 20 px around every bright square of 10 px, and in proportion.
"""

import struct
from math import log
from pathlib import Path

FACE_PX = 32
# x, y of five landmarks from the cell's corner, in cells.
POINTS = (-0.5, -0.5, 1.5, -0.5, 0.5, 0.5, -0.25, 1.5, 1.25, 1.5)

CASCADE = """<?xml version="1.0"?>
<opencv_storage>
<cascade type_id="opencv-cascade-classifier">
  <stageType>BOOST</stageType><featureType>HAAR</featureType><height>20</height><width>20</width>
  <stageParams><maxWeakCount>1</maxWeakCount></stageParams><featureParams><maxCatCount>0</maxCatCount></featureParams>
  <stageNum>1</stageNum>
  <stages><_>
    <maxWeakCount>1</maxWeakCount><stageThreshold>0.5</stageThreshold>
    <weakClassifiers><_><internalNodes>0 -1 0 1.3</internalNodes><leafValues>0. 1.</leafValues></_></weakClassifiers>
  </_></stages>
  <features><_><rects><_>0 0 20 20 -1.</_><_>5 5 10 10 4.</_></rects></_></features>
</cascade>
</opencv_storage>
"""


def write_cascade(path: Path) -> Path:
    path.write_text(CASCADE)
    return path


def write_yunet(path: Path) -> Path:
    nodes, constants, outputs = [], [], []
    for stride in (8, 16, 32):
        nodes.append(_node("AveragePool", ["input"], f"pool_{stride}", kernel_shape=[stride] * 2, strides=[stride] * 2))
        red = [-1 / 255, 0, 1 / 255] if stride == 8 else [0, 0, 0]  # OpenCV gives blue, green, red
        for name, weights, bias in (
            ("cls", red, [0]),
            ("obj", red, [0]),
            ("bbox", [0] * 12, [0.5, 0.5, log(FACE_PX / stride), log(FACE_PX / stride)]),
            ("kps", [0] * 30, POINTS),
        ):
            out = f"{name}_{stride}"
            constants += [_floats(f"{out}_w", [len(bias), 3, 1, 1], weights), _floats(f"{out}_b", [len(bias)], bias)]
            constants.append(_longs(f"{out}_shape", [1, -1, len(bias)]))
            nodes.append(_node("Conv", [f"pool_{stride}", f"{out}_w", f"{out}_b"], f"{out}_map", kernel_shape=[1, 1]))
            nodes.append(_node("Transpose", [f"{out}_map"], f"{out}_last", perm=[0, 2, 3, 1]))
            nodes.append(_node("Reshape", [f"{out}_last", f"{out}_shape"], out))
            outputs.append((out, [1, "n", len(bias)]))
    # YuNet's own order: all classes, all objectness, all boxes, all landmarks.
    outputs.sort(key=lambda output: ["cls", "obj", "bbox", "kps"].index(output[0].split("_")[0]))
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, b"tiny")
    graph += b"".join(_field(5, constant) for constant in constants)
    graph += _field(11, _value("input", [1, 3, "h", "w"]))
    graph += b"".join(_field(12, _value(*output)) for output in outputs)
    path.write_bytes(_number(1, 8) + _field(7, graph) + _field(8, _field(1, b"") + _number(2, 13)))
    return path


# ONNX is a protocol buffer: fields of a number and, here, a whole number or bytes.


def _varint(value: int) -> bytes:
    value %= 1 << 64
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _node(kind: str, inputs: list[str], output: str, **attributes: list[int]) -> bytes:
    body = b"".join(_field(1, name.encode()) for name in inputs) + _field(2, output.encode())
    body += _field(3, output.encode()) + _field(4, kind.encode())
    for name, values in attributes.items():
        numbers = b"".join(_number(8, value) for value in values)
        body += _field(5, _field(1, name.encode()) + numbers + _number(20, 7))
    return body


def _floats(name: str, shape: list[int], values) -> bytes:
    return _tensor(name, shape, 1, struct.pack(f"<{len(values)}f", *values))


def _longs(name: str, values: list[int]) -> bytes:
    return _tensor(name, [len(values)], 7, struct.pack(f"<{len(values)}q", *values))


def _tensor(name: str, shape: list[int], kind: int, raw: bytes) -> bytes:
    return b"".join(_number(1, side) for side in shape) + _number(2, kind) + _field(8, name.encode()) + _field(9, raw)


def _value(name: str, shape: list) -> bytes:
    sides = b"".join(
        _field(1, _number(1, side) if isinstance(side, int) else _field(2, side.encode())) for side in shape
    )
    return _field(1, name.encode()) + _field(2, _field(1, _number(1, 1) + _field(2, sides)))
