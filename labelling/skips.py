"""Photos that somebody left aside, and why: others get them first, the one who skipped last."""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from labelling.errors import Refused
from labelling.models import Event, Image, ImageState, Lease, Project, Skip, Verb
from labelling.submit import replayed

MAX_REASON = 200


@transaction.atomic
def skip_image(image: Image, *, by, reason: str, event_id: UUID) -> Event:
    """Give the photo to others first. Repeating an `event_id` changes nothing; a later reason replaces the first."""
    reason = " ".join(reason.split())
    if len(reason) > MAX_REASON:
        raise Refused(f"A reason may have {MAX_REASON} letters.", fields={"reason": ["Too long."]})
    image = Image.objects.select_for_update().get(pk=image.pk)  # so that a repeated event waits for the first
    replay = replayed(event_id, by=by, image=image, verbs=(Verb.SKIP,))
    if replay:
        return replay
    Skip.objects.update_or_create(image=image, user=by, defaults={"reason": reason, "created_at": timezone.now()})
    Lease.objects.filter(image=image, user=by).delete()
    return Event.objects.create(
        id=event_id, project_id=image.project_id, actor=by, verb=Verb.SKIP, image=image, images=[image.pk],
        after={"reason": reason},
    )  # fmt: skip


def unskip(event: Event, by) -> None:
    Skip.objects.filter(image_id=event.image_id, user_id=event.actor_id).delete()


def skipped(project: Project) -> QuerySet:
    """Skips of photos that still wait, newest first."""
    waiting = Skip.objects.filter(image__project=project, image__state=ImageState.PROPOSED)
    return waiting.select_related("image", "user").order_by("-id")
