"""What recipes that look at pixels see of a frozen version's faces: grey squares, straightened; squares as FaceNet gets
them; vectors of an embedder of their own. Workers only.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from tempfile import TemporaryFile

import cv2
import numpy as np

from datasets.models import Version
from jobs.errors import JobFailed
from labelling.originals import NOT_TO_BE_HAD
from labelling.photos import BadPhoto
from recognition.alignment import DegenerateLandmarks, align, crop_with_margin
from recognition.embed import photo_pixels
from recognition.embedders import Embedder, FaceGeometry, FacenetEmbedder
from recognition.labelled_faces import LabelledFaces, frozen_rows

SIDE_PX = 112
# Where eyes, nose and corners of the mouth go: as in dlib's chips, with less of what is around the face.
TEMPLATE = np.array([[28.9, 27.6], [83.1, 27.6], [56.0, 59.9], [32.3, 87.3], [79.7, 87.3]])


def with_crops(faces: LabelledFaces, version: Version, tell: Callable[[int, int], None]) -> LabelledFaces:
    """The same faces with `crops`. `tell(done, total)` hears of each photo, and may raise to stop."""
    crops = np.zeros((len(faces), SIDE_PX, SIDE_PX), np.uint8)
    for photo, rows in _photos(faces, version, tell):
        grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
        for place, row in rows:
            crops[place] = _square(grey, row)
    return replace(faces, crops=crops)


def colour_squares(faces: LabelledFaces, version: Version, side: int, tell: Callable[[int, int], None]) -> np.ndarray:
    """Each face as FaceNet sees it: uint8, shape (n, side, side, 3). They lie in a file that ends with the process:
    tens of thousands would fill the memory.
    """
    shape = (len(faces), side, side, 3)
    with TemporaryFile() as file:
        squares = np.memmap(file, np.uint8, "w+", shape=shape) if len(faces) else np.zeros(shape, np.uint8)
    for photo, rows in _photos(faces, version, tell):
        for place, row in rows:
            squares[place] = FacenetEmbedder.square(photo, _box(row), side)
    return squares


def with_vectors_by(
    embedder: Embedder, faces: LabelledFaces, version: Version, tell: Callable[[int, int], None]
) -> LabelledFaces:
    """The same faces with vectors that this embedder makes now; those stored are of another one."""
    vectors = np.zeros((len(faces), embedder.dimensions), np.float32)
    for photo, rows in _photos(faces, version, tell):
        vectors[[place for place, _ in rows]] = embedder.embed(photo, [_geometry(row) for _, row in rows])
    return faces.with_vectors(vectors)


def _photos(
    faces: LabelledFaces, version: Version, tell: Callable[[int, int], None]
) -> Iterator[tuple[np.ndarray, list[tuple[int, dict]]]]:
    """Each photo's pixels with the faces in it: their places and their rows."""
    columns = ["face_id", "image_sha256", "x", "y", "w", "h", "landmarks"]
    rows = {row["face_id"]: row for row in frozen_rows(version, "faces", columns)}
    by_photo: dict[str, list[tuple[int, dict]]] = defaultdict(list)
    for place, face_id in enumerate(faces.face_ids.tolist()):
        by_photo[rows[face_id]["image_sha256"]].append((place, rows[face_id]))
    for done, (sha256, found) in enumerate(by_photo.items(), start=1):
        try:
            photo = photo_pixels(version.project_id, sha256)
        except (*NOT_TO_BE_HAD, BadPhoto) as error:
            raise JobFailed(f"A photo of this version cannot be read any more ({sha256[:12]}…): {error}") from error
        yield photo, found
        tell(done, len(by_photo))


def _box(row: dict) -> tuple[float, float, float, float]:
    return (row["x"], row["y"], row["w"], row["h"])


def _geometry(row: dict) -> FaceGeometry:
    points = np.array(row["landmarks"], np.float32).reshape(5, 2) if row["landmarks"] else None
    return FaceGeometry(box=_box(row), landmarks=points)


def _square(grey: np.ndarray, row: dict) -> np.ndarray:
    if row["landmarks"]:
        try:
            return align(grey, np.array(row["landmarks"], np.float64).reshape(5, 2), TEMPLATE, SIDE_PX)
        except DegenerateLandmarks:
            pass  # the box still tells where the face is
    return cv2.resize(crop_with_margin(grey, _box(row)), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
