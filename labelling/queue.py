"""Hands out images, one person each: whose turn which photo is, and the leases that say so."""

import uuid
from datetime import timedelta

from django.utils import timezone

from jobs.prepared import MOST_ID, Prepared, read
from labelling.claim_statement import (
    BEHIND,
    MINE,
    NOBODYS,
    NOT_SKIPPED,
    NOT_THAT,
    NOT_YET_HEARD,
    SKIPPED,
    first_of,
    this_one,
)
from labelling.errors import Leased
from labelling.gold import photo_due
from labelling.models import Identity, Image, ImageState, Lease, LeasePurpose, Project, QueueOrder
from labelling.recently import recently

# Each try that fails means that someone else got a photo in the meantime, so even a crowd needs few.
TRIES = 50
# Counting many waiting photos takes longer than handing one out, and nobody can tell 80,000 from 79,990.
COUNTED_EACH_TIME = 1_000
HOLDER = Prepared("""
-- holder
SELECT person.username FROM labelling_lease AS lease JOIN auth_user AS person ON person.id = lease.user_id
WHERE lease.image_id = %(image)s AND lease.until > statement_timestamp() AND lease.user_id IS DISTINCT FROM %(user)s
""")


def next_image(project: Project, user, *, after: int | None = None) -> Lease | None:
    """Lease the next image for this person, or None when nothing free is left for them.

    Now and then one whose truth is known; then their own batches, then what is given to nobody. What they skipped
    comes back last, and what is given to others never. `after` goes on behind that image and begins again at the end.
    """
    return _known_one(project, user, after) or _waiting_one(project, user, after)


def _known_one(project: Project, user, after: int | None) -> Lease | None:
    due = photo_due(project, user, after=after)
    if due is None:
        return None
    leases = (_claim_this(image.pk, project, user, purpose=LeasePurpose.GOLD) for image in due[:TRIES])
    return next(filter(None, leases), None)


def _waiting_one(project: Project, user, after: int | None) -> Lease | None:
    order = queue_order(project)
    if after is not None:
        after = max(-MOST_ID, min(after, MOST_ID))
    values = {"project": project.pk, "after": after}
    if after is not None and order == QueueOrder.SAMPLED:
        values["after_lot"] = Image.objects.filter(pk=after).values_list("lot", flat=True).first()
    # Two statements: the second is for when little is left.
    for looks in _looks(order, after):
        here = tuple((*look, NOT_YET_HEARD) for look in looks) if project.settings.overlap > 1 else looks
        lease = _claim_any(first_of(here, order), values, project, user)
        if lease:
            return lease
    return None


def _looks(order: QueueOrder, after: int | None) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """Where to look, in that order. A batch is gone through to its end, and round again, before what is nobody's."""
    if after is None:
        return ((MINE, NOT_SKIPPED), (NOBODYS, NOT_SKIPPED)), ((MINE, SKIPPED), (NOBODYS, SKIPPED))
    behind = BEHIND[order]
    first = ((MINE, NOT_SKIPPED, behind), (MINE, NOT_SKIPPED, NOT_THAT), (NOBODYS, NOT_SKIPPED, behind))
    last = ((NOBODYS, NOT_SKIPPED, NOT_THAT), (MINE, SKIPPED, NOT_THAT), (NOBODYS, SKIPPED, NOT_THAT))
    return first, (*last, (MINE,), (NOBODYS,))


def queue_order(project: Project) -> QueueOrder:
    """What the project's settings say; an order that is no longer known is the plain one."""
    stored = project.settings.queue_order
    return QueueOrder(stored) if stored in QueueOrder.values else QueueOrder.OLDEST


def open_image(image: Image, user, *, take_over: bool = False) -> Lease:
    """Lease one chosen image. Raises Leased when someone else works on it, unless it is to be taken over."""
    lease = _claim_this(image.pk, image.project, user, by_force=take_over)
    if lease is None:
        holder = Lease.objects.select_related("user").filter(image=image).first()
        name = holder.user.get_username() if holder else "someone else"
        raise Leased(f"{name} is working on this photo right now.", by=name)
    return lease


def _claim_any(statement: Prepared, values: dict, project: Project, user) -> Lease | None:
    for _ in range(TRIES):
        found = _claim(statement, values, project, user)
        if found is None:
            return None
        if found.token:
            return found
    return None


def _claim_this(image_id: int, project: Project, user, **how) -> Lease | None:
    found = _claim(this_one(), {"image": image_id}, project, user, **how)
    return found if found and found.token else None


def _claim(
    statement: Prepared, values: dict, project: Project, user, *, purpose=LeasePurpose.LABEL, by_force: bool = False
) -> Lease | None:
    """The photo found, if any, as it stands under its lock; without a token when somebody else was quicker."""
    lease = {"user": user.pk, "token": uuid.uuid4(), "lasts": _lasts(project), "purpose": purpose}
    row = statement.first(**values, **lease, by_force=by_force)
    if row is None:
        return None
    image, end = read(Image, row)
    claimed_name, token, until, has_remarks = row[end:]
    image.project = project
    if image.claimed_identity_id:
        image.claimed_identity = Identity(pk=image.claimed_identity_id, name=claimed_name)
    lease = Lease(image=image, token=token, user=user, until=until)
    lease.has_remarks = has_remarks  # when it was claimed, so that they are asked for only where there are any
    return lease


def _lasts(project: Project) -> timedelta:
    return timedelta(minutes=project.settings.lease_minutes)


def waiting_count(project: Project) -> int:
    """How many photos wait for a person; a large number may be some seconds old."""
    waiting = Image.objects.filter(project=project, state=ImageState.PROPOSED)
    return recently(f"waiting:{project.pk}", waiting.count, is_large=lambda count: count > COUNTED_EACH_TIME)


def renew(token: uuid.UUID, user) -> Lease | None:
    lease = Lease.objects.select_related("image__project").filter(token=token, user=user).first()
    if lease is None:
        return None
    lease.until = timezone.now() + _lasts(lease.image.project)
    return lease if Lease.objects.filter(token=token).update(until=lease.until) else None


def release(token: uuid.UUID, user) -> None:
    Lease.objects.filter(token=token, user=user).delete()


def free(image: Image) -> None:
    """Take the image from whoever holds it (reviewers and up)."""
    Lease.objects.filter(image=image).delete()


def held_by_another(image: Image, user) -> str | None:
    """Name of whoever works on the photo at this moment."""
    holder = HOLDER.first(image=image.pk, user=user and user.pk)
    return holder and holder[0]
