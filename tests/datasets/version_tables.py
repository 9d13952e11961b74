"""Tables of a version as freezing writes them, from plain values."""

import hashlib
from dataclasses import dataclass, replace

import pyarrow as pa

from datasets.changes import Tables
from datasets.manifest import FACES, IMAGES


def sha(photo) -> str:
    return hashlib.sha256(str(photo).encode()).hexdigest()


@dataclass(frozen=True)
class FaceRow:
    id: int
    photo: object
    box: tuple = (10.0, 10.0, 40.0, 50.0)
    who: str = "assigned"
    class_id: int | None = 1
    name: str | None = "Ana"

    def but(self, **changed) -> "FaceRow":
        return replace(self, **changed)


def named(id: int, photo, class_id: int, name: str, **more) -> FaceRow:
    return FaceRow(id, photo, class_id=class_id, name=name, **more)


def nameless(id: int, photo, who: str = "unassigned", **more) -> FaceRow:
    return FaceRow(id, photo, who=who, class_id=None, name=None, **more)


def tables(photos: dict, faces: list[FaceRow]) -> Tables:
    """`photos`: the split of each. Both tables come in canonical order."""
    images = [
        {
            "image_sha256": sha(photo), "name": f"{photo}.jpg", "width": 640, "height": 480, "format": "JPEG",
            "session": "", "split": split, "image_id": place,
        }
        for place, (photo, split) in enumerate(photos.items())
    ]  # fmt: skip
    rows = [
        {
            "image_sha256": sha(face.photo), **dict(zip("xywh", face.box, strict=True)), "who": face.who,
            "identity": face.name, "class_id": face.class_id, "split": photos[face.photo], "origin": "human",
            "score": None, "landmarks": None, "face_id": face.id,
        }
        for face in faces
    ]  # fmt: skip
    images.sort(key=lambda row: row["image_sha256"])
    rows.sort(key=lambda row: (row["image_sha256"], row["x"], row["y"], row["w"], row["h"], row["face_id"]))
    return Tables(_table(images, IMAGES), _table(rows, FACES))


def _table(rows: list[dict], schema: pa.Schema) -> pa.Table:
    plain = pa.schema([(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type) for f in schema])
    return pa.Table.from_pylist(rows, plain).cast(schema)
