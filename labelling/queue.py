"""Hands out images, one person each: leases under row locks."""

import uuid
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from labelling.errors import Leased
from labelling.gold import photo_due
from labelling.models import Image, ImageState, Lease, LeasePurpose, Project
from labelling.overlap import not_yet_heard

# Each try that fails means that someone else got a photo in the meantime, so even a crowd needs few.
TRIES = 50


def next_image(project: Project, user, *, after: int | None = None) -> Lease | None:
    """Lease the next image that waits for a person, or None when nothing free is left.

    `after` goes on behind that image id and wraps around: skipped photos come back last.
    """
    known = photo_due(project, user, after=after)
    if known is not None and (lease := _claim_first(known, user, LeasePurpose.GOLD)):
        return lease
    waiting = Image.objects.filter(project=project, state=ImageState.PROPOSED).free_for(user).order_by("id")
    waiting = not_yet_heard(waiting, project, user)
    if after is not None:
        return _claim_first(waiting.filter(pk__gt=after), user) or _claim_first(waiting.filter(pk__lte=after), user)
    return _claim_first(waiting, user)


def _claim_first(candidates, user, purpose: LeasePurpose = LeasePurpose.LABEL) -> Lease | None:
    for _ in range(TRIES):
        with transaction.atomic():
            image = candidates.select_for_update(skip_locked=True, of=("self",)).first()
            if image is None:
                return None
            lease = _claim(image, user, purpose)
        if lease:
            return lease
    return None


def open_image(image: Image, user) -> Lease:
    """Lease one chosen image. Raises Leased when someone else works on it."""
    with transaction.atomic():
        Image.objects.select_for_update().get(pk=image.pk)
        lease = _claim(image, user)
    if lease is None:
        holder = Lease.objects.select_related("user").filter(image=image).first()
        name = holder.user.get_username() if holder else "someone else"
        raise Leased(f"{name} is working on this photo right now.", by=name)
    return lease


def _claim(image: Image, user, purpose: LeasePurpose = LeasePurpose.LABEL) -> Lease | None:
    """Under the image's lock. A lease taken between our look and our lock is seen here, so never given twice."""
    held = Lease.objects.filter(image=image).first()
    if held and held.user_id != user.pk and held.until > timezone.now():
        return None
    fields = {"user": user, "token": uuid.uuid4(), "until": _until(image.project), "purpose": purpose}
    if held and held.user_id == user.pk and held.until > timezone.now():
        fields["token"] = held.token  # two tabs of one person share it
    lease, _ = Lease.objects.update_or_create(image=image, defaults=fields)
    return lease


def _until(project: Project):
    return timezone.now() + timedelta(minutes=project.settings.lease_minutes)


def renew(token: uuid.UUID, user) -> Lease | None:
    lease = Lease.objects.select_related("image__project").filter(token=token, user=user).first()
    if lease is None:
        return None
    lease.until = _until(lease.image.project)
    return lease if Lease.objects.filter(token=token).update(until=lease.until) else None


def release(token: uuid.UUID, user) -> None:
    Lease.objects.filter(token=token, user=user).delete()


def free(image: Image) -> None:
    """Take the image from whoever holds it (reviewers and up)."""
    Lease.objects.filter(image=image).delete()


def held_by_another(image: Image, user) -> Lease | None:
    return Lease.objects.select_related("user").filter(image=image, until__gt=Now()).exclude(user=user).first()
