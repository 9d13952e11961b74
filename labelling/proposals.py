"""Takes in what a detector found. A person's word always stands; a repeated run adds nothing twice."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from labelling.boxes import BadBox, Box, clip_box, iou
from labelling.models import Face, FaceState, Image, ImageState, Origin

SAME_BOX_IOU = 0.5


@dataclass(frozen=True)
class ProposedFace:
    box: Box
    score: float
    landmarks: Sequence[Sequence[float]] | None


@transaction.atomic
def record_proposals(image_id: int, proposed: Sequence[ProposedFace], *, model_name: str) -> list[Face]:
    """Replace the image's untouched proposals by new ones, and hand the image to people.

    Boxes that people drew, confirmed or rejected stay, and what overlaps one of them is not proposed again.
    """
    image = Image.objects.select_for_update().get(pk=image_id)
    faces = list(image.faces.select_for_update())
    untouched = [face.pk for face in faces if _is_untouched(face)]
    decided = [face.box for face in faces if face.pk not in untouched]
    Face.objects.filter(pk__in=untouched).delete()
    made = Face.objects.bulk_create(list(_new_faces(image, proposed, decided, model_name)))
    if image.state == ImageState.NEW or made:
        image.state = ImageState.PROPOSED
    image.version += 1
    image.note = ""
    image.save(update_fields=["state", "version", "note"])
    return made


def _is_untouched(face: Face) -> bool:
    # A proposal that somebody moved and left undecided is theirs as well.
    return face.state == FaceState.PROPOSED and face.origin == Origin.MODEL and face.updated_by_id is None


def _new_faces(image: Image, proposed: Sequence[ProposedFace], decided: list[Box], model_name: str):
    for face in proposed:
        try:
            x, y, w, h = clip_box(face.box, image.width, image.height)
        except BadBox:  # a detector may guess outside of the picture; that is no face of this photo
            continue
        if any(iou((x, y, w, h), box) >= SAME_BOX_IOU for box in decided):
            continue
        yield Face(
            project_id=image.project_id,
            image=image,
            x=x,
            y=y,
            w=w,
            h=h,
            image_w=image.width,
            image_h=image.height,
            landmarks=_flat(face.landmarks),
            score=face.score,
            origin=Origin.MODEL,
            model_name=model_name[:80],
        )


def _flat(landmarks: Sequence[Sequence[float]] | None) -> list[float] | None:
    if landmarks is None:
        return None
    return [round(float(value), 2) for point in landmarks for value in point]


def record_failure(image_id: int, reason: str) -> None:
    """The photo could not be searched for faces: hand it to people as it is, and say why."""
    Image.objects.filter(pk=image_id, state=ImageState.NEW).update(state=ImageState.PROPOSED, note=reason[:500])
