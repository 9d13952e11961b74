"""Named faces without pixels, for tests about people; and all that merging and splitting must put back."""

import hashlib
from itertools import count

from labelling.models import Constraint, Face, FaceState, Identity, Image, ImageState, Origin, Who

_keys = count()


def add_photo(project, *people: Identity | None, **fields) -> list[Face]:
    """A photo row with one confirmed face for each of `people`, from left to right; None: a waiting proposal."""
    key = next(_keys)
    image = Image.objects.create(
        project=project, sha256=hashlib.sha256(f"people {key}".encode()).hexdigest(), name=f"people_{key}.jpg",
        byte_size=1000, format="JPEG", width=4000, height=100, phash=0, sharpness=1.0, brightness=100.0,
        state=ImageState.PROPOSED if None in people else ImageState.LABELLED, **fields,
    )  # fmt: skip
    return [
        Face.objects.create(
            project=project, image=image, x=40.0 * place, y=10, w=30, h=40, image_w=4000, image_h=100,
            origin=Origin.MODEL, identity=person, who=Who.ASSIGNED if person else Who.UNASSIGNED,
            state=FaceState.CONFIRMED if person else FaceState.PROPOSED,
        )
        for place, person in enumerate(people)
    ]  # fmt: skip


def everything() -> tuple:
    """What people said, without the counters that only grow."""
    return (
        list(Face.objects.order_by("pk").values_list("pk", "state", "who", "identity", "x")),
        list(Image.objects.order_by("pk").values_list("pk", "state", "claimed_identity")),
        list(Identity.objects.order_by("pk").values("pk", "name", "class_id", "aliases", "merged_into", "notes")),
        sorted(
            Constraint.objects.values_list("bond", "face", "other", "identity", "event", "created_by"),
            key=lambda row: [str(value) for value in row],
        ),
    )


def counts(project) -> dict[str, int]:
    people = Identity.objects.in_project(project).with_face_counts()
    return dict(people.values_list("name", "face_count"))
