"""Photos whose truth a reviewer vouches for, and when an annotator is given one."""

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from labelling.access import role_of
from labelling.errors import Refused
from labelling.models import (
    Event,
    Face,
    FaceState,
    Gold,
    Image,
    ImageState,
    Lease,
    LeasePurpose,
    Opinion,
    Origin,
    Project,
    Role,
    Skip,
    Verb,
    Who,
)
from labelling.said import rows_of


@transaction.atomic
def vouch(image: Image, *, by) -> Gold:
    """The photo's labels as they stand are true: from now on it may be slipped into queues."""
    image = Image.objects.select_for_update().get(pk=image.pk)
    faces = list(image.faces.select_related("identity"))
    if image.state != ImageState.LABELLED:
        raise Refused("Only a photo that is labelled can be vouched for.")
    if any(face.state == FaceState.CONFIRMED and face.who == Who.UNASSIGNED for face in faces):
        raise Refused("Say first who everybody in it is: a known photo leaves no face open.")
    truth = {"project_id": image.project_id, "truth": rows_of(faces), "created_by": by}
    return Gold.objects.update_or_create(image=image, defaults=truth)[0]


def photo_due(project: Project, user, *, after: int | None) -> QuerySet | None:
    """Known photos to give `user` now, unless it is not time for one. Asks nothing where none are slipped in."""
    every = project.settings.gold_every
    if every <= 0 or role_of(user, project) != Role.ANNOTATOR or not _is_time(project, user, every):
        return None
    answered = Opinion.objects.filter(image=OuterRef("pk"), user=user, is_gold=True)
    skipped = Skip.objects.filter(image=OuterRef("pk"), user=user)
    known = Image.objects.filter(project=project, state=ImageState.LABELLED, gold__isnull=False).exclude(pk=after)
    return known.free_for(user).filter(~Exists(answered), ~Exists(skipped)).order_by("lot", "pk")


def _is_time(project: Project, user, every: int) -> bool:
    """Enough ordinary photos since the last known one, and none of those in hand."""
    if Lease.objects.filter(user=user, purpose=LeasePurpose.GOLD, image__project=project, until__gt=Now()).exists():
        return False
    done = Event.objects.filter(project=project, actor=user, verb__in=(Verb.SUBMIT, Verb.OPINION))
    was_gold = list(done.order_by("-created_at").values_list("opinion__is_gold", flat=True)[: every - 1])
    return len(was_gold) == every - 1 and not any(was_gold)


def is_asked(image: Image, user) -> bool:
    """Whether the photo is a known one to which this annotator owes an answer.

    To them it looks as if nobody had labelled it; those from reviewer on see and change it as any other.
    """
    if image.state != ImageState.LABELLED or not hasattr(image, "gold"):
        return False
    if Opinion.objects.filter(image=image, user=user, is_gold=True).exists():
        return False
    return role_of(user, image.project) == Role.ANNOTATOR


def as_if_new(faces: list[Face]) -> list[Face]:
    """What a detector proposed, with nothing decided. What people drew has to be found again. Nothing is stored."""
    fresh = [face for face in faces if face.origin == Origin.MODEL]
    for face in fresh:
        face.state, face.who, face.identity = FaceState.PROPOSED, Who.UNASSIGNED, None
    return fresh
