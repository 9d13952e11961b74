"""Photos, faces and suggestions as they go over the wire, shaped by hand: an annotator waits for them."""

from collections import defaultdict

from jobs.prepared import Prepared
from labelling.addresses import crop_url, crop_url_of, picture_urls
from labelling.face_rows import faces_in
from labelling.models import Face, FaceState, Image, Suggestion, Who
from labelling.models.faces import key_of_box

SUGGESTIONS = Prepared("""
-- suggestions
SELECT said.face_id, said.rank, said.identity_id, person.name, said.probability, said.similarity, said.model_name,
    said.nearest_face_id, nearest.x, nearest.y, nearest.w, nearest.h
FROM labelling_face AS face
JOIN labelling_suggestion AS said ON said.face_id = face.id
JOIN labelling_identity AS person ON person.id = said.identity_id
LEFT JOIN labelling_face AS nearest ON nearest.id = said.nearest_face_id
WHERE face.image_id = %(image)s
ORDER BY said.face_id, said.rank
""")


def image_shape(image: Image) -> dict:
    return {
        "id": image.pk,
        "name": image.name,
        "sha256": image.sha256,
        "width": image.width,
        "height": image.height,
        "state": image.state,
        "version": image.version,
        "session": image.session,
        "taken_at": image.taken_at,
        "claimed_identity": _person(image.claimed_identity),
        "note": image.note,
        "created_at": image.created_at,
        "urls": picture_urls(image),
    }


def faces_of(image: Image) -> list[dict]:
    """The photo's faces with their suggestions, in two queries whatever their number."""
    faces = faces_in(image.pk)
    suggestions = _suggestions(image)
    return [face_shape(face, suggestions[face.pk]) for face in faces]


def decided_faces(image: Image, faces: list[Face]) -> list[dict]:
    """The answer to a decision: suggestions of those faces only that still wait for one."""
    waiting = {face.pk for face in faces if face.who == Who.UNASSIGNED and face.state != FaceState.REJECTED}
    suggestions = _suggestions(image) if waiting else {}
    return [face_shape(face, suggestions[face.pk] if face.pk in waiting else []) for face in faces]


def face_shape(face: Face, suggestions: list[dict]) -> dict:
    return {
        "id": face.pk,
        "uid": str(face.uid),
        "box": list(face.box),
        "landmarks": face.points,
        "score": face.score,
        "origin": face.origin,
        "detector": face.detector_id,
        "state": face.state,
        "who": face.who,
        "identity": _person(face.identity),
        "version": face.version,
        "crop": crop_url(face),
        "suggestions": suggestions,
    }


def face_card(face: Face) -> dict:
    """A face as grids show it."""
    box = list(face.box)
    return {"id": face.pk, "version": face.version, "image": face.image_id, "crop": crop_url(face), "box": box}


def suggestion_shape(suggestion: Suggestion) -> dict:
    nearest = suggestion.nearest_face
    return _suggestion(
        suggestion.rank, suggestion.identity_id, suggestion.identity.name, suggestion.probability,
        suggestion.similarity, suggestion.model_name, suggestion.nearest_face_id, *(nearest.box if nearest else ()),
    )  # fmt: skip


def _suggestions(image: Image) -> dict[int, list[dict]]:
    shapes: dict[int, list[dict]] = defaultdict(list)
    for face_id, *row in SUGGESTIONS.rows(image=image.pk):
        shapes[face_id].append(_suggestion(*row))
    return shapes


def _suggestion(
    rank: int, identity_id: int, name: str, probability: float, similarity: float | None, model: str, nearest, *box
) -> dict:
    return {
        "rank": rank,
        "identity": {"id": identity_id, "name": name},
        "probability": probability,
        "similarity": similarity,
        "nearest_face": nearest,
        "nearest_crop": crop_url_of(nearest, key_of_box(box)) if nearest else None,
        "reason": _reason(model, nearest, similarity),
    }


def _reason(model: str, nearest: int | None, similarity: float | None) -> str:
    if nearest is None:
        return "The source of the photo says so." if model == "source" else "Likely by its looks."
    return f"Nearest confirmed face: similarity {similarity:.2f}."


def _person(identity) -> dict | None:
    return {"id": identity.pk, "name": identity.name} if identity else None
