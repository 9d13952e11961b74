"""The one door to embedding networks: a photo and its faces in, unit vectors out. Worker-only.

Each network's library is imported when its embedder is loaded: a worker that runs dlib needs no torch.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.request import urlopen

import cv2
import numpy as np

from recognition.alignment import DegenerateLandmarks, align, crop_with_margin, require_rgb

if TYPE_CHECKING:
    import torch

FloatArray = np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class FaceGeometry:
    """Where a face is: `box` (x, y, w, h) and, if a detector found it, `landmarks` (5, 2) as it gave them."""

    box: tuple[float, float, float, float]
    landmarks: FloatArray | None = None


class WeightsUnavailable(RuntimeError):
    """A network's weights cannot be had; the message says what to do."""


class UnknownEmbedder(ValueError):
    """No embedder has that name, or it does not know a parameter."""


class Embedder(Protocol):
    """Cheap to construct; `load` reads weights once; `embed` gives one row per face, in order."""

    name: str
    dimensions: int

    def describe(self) -> dict: ...

    def load(self) -> None: ...

    def embed(self, image: np.ndarray, faces: Sequence[FaceGeometry]) -> FloatArray: ...


class DlibEmbedder:
    """dlib's ResNet, 128 numbers per face, weights under CC0 from the face_recognition_models wheel."""

    name = "dlib"
    dimensions = 128
    chip_px = 150
    # Where MTCNN's eyes, nose and corners of the mouth lie in the chips that dlib's own alignment cuts:
    # medians over 309 LFW faces (eyes within 2 px, nose and mouth within 6), made symmetrical.
    TEMPLATE = np.array([[47.9, 46.6], [102.1, 46.6], [75.0, 78.9], [51.3, 106.3], [98.7, 106.3]])

    def __init__(self) -> None:
        self._network = None
        self._five_points = None

    def describe(self) -> dict:
        """What must be equal for two runs to give the same vectors; JSON-ready."""
        return {
            "name": self.name,
            "dimensions": self.dimensions,
            "library": {"dlib-bin": version("dlib-bin")},
            "weights_sha256": _sha256(_dlib_model("dlib_face_recognition_resnet_model_v1.dat")),
            "preprocessing": "five points to a 150 px chip, 1",
        }

    def load(self) -> None:
        """Read the weights; a second call does nothing."""
        if self._network is None:
            import dlib

            self._five_points = dlib.shape_predictor(str(_dlib_model("shape_predictor_5_face_landmarks.dat")))
            self._network = dlib.face_recognition_model_v1(
                str(_dlib_model("dlib_face_recognition_resnet_model_v1.dat"))
            )

    def embed(self, image: np.ndarray, faces: Sequence[FaceGeometry]) -> FloatArray:
        """image: uint8 RGB (height, width, 3). Returns (n, 128) float32, rows of unit length.

        Raises UnusableImage for other arrays, ValueError for a box outside the image.
        """
        image = require_rgb(image)
        if not faces:
            return np.empty((0, self.dimensions), np.float32)
        self.load()
        chips = [np.ascontiguousarray(self._chip(image, face)) for face in faces]
        return _unit_rows(np.array(self._network.compute_face_descriptor(chips), dtype=np.float64))

    def _chip(self, image: np.ndarray, face: FaceGeometry) -> np.ndarray:
        crop_with_margin(image, face.box)  # refuses a box outside the image, in words
        if _landmarks_fit(face):
            try:
                return align(image, face.landmarks, self.TEMPLATE, self.chip_px)
            except DegenerateLandmarks:
                pass  # the box still tells where the face is
        import dlib

        shape = self._five_points(image, dlib.rectangle(*_dlib_corners(face.box)))
        return dlib.get_face_chip(image, shape, size=self.chip_px, padding=0.25)


