"""Vectors of photos with the labelled face in the middle, made once and kept by content."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import batched
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from config.embedded.folders import made

TURN = 8
KEEP_EVERY = 200
WAY = "MTCNN from 40 px, the face nearest to the middle, 1"
# Where LFW's faces lie, which were found by one detector and cut out around it: x, y, w, h as shares of the photo.
MIDDLE = (0.32, 0.3, 0.36, 0.46)
FARTHEST = 0.25  # from the middle of the photo, as a share of its size: others in the picture are further off

Say = Callable[[str], None]


def vectors_of(folder: Path, photos: list[str], embedder: str, say: Say) -> tuple[dict[str, np.ndarray], set[str]]:
    """Vectors by photo, and those photos in which no face was found in the middle. Unreadable ones have none."""
    hashes = {photo: hashlib.sha256((folder / photo).read_bytes()).hexdigest() for photo in photos}
    kept = _Kept(embedder)
    todo = [photo for photo in photos if hashes[photo] not in kept.vectors]
    if todo:
        say(f"Describing {len(todo):,} photos, {len(photos) - len(todo):,} are known …")
    for done, (photo, vector, found) in enumerate(_described(folder, todo, embedder), start=1):
        kept.add(hashes[photo], vector, found)
        if done % KEEP_EVERY == 0 or done == len(todo):
            kept.save()
            say(f"{done:,} of {len(todo):,}")
    vectors = {photo: kept.vectors[hashes[photo]] for photo in photos}
    return (
        {photo: vector for photo, vector in vectors.items() if np.isfinite(vector).all()},
        {photo for photo in photos if hashes[photo] in kept.unfound},
    )


class _Kept:
    """A file of vectors by the photo's SHA-256; NaN where the photo cannot be read."""

    def __init__(self, embedder: str):
        from recognition.embedders import get_embedder

        described = json.dumps([get_embedder(embedder).describe(), WAY], sort_keys=True)
        name = hashlib.sha256(described.encode()).hexdigest()[:16]
        self.path = made("lfw") / f"{embedder}-{name}.safetensors"
        self.vectors: dict[str, np.ndarray] = {}
        self.unfound: set[str] = set()
        if self.path.is_file():
            self._read()

    def _read(self) -> None:
        from safetensors.numpy import load_file

        arrays = load_file(self.path)
        keys = [row.tobytes().hex() for row in arrays["sha256"]]
        self.vectors = dict(zip(keys, arrays["vectors"], strict=True))
        self.unfound = {key for key, found in zip(keys, arrays["found"], strict=True) if not found}

    def add(self, key: str, vector: np.ndarray, found: bool) -> None:
        self.vectors[key] = vector
        if not found:
            self.unfound.add(key)

    def save(self) -> None:
        """Whole or not at all, so that an interrupted run leaves what it had."""
        from safetensors.numpy import save_file

        part = self.path.with_suffix(f".{os.getpid()}.part")
        keys = list(self.vectors)
        save_file(
            {
                "sha256": np.frombuffer(bytes.fromhex("".join(keys)), np.uint8).reshape(-1, 32).copy(),
                "vectors": np.stack([self.vectors[key] for key in keys]).astype(np.float32),
                "found": np.array([key not in self.unfound for key in keys], np.uint8),
            },
            part,
        )
        part.replace(self.path)


def _described(folder: Path, photos: list[str], embedder: str) -> Iterator[tuple[str, np.ndarray, bool]]:
    if not photos:
        return
    processes = min(os.cpu_count() or 1, -(-len(photos) // TURN))
    with ProcessPoolExecutor(processes, get_context("spawn"), initializer=_load, initargs=(embedder,)) as pool:
        turns = [[str(folder / photo) for photo in turn] for turn in batched(photos, TURN)]
        answers = (answer for turn in pool.map(_describe, turns) for answer in turn)
        for photo, (vector, found) in zip(photos, answers, strict=True):
            yield photo, vector, found


_detector = _embedder = None


def _load(embedder: str) -> None:
    global _detector, _embedder
    from recognition.detectors import get_detector
    from recognition.embedders import get_embedder

    _detector, _embedder = get_detector("mtcnn", min_face_px=40, threads=1), get_embedder(embedder)
    _detector.load()
    _embedder.load()


def _describe(paths: list[str]) -> list[tuple[np.ndarray, bool]]:
    return [_describe_one(Path(path)) for path in paths]


def _describe_one(path: Path) -> tuple[np.ndarray, bool]:
    from labelling.photos import BadPhoto, upright_rgb
    from recognition.embedders import FaceGeometry

    try:
        pixels = upright_rgb(path.read_bytes())
    except BadPhoto:
        return np.full(_embedder.dimensions, np.nan, np.float32), True
    (faces,) = _detector.detect([pixels])
    size = np.array(pixels.shape[1::-1], float)
    off = [np.abs((np.array(face.box[:2]) + np.array(face.box[2:]) / 2) / size - 0.5).max() for face in faces]
    if off and min(off) <= FARTHEST:
        face = faces[int(np.argmin(off))]
        geometry, found = FaceGeometry(face.box, face.landmarks), True
    else:
        geometry, found = FaceGeometry(tuple((np.array(MIDDLE) * np.tile(size, 2)).tolist())), False
    return _embedder.embed(pixels, [geometry])[0], found
