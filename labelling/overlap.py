"""Which photos several people label blindly. The queue gives each to nobody twice (`claim_statement.py`)."""

from collections.abc import Collection

from django.db.models import Exists, OuterRef, Q, QuerySet

from labelling.errors import Refused
from labelling.models import Face, Image, ImageState, Opinion, Project


def wanted(image: Image) -> int:
    """How many people label this photo. With 1 their word becomes its labels at once."""
    settings = image.project.settings
    return settings.overlap if image.lot < settings.overlap_share else 1


def is_blind(image: Image) -> bool:
    """Whether a word about it is kept aside until others were heard.

    Never a photo that was given to one person, and never a second time.
    """
    if image.state != ImageState.PROPOSED or image.assigned_to_id is not None or wanted(image) <= 1:
        return False
    return not image.opinions.filter(is_gold=False, settled_at__isnull=False).exists()


def unsettled(image: Image) -> QuerySet:
    return image.opinions.filter(is_gold=False, settled_at=None).order_by("pk")


def faces_kept_apart(project: Project) -> set[int]:
    """Waiting faces of photos that are labelled blindly or in dispute: nobody may name them by the way."""
    settings = project.settings
    if settings.overlap <= 1:
        return set()
    settled = Opinion.objects.filter(image=OuterRef("image"), is_gold=False, settled_at__isnull=False)
    blind = Q(image__state=ImageState.PROPOSED, image__assigned_to=None, image__lot__lt=settings.overlap_share)
    kept = blind & ~Exists(settled) | Q(image__state=ImageState.DISPUTED)
    return set(Face.objects.in_project(project).waiting().filter(kept).values_list("pk", flat=True))


def must_not_be_blind(project: Project, images: Collection[Image]) -> None:
    """Names given to many faces at once would show in photos that others have yet to label without seeing them."""
    settings = project.settings
    if settings.overlap <= 1:
        return
    open_ones = [image for image in images if image.state == ImageState.PROPOSED and image.assigned_to_id is None]
    shared = [image for image in open_ones if image.lot < settings.overlap_share]
    settled = Opinion.objects.filter(image__in=shared, is_gold=False, settled_at__isnull=False)
    done = set(settled.values_list("image_id", flat=True)) if shared else set()
    blind = [image for image in shared if image.pk not in done]
    if blind:
        raise Refused(
            f"“{blind[0].name}” is labelled by {settings.overlap} people who do not see each other's word. "
            "Say who its faces are on the Label page; nothing was changed.",
            fields={"images": [str(image.pk) for image in blind]},
        )
