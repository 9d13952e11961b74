"""The named faces of a frozen version with their vectors: what training and evaluation work on."""

from collections import defaultdict
from dataclasses import dataclass, fields, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datasets.manifest import ManifestBroken, read_table
from datasets.models import Version
from datasets.slices import SLICINGS, values_of
from jobs.errors import JobFailed
from labelling.models import Who
from labelling.originals import NOT_TO_BE_HAD
from labelling.photos import BadPhoto
from recognition.embed import embed_boxes, loaded_embedder
from recognition.embedders import FaceGeometry
from recognition.vectors import unit, vectors_of_faces


@dataclass(frozen=True, eq=False)
class LabelledFaces:
    """Rows in canonical order of the version. All arrays have one entry per face.

    vectors: shape (n, d) float32, unit length. photos: number of the photo each face is in.
    crops: shape (n, side, side) uint8, grey and straightened, where they were asked for (face_crops.py).
    sessions: capture session of each photo, "" for none. roles: what a version frozen as gallery and probes has each
    face for, "" for neither. qualities: shape (n, 4), what datasets/slices.py goes by, in its order; NaN if not known.
    """

    face_ids: np.ndarray
    names: np.ndarray
    class_ids: np.ndarray
    splits: np.ndarray
    photos: np.ndarray
    vectors: np.ndarray
    crops: np.ndarray | None = None
    sessions: np.ndarray | None = None
    roles: np.ndarray | None = None
    qualities: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.face_ids)

    def where(self, *splits: str) -> "LabelledFaces":
        return self.only(np.isin(self.splits, splits))

    def only(self, kept: np.ndarray) -> "LabelledFaces":
        """Those that a mask or indices choose."""
        arrays = {one.name: getattr(self, one.name) for one in fields(self)}
        return LabelledFaces(**{name: None if array is None else array[kept] for name, array in arrays.items()})

    def with_vectors(self, vectors: np.ndarray) -> "LabelledFaces":
        return replace(self, vectors=vectors)


def load_faces(version: Version, embedder_name: str) -> LabelledFaces:
    """Named faces of the version. Vectors come from the database where the box is still the frozen one,
    and are made anew where it is not, so that an old version stays repeatable after labels moved on.
    """
    named = frozen_table(version, "faces")
    named = named.filter(pc.equal(named["who"].cast(pa.string()), Who.ASSIGNED))
    rows = named.to_pylist()
    stored = vectors_of_faces([row["face_id"] for row in rows], embedder_name)
    vectors: dict[int, np.ndarray] = {}
    missing = defaultdict(list)
    for position, row in enumerate(rows):
        box, landmarks, vector = stored.get(row["face_id"], (None, None, None))
        # A box that was moved away and back is the same, but has lost the landmarks that straightened the face.
        if box == _box(row) and _points(landmarks) == _points(row["landmarks"]):
            vectors[position] = vector
        else:
            missing[row["image_sha256"]].append(position)
    for sha256, positions in missing.items():
        made = _embed_again(version.project_id, sha256, [rows[position] for position in positions], embedder_name)
        vectors.update(zip(positions, made, strict=True))
    shas = [row["image_sha256"] for row in rows]
    return LabelledFaces(
        face_ids=np.array([row["face_id"] for row in rows], dtype=np.int64),
        names=np.array([row["identity"] for row in rows], dtype=str),
        class_ids=np.array([row["class_id"] for row in rows], dtype=np.int64),
        splits=np.array([row["split"] for row in rows], dtype=str),
        photos=np.unique(shas, return_inverse=True)[1] if shas else np.zeros(0, np.int64),
        vectors=unit(np.stack([vectors[i] for i in range(len(rows))])) if rows else np.zeros((0, 0), np.float32),
        roles=np.array([row.get("role") or "" for row in rows], dtype=str),
        **_of_photos(version, named),
    )


def _of_photos(version: Version, faces: pa.Table) -> dict[str, np.ndarray]:
    """What the photos of these faces tell about them."""
    images = frozen_table(version, "images")
    photo = pc.index_in(faces["image_sha256"], images["image_sha256"]).to_numpy()
    values = values_of(faces, images, photo)
    sessions = np.array([session or "" for session in images["session"].to_pylist()] or [""], dtype=str)
    return {
        "sessions": sessions[photo.astype(np.intp)],
        "qualities": np.column_stack([values[slicing.name] for slicing in SLICINGS]).astype(np.float32),
    }


def _points(landmarks: list[float] | None) -> list[float] | None:
    """As the version keeps them: single precision."""
    return None if landmarks is None else np.array(landmarks, np.float32).tolist()


def frozen_rows(version: Version, table: str, columns: list[str] | None = None) -> list[dict]:
    """Rows of a version's `faces` or `images`. Raises JobFailed when the stored file is not the frozen one."""
    found = frozen_table(version, table)
    return (found.select(columns) if columns else found).to_pylist()


def frozen_table(version: Version, table: str) -> pa.Table:
    """The same as it is stored."""
    try:
        return read_table(version, table)
    except ManifestBroken as error:
        raise JobFailed(f"{error} Freeze the labels again.") from error


def _box(row: dict) -> tuple[float, float, float, float]:
    return (row["x"], row["y"], row["w"], row["h"])


def _embed_again(project_id: int, sha256: str, rows: list[dict], embedder_name: str) -> np.ndarray:
    geometries = [
        FaceGeometry(
            box=_box(row),
            landmarks=np.array(row["landmarks"], np.float32).reshape(5, 2) if row["landmarks"] else None,
        )
        for row in rows
    ]
    try:
        return embed_boxes(project_id, sha256, geometries, loaded_embedder(embedder_name)).astype(np.float32)
    except (*NOT_TO_BE_HAD, BadPhoto) as error:
        raise JobFailed(f"A photo of this version cannot be read any more ({sha256[:12]}…): {error}") from error
