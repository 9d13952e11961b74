"""An embedding network from an ONNX file of the operator's: `onnx:<name>`. Worker-only.

FACET_ONNX_EMBEDDERS names the files, as `name=/path/to/file.onnx`, with commas between several.
"""

import os
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np

from recognition.alignment import DegenerateLandmarks, align, crop_with_margin, require_rgb
from recognition.embedders import (
    FaceGeometry,
    UnknownEmbedder,
    WeightsUnavailable,
    _landmarks_fit,
    _sha256,
    _unit_rows,
)
from recognition.onnx_files import BadOnnx, Preparation, Shape, checked, preparation_of, session_of

PREFIX = "onnx:"
VARIABLE = "FACET_ONNX_EMBEDDERS"
LONGEST = 40  # letters, as rows keep the name
AT_ONCE = 8
# Where ArcFace's training put eyes, nose and corners of the mouth in its 112 px chips (insightface).
ARCFACE = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])
ARCFACE_PX = 112


def onnx_paths() -> dict[str, Path]:
    """Files by name, as the operator gave them."""
    pairs = (one.partition("=") for one in os.environ.get(VARIABLE, "").split(",") if one.strip())
    return {name.strip(): Path(path.strip()) for name, _, path in pairs}


class OnnxEmbedder:
    """Any network that takes faces as pixels and gives a vector for each."""

    def __init__(self, name: str):
        self.name = name
        self._path = onnx_paths().get(name.removeprefix(PREFIX))
        if self._path is None or len(name) > LONGEST:
            known = ", ".join(PREFIX + one for one in onnx_paths()) or "none"
            raise UnknownEmbedder(f"There is no embedder called “{name}”. {VARIABLE} names: {known}.")
        self._session = None

    @property
    def dimensions(self) -> int:
        return self._read()[0].dimensions

    def _read(self) -> tuple[Shape, Preparation]:
        try:
            return _described(self._path, self._path.stat().st_mtime_ns)
        except OSError as error:
            raise WeightsUnavailable(
                f"There is no file {self._path}, which {VARIABLE} names for “{self.name}”. Put it there and restart "
                "the worker, or choose the embedder “dlib”, which needs no file."
            ) from error
        except BadOnnx as error:
            raise WeightsUnavailable(f"{self._path} cannot be used as an embedder. {error}") from error

    def describe(self) -> dict:
        """As DlibEmbedder.describe; weights_sha256 is None while the file is not on this machine."""
        if not self._path.is_file():
            return {
                "name": self.name, "dimensions": None, "library": {"onnxruntime": version("onnxruntime")},
                "weights_sha256": None, "preprocessing": None,
            }  # fmt: skip
        shape, prepared = self._read()
        return {
            "name": self.name,
            "dimensions": shape.dimensions,
            "library": {"onnxruntime": version("onnxruntime")},
            "weights_sha256": _sha256(self._path),
            "preprocessing": prepared.words(),
        }

    def load(self) -> None:
        """Read and check the file; a second call does nothing. Raises WeightsUnavailable, saying what to do."""
        if self._session is None:
            self._read()
            try:
                self._session = session_of(self._path.read_bytes())
            except BadOnnx as error:
                raise WeightsUnavailable(f"{self._path} cannot be used as an embedder. {error}") from error

    def embed(self, image: np.ndarray, faces: Sequence[FaceGeometry]) -> np.ndarray:
        """image: uint8 RGB (height, width, 3). Returns (n, d) float32, rows of unit length.

        Raises UnusableImage, ValueError as DlibEmbedder.embed, and WeightsUnavailable.
        """
        image = require_rgb(image)
        self.load()
        shape, prepared = self._read()
        if not faces:
            return np.empty((0, shape.dimensions), np.float32)
        chips = np.stack([_chip(image, face, prepared) for face in faces])
        if prepared.order == "bgr":
            chips = chips[..., ::-1]
        pixels = ((chips.astype(np.float32) - prepared.mean) / prepared.scale).transpose(0, 3, 1, 2)
        step = AT_ONCE if shape.takes_many else 1
        parts = [
            self._session.run(None, {shape.input_name: np.ascontiguousarray(pixels[start : start + step])})[0]
            for start in range(0, len(pixels), step)
        ]
        vectors = np.concatenate(parts).astype(np.float64)
        if vectors.shape != (len(faces), shape.dimensions) or not np.isfinite(vectors).all():
            raise WeightsUnavailable(f"{self._path} gives vectors that are none. Choose another embedder.")
        return _unit_rows(vectors)


def _chip(image: np.ndarray, face: FaceGeometry, prepared: Preparation) -> np.ndarray:
    """One face as the network was trained to see it; by its box where there are no landmarks."""
    size = prepared.input_px
    crop = crop_with_margin(image, face.box, prepared.margin)  # refuses a box outside the image, in words
    if prepared.cut == "five points" and _landmarks_fit(face):
        try:
            return align(image, face.landmarks, ARCFACE * (size / ARCFACE_PX), size)
        except DegenerateLandmarks:
            pass  # the box still tells where the face is
    return cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)


@cache
def _described(path: Path, changed: int) -> tuple[Shape, Preparation]:
    """changed: when the file was written; another one is read anew."""
    model, shape = checked(path.read_bytes())
    return shape, preparation_of(model, shape, path.with_suffix(".json"))
