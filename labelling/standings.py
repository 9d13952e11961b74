"""Where many projects stand, in three queries however many they are."""

from collections.abc import Collection

from django.db.models import Count, Q

from labelling.models import Face, FaceState, Identity, Image, ImageState, Project, Who
from labelling.progress import Standing

_IMAGES = {
    "images": Count("pk"),
    "images_new": Count("pk", filter=Q(state=ImageState.NEW)),
    "images_waiting": Count("pk", filter=Q(state=ImageState.PROPOSED)),
    "images_labelled": Count("pk", filter=Q(state=ImageState.LABELLED)),
}
_FACES = {
    "faces": Count("pk", filter=~Q(state=FaceState.REJECTED)),
    "faces_waiting": Count("pk", filter=Q(state=FaceState.PROPOSED)),
    "faces_confirmed": Count("pk", filter=Q(state=FaceState.CONFIRMED)),
    "faces_named": Count("pk", filter=Q(state=FaceState.CONFIRMED, who=Who.ASSIGNED)),
}
_PEOPLE = {"identities": Count("pk")}


def standings(projects: Collection[Project]) -> dict[int, Standing]:
    """Each project's standing by its id; a project without anything stands at zero."""
    counts = {project.pk: dict.fromkeys([*_IMAGES, *_FACES, *_PEOPLE], 0) for project in projects}
    for model, figures in ((Image, _IMAGES), (Face, _FACES), (Identity, _PEOPLE)):
        rows = model.objects.filter(project__in=counts).values("project_id").annotate(**figures).order_by()
        for row in rows:
            counts[row.pop("project_id")].update(row)
    return {pk: Standing(**figures) for pk, figures in counts.items()}
