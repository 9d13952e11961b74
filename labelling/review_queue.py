"""What waits for reviewers: labelled photos nobody looked over, photos in dispute, and open remarks."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from labelling.models import Face, Image, ImageState, Project
from labelling.remarks import open_remarks


@dataclass(frozen=True)
class Reviewed:
    """How far the reviewers are: photos accepted as they stand, of all that are labelled."""

    accepted: int
    labelled: int


def how_far(project: Project) -> Reviewed:
    photos = Image.objects.filter(project=project)
    accepted = photos.filter(reviewed_at__isnull=False).count()
    return Reviewed(accepted, accepted + photos.filter(state=ImageState.LABELLED, reviewed_at=None).count())


def to_review(project: Project, *, labeller: str = "", sampled: bool = False, after: int | None = None) -> QuerySet:
    """Labelled photos nobody has accepted, behind photo `after`: oldest first, or in an order drawn once.

    labeller: only photos in which this user decided about a face.
    """
    photos = Image.objects.filter(project=project, state=ImageState.LABELLED, reviewed_at=None)
    if labeller:
        theirs = Face.objects.filter(image=OuterRef("pk"), updated_by__username=labeller)
        photos = photos.filter(Exists(theirs))
    if sampled:
        photos = photos.filter(_behind_in_lot(project, after)) if after else photos
        return photos.order_by("lot", "pk")
    return (photos.filter(pk__gt=after) if after else photos).order_by("pk")


def _behind_in_lot(project: Project, after: int) -> Q:
    lot = Image.objects.filter(project=project, pk=after).values_list("lot", flat=True).first()
    return Q(lot__gt=lot) | Q(lot=lot, pk__gt=after) if lot is not None else Q()


def disputed(project: Project) -> QuerySet:
    return Image.objects.filter(project=project, state=ImageState.DISPUTED).order_by("pk")


def tab_counts(project: Project) -> dict[str, int]:
    """What stands on the tabs of the review pages: numbers an index gives at once."""
    return {"disputes": disputed(project).count(), "flags": open_remarks(project).count()}
