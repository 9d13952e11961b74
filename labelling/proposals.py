"""Takes in what a detector found. A person's word always stands; a repeated run adds nothing twice."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from labelling.boxes import BadBox, Box, clip_box, iou
from labelling.models import DetectorSetup, Face, FaceState, Image, ImageState, Origin

SAME_BOX_IOU = 0.5
RENEWED = ("x", "y", "w", "h", "score", "landmarks", "detector_id")


@dataclass(frozen=True)
class ProposedFace:
    box: Box
    score: float
    landmarks: Sequence[Sequence[float]] | None


@transaction.atomic
def record_proposals(image_id: int, proposed: Sequence[ProposedFace], *, detector: dict) -> list[Face]:
    """Bring the image's untouched proposals to what was found, and hand the image to people; returns the new faces.

    detector: its description, kept with each proposal: name, weights and parameters.

    Boxes that people drew, confirmed or rejected stay, and what overlaps one of them is not proposed again. A
    proposal that is found once more stays the same face, with the new box. The version of the image grows only
    when something changed that a person may have seen, so that nobody's open work becomes stale for nothing.
    """
    image = Image.objects.select_for_update().get(pk=image_id)
    faces = list(image.faces.select_for_update())
    untouched = [face for face in faces if _is_untouched(face)]
    decided = [face.box for face in faces if not _is_untouched(face)]
    setup = DetectorSetup.objects.described(image.project_id, detector)
    found = list(_new_faces(image, proposed, decided, setup))
    again = _found_again(untouched, found)
    kept = {id(face) for face, _ in again}
    gone = [face.pk for face in untouched if id(face) not in kept]
    moved = [_renew(face, new) for face, new in again]
    Face.objects.filter(pk__in=gone).delete()
    known = {id(new) for _, new in again}
    made = Face.objects.bulk_create([face for face in found if id(face) not in known])
    if not decided and image.searched_by_id != setup.pk:
        Image.objects.filter(pk=image.pk).update(searched_by=setup)
    if image.state == ImageState.NEW or made or gone or any(moved) or image.note:
        _hand_over(image, is_news=bool(made))
    return made


def _hand_over(image: Image, *, is_news: bool) -> None:
    """The photo has changed. New faces in a labelled one make it wait again, and nobody has reviewed those."""
    if image.state == ImageState.NEW or (is_news and image.state == ImageState.LABELLED):
        image.state = ImageState.PROPOSED
    if is_news:
        image.reviewed_by = image.reviewed_at = None
    image.version += 1
    image.note = ""
    image.save(update_fields=["state", "version", "note", "reviewed_by", "reviewed_at"])


def _found_again(untouched: list[Face], found: list[Face]) -> list[tuple[Face, Face]]:
    """Proposals beside what a detector says of the same faces now: the best overlap first, each once."""
    pairs = [
        (overlap, old, new) for old in untouched for new in found if (overlap := iou(old.box, new.box)) >= SAME_BOX_IOU
    ]
    taken: set[int] = set()
    matched = []
    for _, old, new in sorted(pairs, key=lambda pair: (-pair[0], pair[1].pk, pair[2].box)):
        if not taken & {id(old), id(new)}:
            taken |= {id(old), id(new)}
            matched.append((old, new))
    return matched


def _renew(face: Face, new: Face) -> bool:
    """Write down what was found about `face` this time; True when its box is another one.

    The row stays, so that suggestions and, where the box is the same, embeddings stay with it.
    """
    is_moved = face.box != new.box
    news = [name for name in RENEWED if getattr(face, name) != getattr(new, name)]
    for name in news:
        setattr(face, name, getattr(new, name))
    if is_moved:
        face.version += 1
    if news:
        face.updated_at = timezone.now()
        face.save(update_fields=[*news, "version", "updated_at"])
    return is_moved


def _is_untouched(face: Face) -> bool:
    # A proposal that somebody moved and left undecided is theirs as well.
    return face.state == FaceState.PROPOSED and face.origin == Origin.MODEL and face.updated_by_id is None


def _new_faces(image: Image, proposed: Sequence[ProposedFace], decided: list[Box], setup: DetectorSetup):
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
            detector=setup,
        )


def _flat(landmarks: Sequence[Sequence[float]] | None) -> list[float] | None:
    if landmarks is None:
        return None
    return [round(float(value), 2) for point in landmarks for value in point]


def record_failure(image_id: int, reason: str) -> None:
    """The photo could not be searched for faces: hand it to people as it is, and say why."""
    Image.objects.filter(pk=image_id, state=ImageState.NEW).update(state=ImageState.PROPOSED, note=reason[:500])
