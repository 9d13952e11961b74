"""Where a project stands in the loop: counts, and the next thing worth doing."""

from dataclasses import dataclass

from django.db.models import Count, Q

from labelling.models import Face, FaceState, Identity, Image, ImageState, Lease, Project, Who


@dataclass(frozen=True)
class Standing:
    images: int
    images_new: int
    images_waiting: int
    images_labelled: int
    faces: int
    faces_waiting: int
    faces_confirmed: int
    faces_named: int
    identities: int


def standing(project: Project) -> Standing:
    """Counted when asked: a stored counter drifts."""
    images = Image.objects.filter(project=project).aggregate(
        images=Count("pk"),
        images_new=Count("pk", filter=Q(state=ImageState.NEW)),
        images_waiting=Count("pk", filter=Q(state=ImageState.PROPOSED)),
        images_labelled=Count("pk", filter=Q(state=ImageState.LABELLED)),
    )
    faces = Face.objects.filter(project=project).aggregate(
        faces=Count("pk", filter=~Q(state=FaceState.REJECTED)),
        faces_waiting=Count("pk", filter=Q(state=FaceState.PROPOSED)),
        faces_confirmed=Count("pk", filter=Q(state=FaceState.CONFIRMED)),
        faces_named=Count("pk", filter=Q(state=FaceState.CONFIRMED, who=Who.ASSIGNED)),
    )
    return Standing(**images, **faces, identities=Identity.objects.filter(project=project).count())


def people_at_work(project: Project) -> list[Lease]:
    return list(Lease.objects.filter(image__project=project).select_related("user", "image"))