class FacenetEmbedder:
    """FaceNet (InceptionResnetV1 trained on VGGFace2), 512 numbers per face.

    weights: a .pt or .safetensors file; FACET_FACENET_WEIGHTS or else facenet-pytorch's own download when None.
    """

    name = "facenet"
    dimensions = 512
    input_px = 160
    # Share of the box added on each side: the crop that facenet-pytorch's own LFW evaluation feeds the network.
    MARGIN = 14 / (160 - 14) / 2
    FACES_PER_PASS = 8

    def __init__(self, weights: str | Path | None = None, device: str | None = None):
        self._weights = Path(weights) if weights else None
        self._device = device
        self._network = None

    def describe(self) -> dict:
        """As DlibEmbedder.describe; weights_sha256 is None while the weights are not on this machine."""
        path = self._path()
        return {
            "name": self.name,
            "dimensions": self.dimensions,
            "library": {package: version(package) for package in ("facenet-pytorch", "torch")},
            "weights_sha256": _sha256(path) if path.is_file() else None,
            "preprocessing": "box with margin to 160 px, 1",
        }

    def load(self) -> None:
        """Read the weights; a second call does nothing. Raises WeightsUnavailable, saying what to do."""
        if self._network is None:
            path = self._path()
            _must_have(path)
            import torch

            torch.set_num_threads(int(os.environ.get("FACET_TORCH_THREADS", "1")))
            device = self._device or ("cuda" if torch.cuda.is_available() else "cpu")
            self._network = _facenet_network(path).to(device, memory_format=torch.channels_last)
            self._device = device

    @property
    def network(self) -> "torch.nn.Module":
        """The network itself, loaded: for who trains it on."""
        self.load()
        return self._network

    def _path(self) -> Path:
        chosen = self._weights or os.environ.get("FACET_FACENET_WEIGHTS")
        return Path(chosen) if chosen else _facenet_download()

    def embed(self, image: np.ndarray, faces: Sequence[FaceGeometry]) -> FloatArray:
        """image: uint8 RGB (height, width, 3). Returns (n, 512) float32, rows of unit length.

        Raises UnusableImage, ValueError as DlibEmbedder.embed, and WeightsUnavailable.
        """
        image = require_rgb(image)
        if not faces:
            return np.empty((0, self.dimensions), np.float32)
        self.load()
        crops = [self.square(image, face.box, self.input_px) for face in faces]
        starts = range(0, len(crops), self.FACES_PER_PASS)
        passes = [self._run(np.stack(crops[start : start + self.FACES_PER_PASS])) for start in starts]
        return _unit_rows(np.concatenate(passes).astype(np.float64))

    @classmethod
    def square(cls, image: np.ndarray, box: tuple[float, float, float, float], side: int) -> np.ndarray:
        """What the network sees of a face: uint8, shape (side, side, 3)."""
        return cv2.resize(crop_with_margin(image, box, cls.MARGIN), (side, side), interpolation=cv2.INTER_AREA)

    def _run(self, crops: np.ndarray) -> FloatArray:
        import torch

        with torch.inference_mode():
            pixels = torch.from_numpy(crops).to(self._device).permute(0, 3, 1, 2)
            return self._network(as_input(pixels)).cpu().numpy()


def as_input(pixels: "torch.Tensor") -> "torch.Tensor":
    """Pixels of 0 to 255 as FaceNet was trained to get them, about -1 to 1."""
    return (pixels.float() - 127.5) / 128.0


FACENET_URL = "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/20180402-114759-vggface2.pt"
_WHAT_TO_DO = (
    f"Fetch {FACENET_URL} on a machine that can, set FACET_FACENET_WEIGHTS to the file's path and restart the "
    "worker; or choose the embedder “dlib”, which needs no download."
)


def _facenet_download() -> Path:
    """Where facenet-pytorch keeps its download, so that one already made by it is found."""
    cache_home = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    torch_home = os.environ.get("TORCH_HOME", f"{cache_home}/torch")
    return Path(torch_home).expanduser() / "checkpoints" / FACENET_URL.rsplit("/", 1)[1]


