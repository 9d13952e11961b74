"""Parts of a data set in which recognition may fare differently: faces by size, pose, sharpness and light.

Edges are fixed, so that counts and figures of two versions can be held against each other.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

# How far the tip of a nose stands before the eyes, in distances between the eyes; an average of grown-up heads.
NOSE = 0.45
POINTS = 5
FACES_AT_ONCE = 50_000


@dataclass(frozen=True)
class Slicing:
    """edges: rising; a value on an edge belongs to the part above it. names: of the parts, as many as edges and one."""

    name: str
    title: str
    what: str
    unit: str
    edges: tuple[float, ...]
    names: tuple[str, ...] = ()

    def parts_of(self, values: np.ndarray) -> np.ndarray:
        """The part of each value, shape (n,) int8; -1 where it is not known (NaN)."""
        parts = np.digitize(values, self.edges).astype(np.int8)
        return np.where(np.isnan(values), np.int8(-1), parts)

    @property
    def words(self) -> list[str]:
        """Of each part: its name if it has one, and its range."""
        low, high = f"below {self.edges[0]:g}{self.unit}", f"{self.edges[-1]:g}{self.unit} and more"
        ranges = [low, *(f"{a:g} to {b:g}{self.unit}" for a, b in pairwise(self.edges)), high]
        return [f"{name} ({range_})" for name, range_ in zip(self.names, ranges, strict=True)] if self.names else ranges


SIZE = Slicing("size", "Size", "The shorter side of the box, in pixels of the photo.", " px", (32, 64, 128, 256))
TURN = Slicing(
    "turn", "Pose", "How far the head is turned to a side, estimated from eyes and nose.", "°", (15, 35),
    ("facing the camera", "turned", "far turned"),
)  # fmt: skip
SHARPNESS = Slicing(
    "sharpness", "Sharpness", "Of the photo at 320 px (variance of the Laplacian).", "", (50, 150, 500, 1500)
)
BRIGHTNESS = Slicing(
    "brightness", "Light", "Mean brightness of the photo, 0 to 255.", "", (60, 190), ("dark", "ordinary", "bright")
)
SLICINGS = (SIZE, TURN, SHARPNESS, BRIGHTNESS)
NOT_KNOWN = "not known"


def values_of(faces: pa.Table | pa.RecordBatch, images: pa.Table, photo: np.ndarray) -> dict[str, np.ndarray]:
    """What each slicing goes by, one float per face. photo: the row in `images` of each face's photo, shape (n,).

    NaN where it is not known: of faces without landmarks, and of versions frozen before photos' figures were kept.
    """
    return {
        "size": np.minimum(_floats(faces["w"]), _floats(faces["h"])),
        "turn": turned(faces["landmarks"]),
        **{name: _of_photos(images, name, photo) for name in ("sharpness", "brightness")},
    }


def turned(landmarks: pa.ChunkedArray | pa.ListArray) -> np.ndarray:
    """Degrees to either side, shape (n,); NaN without landmarks.

    landmarks: ten numbers x, y of left eye, right eye, nose and two corners of the mouth. The nose of a head that turns
    moves along the line between the eyes, as the tangent; heads differ, so it is an estimate, good enough for parts.
    """
    found = [_turned(chunk) for chunk in getattr(landmarks, "chunks", [landmarks])]
    return np.concatenate(found) if found else np.empty(0)


def _turned(chunk: pa.ListArray) -> np.ndarray:
    degrees = np.full(len(chunk), np.nan)
    has_all = chunk.value_lengths().fill_null(0).to_numpy(zero_copy_only=False) == 2 * POINTS
    points = chunk.filter(pa.array(has_all)).flatten().to_numpy(zero_copy_only=False).reshape(-1, POINTS, 2)
    left, right, nose = (points[:, place].astype(np.float64) for place in range(3))
    along = right - left
    length = np.linalg.norm(along, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        shift = ((nose - (left + right) / 2) * along).sum(axis=1) / length**2
    degrees[has_all] = np.degrees(np.arctan(np.abs(shift) / NOSE))
    return degrees


def count_slices(faces: pa.Table, images: pa.Table, photo: np.ndarray, person: np.ndarray, people: int) -> dict:
    """Faces and people of each part of each slicing: a list of {words, faces, people} by the slicing's name.

    photo, person: shape (faces,), the row of each face's photo and the place of its person, -1 for nobody, of so many
    people. A part of the table at a time: figures of a million faces would take more than the faces.
    """
    counts = {slicing.name: _Counts(slicing, people) for slicing in SLICINGS}
    start = 0
    for batch in faces.select(["w", "h", "landmarks"]).to_batches(max_chunksize=FACES_AT_ONCE):
        here = slice(start, start + batch.num_rows)
        for name, values in values_of(batch, images, photo[here]).items():
            counts[name].add(values, person[here])
        start += batch.num_rows
    return {name: count.rows() for name, count in counts.items()}


class _Counts:
    """Of one slicing; the last of the parts is what is not known."""

    def __init__(self, slicing: Slicing, people: int) -> None:
        self._slicing = slicing
        self._faces = np.zeros(len(slicing.words) + 1, np.int64)
        self._seen = np.zeros((len(slicing.words) + 1, people), bool)

    def add(self, values: np.ndarray, person: np.ndarray) -> None:
        parts = self._slicing.parts_of(values)
        self._faces += np.bincount(parts % len(self._faces), minlength=len(self._faces))
        self._seen[parts[person >= 0], person[person >= 0]] = True

    def rows(self) -> list[dict]:
        counted = zip(
            [*self._slicing.words, NOT_KNOWN], self._faces.tolist(), self._seen.sum(axis=1).tolist(), strict=True
        )
        rows = [{"words": words, "faces": faces, "people": people} for words, faces, people in counted]
        return rows if rows[-1]["faces"] else rows[:-1]


def _floats(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    return np.asarray(column, dtype=np.float64)


def _of_photos(images: pa.Table, name: str, photo: np.ndarray) -> np.ndarray:
    if name not in images.column_names:
        return np.full(len(photo), np.nan)
    return np.asarray(images[name])[photo].astype(np.float64)
