"""Takes the source at its word: a photo filed under a person's name shows that person, in the middle.

Stands in for an annotator in the demo and in imports of sorted folders. What people said before stays.
"""

import uuid
from collections import defaultdict
from math import hypot

from labelling.assign import assign_faces
from labelling.models import Face, FaceState, Identity, Image, Project

# A face whose centre is further from the photo's centre than this share of the diagonal is a bystander.
MIDDLE = 0.25


def accept_claims(project: Project, *, by=None) -> int:
    """Confirm and name the middle face of every photo with a claim; returns how many faces were named."""
    claimed: dict[int, list[int]] = defaultdict(list)
    images = Image.objects.in_project(project).filter(claimed_identity__isnull=False).prefetch_related("faces")
    for image in images.order_by("pk").iterator(chunk_size=500):
        faces = list(image.faces.all())
        face = middle_face(image, faces)
        is_named = any(other.identity_id == image.claimed_identity_id for other in faces)
        if face and face.state == FaceState.PROPOSED and not is_named:
            claimed[image.claimed_identity_id].append(face.pk)
    people = Identity.objects.in_bulk(list(claimed))
    for identity_id, face_ids in claimed.items():
        assign_faces(project, face_ids, people[identity_id], by=by, event_id=uuid.uuid4())
    return sum(map(len, claimed.values()))


def middle_face(image: Image, faces: list[Face]) -> Face | None:
    """The face nearest to the middle of the photo, or None when all are off to the side."""
    nearest = min(
        (face for face in faces if face.state != FaceState.REJECTED),
        key=lambda face: (_from_middle(image, face), face.box),
        default=None,
    )
    if nearest is None or _from_middle(image, nearest) > MIDDLE * hypot(image.width, image.height):
        return None
    return nearest


def _from_middle(image: Image, face: Face) -> float:
    return hypot(face.x + face.w / 2 - image.width / 2, face.y + face.h / 2 - image.height / 2)