def _must_have(path: Path) -> None:
    """Fetch the weights if they belong to facenet-pytorch's download and are not there. Raises WeightsUnavailable."""
    if path.is_file():
        return
    if path != _facenet_download():
        raise WeightsUnavailable(f"There is no file {path}, where the FaceNet weights should be. {_WHAT_TO_DO}")
    _fetch(FACENET_URL, path)


def _facenet_network(path: Path) -> "torch.nn.Module":
    """InceptionResnetV1 with the weights in `path`. Raises WeightsUnavailable when it holds something else."""
    from facenet_pytorch import InceptionResnetV1

    state = {key: value for key, value in _read_tensors(path).items() if not key.startswith("logits.")}
    network = InceptionResnetV1(pretrained=None, classify=False)
    try:
        network.load_state_dict(state)
    except (RuntimeError, AttributeError, TypeError) as error:
        # torch lists hundreds of names of layers here; the log has them, a person needs none.
        raise WeightsUnavailable(f"{path} holds weights of another network than FaceNet. {_WHAT_TO_DO}") from error
    return network.eval()


def _read_tensors(path: Path) -> dict:
    """Tensors by name from a .safetensors or .pt file; neither way of reading runs code from the file."""
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the readers fail in whatever way damaged bytes lead them to
        raise WeightsUnavailable(f"{path} could not be read as weights. {_WHAT_TO_DO}") from error
    if not isinstance(state, dict):
        raise WeightsUnavailable(f"{path} holds a {type(state).__name__}, no named weights. {_WHAT_TO_DO}")
    return state


def _fetch(url: str, path: Path) -> None:
    """Download with a limit on silence (the library's own download would wait for ever), whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with urlopen(url, timeout=20) as answer, part.open("wb") as target:  # noqa: S310 (one fixed https address)
            shutil.copyfileobj(answer, target)
            if answer.length:
                raise HTTPException(f"the connection broke with {answer.length} bytes to come")
        part.replace(path)
    except (OSError, HTTPException) as error:
        raise WeightsUnavailable(f"The FaceNet weights could not be downloaded ({error}). {_WHAT_TO_DO}") from error
    finally:
        part.unlink(missing_ok=True)


def _landmarks_fit(face: FaceGeometry) -> bool:
    """Whether the landmarks belong to the box: a person may have moved it since they were found."""
    if face.landmarks is None or not np.isfinite(face.landmarks).all():
        return False
    x, y, w, h = face.box
    middle_x, middle_y = np.mean(face.landmarks, axis=0)
    return bool(x < middle_x < x + w and y < middle_y < y + h)


def _dlib_corners(box: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
    """The square that dlib's landmark network was trained to start from: browless, down to below the chin.

    Position and size relative to MTCNN's boxes are means over 309 LFW faces that both detectors found.
    """
    x, y, w, h = box
    half = max(0.973 * (w * h) ** 0.5, 2.0) / 2
    middle_x, middle_y = x + w / 2, y + 0.564 * h
    return tuple(round(value) for value in (middle_x - half, middle_y - half, middle_x + half, middle_y + half))


def _unit_rows(vectors: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)


def _dlib_model(filename: str) -> Path:
    return Path(str(files("face_recognition_models") / "models" / filename))


@cache
def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


_EMBEDDERS: dict[str, Callable[..., Embedder]] = {
    DlibEmbedder.name: DlibEmbedder,
    FacenetEmbedder.name: FacenetEmbedder,
}


def get_embedder(name: str, **parameters) -> Embedder:
    """An embedder by its name in a project's settings, not yet loaded.

    Raises UnknownEmbedder for an unknown name or parameter.
    """
    if name.startswith("onnx:"):
        from recognition.onnx_embedder import OnnxEmbedder  # built on what is here

        return OnnxEmbedder(name, **parameters)
    if name not in _EMBEDDERS:
        raise UnknownEmbedder(f"There is no embedder called “{name}”. Choose one of: {', '.join(_EMBEDDERS)}.")
    try:
        return _EMBEDDERS[name](**parameters)
    except TypeError as error:
        raise UnknownEmbedder(f"Embedder “{name}” was given a parameter it does not have: {error}.") from error
