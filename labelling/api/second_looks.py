"""How a photo looks to somebody who must not know what others said about it, and what comes of their word."""

from labelling.api.shapes import face_shape, faces_of, image_shape, suggestion_shape
from labelling.gold import as_if_new, is_asked
from labelling.gold_answers import compare
from labelling.models import Event, Face, Identity, Image, ImageState, LedgerEntry, Suggestion


def image_for(user, image: Image) -> dict:
    """The photo with its faces; a known one looks new to the annotator whose answer is asked for."""
    if is_asked(image, user):
        return {**image_shape(image), "state": ImageState.PROPOSED, "faces": _fresh_faces(image)}
    return {**image_shape(image), "faces": faces_of(image)}


def _fresh_faces(image: Image) -> list[dict]:
    faces = as_if_new(list(Face.objects.filter(image=image)))
    ranked = _suggested_then(faces)
    return [face_shape(face, [suggestion_shape(one) for one in ranked.get(face.pk, [])]) for face in faces]


def _suggested_then(faces: list[Face]) -> dict[int, list[Suggestion]]:
    """What was suggested when the faces were named first: a photo without suggestions would stand out."""
    entries = LedgerEntry.objects.filter(face__in=[face.pk for face in faces]).order_by("face_id", "-pk")
    ranked = {entry.face_id: entry.ranked for entry in entries.distinct("face_id")}
    wanted = {row[0] for rows in ranked.values() for row in rows}
    people = Identity.objects.filter(merged_into=None).in_bulk(wanted)
    return {
        face_id: [
            Suggestion(rank=rank, identity=people[person], probability=probability, model_name=model)
            for rank, (person, probability, model, *_) in enumerate(rows, start=1)
            if person in people
        ]
        for face_id, rows in ranked.items()
    }


def opinion_kept(event: Event) -> dict:
    """The answer to a submit that changed no label: what was said comes back, and how a known photo was met."""
    image = Image.objects.select_related("claimed_identity", "project", "gold").get(pk=event.image_id)
    opinion = image.opinions.filter(event=event).first()
    said = opinion.faces if opinion else []
    answer = {"image": image_shape(image), "faces": _as_said(image, said), "event": event.pk}
    if opinion and opinion.is_gold:
        told = compare(said, image.gold.truth) if hasattr(image, "gold") else []
        return {**answer, "gold": {"right": opinion.right, "wrong": opinion.wrong, "faces": told}}
    return {**answer, "opinion": True}


def _as_said(image: Image, said: list[dict]) -> list[dict]:
    live = {face["id"]: face for face in faces_of(image)}
    return [
        {
            **live.get(row["face"], {"id": None, "uid": row["key"], "version": None, "crop": None, "suggestions": []}),
            "box": row["box"],
            "state": row["state"],
            "who": row["who"],
            "identity": {"id": row["identity"], "name": row["name"]} if row["identity"] else None,
        }
        for row in said
    ]
