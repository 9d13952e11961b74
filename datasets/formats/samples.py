"""A photo or a crop with what is known of it, in plain values: what formats for training keep beside each picture."""

from collections.abc import Callable

from datasets.formats.classes import Classes, OnlyFaces
from datasets.formats.tables import box_of
from datasets.given import BadLabels, GivenFace, GivenPhoto
from datasets.selection import people_of
from labelling.models import Who

NO_BOXES = (
    "This is an export of crops, which say nothing of photos and boxes; labels cannot be read from it. "
    "Export the version with contents “images”."
)


def classes_of(files: dict[str, bytes], people: str) -> Classes:
    """People in order of their class ids, or but one class for all faces."""
    if people != "classes":
        return OnlyFaces()
    return Classes((person["class_id"], person["name"]) for person in people_of(files))


def photo_fields(image: dict) -> dict:
    return {
        "sha256": image["image_sha256"], "original_name": image["name"], "width": image["width"],
        "height": image["height"], "split": image["split"],
    }  # fmt: skip


def face_fields(face: dict, number: Callable[[dict], int]) -> dict:
    """The same columns with the same types for each face: no name is “”, no class id -1, no score -1.

    Landmarks are one text, as a list may have any type as long as it is empty.
    """
    return {
        "bbox": list(box_of(face)),
        "category": number(face),
        "who": face["who"],
        "identity": face["identity"] or "",
        "identity_id": -1 if face["class_id"] is None else face["class_id"],
        "score": -1.0 if face["score"] is None else round(face["score"], 4),
        "landmarks": " ".join(str(round(value, 2)) for value in face["landmarks"] or ()),
    }


def columns(faces: list[dict]) -> dict[str, list]:
    """Lists of equal length, one for each column, as object detection has them."""
    names = {"category": "categories"}
    keys = ("bbox", "category", "who", "identity", "identity_id", "score", "landmarks")
    return {names.get(key, key): [face[key] for face in faces] for key in keys}


def rows_of(objects: dict) -> list[dict]:
    """The way back from `columns`."""
    keys = [key for key in objects if key != "categories"]
    return [dict(zip(keys, values, strict=True)) for values in zip(*(objects[key] for key in keys), strict=True)]


def given_photo(photo: dict, faces: list[dict], where: str) -> GivenPhoto:
    """Raises BadLabels where a field is missing or of the wrong kind."""
    try:
        return GivenPhoto(
            photo["sha256"], photo["original_name"], int(photo["width"]), int(photo["height"]),
            tuple(_given_face(face) for face in faces),
        )  # fmt: skip
    except KeyError as error:
        raise BadLabels(f"{where} cannot be read: it has no “{error.args[0]}”.") from None
    except (TypeError, ValueError) as error:
        raise BadLabels(f"{where} cannot be read: {error}.") from None


def _given_face(face: dict) -> GivenFace:
    who = Who(face["who"])
    x, y, w, h = map(float, face["bbox"])
    score = face.get("score")
    return GivenFace(
        box=tuple(round(side, 2) for side in (x, y, w, h)),
        who=who,
        name=str(face["identity"]) if who == Who.ASSIGNED else None,
        score=None if score is None or score < 0 else float(score),
        landmarks=[float(value) for value in (face.get("landmarks") or "").split()] or None,
    )
