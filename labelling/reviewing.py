"""Reviewers accept a labelled photo, or return it with a reason to whoever labelled it."""

from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from labelling.access import role_of
from labelling.errors import Refused, Stale
from labelling.models import Event, Image, ImageState, Remark, RemarkKind, Verb
from labelling.remarks import clean_text
from labelling.submit import must_be_current, replayed, snapshot_images


@transaction.atomic
def accept(image: Image, *, by, version: int, event_id: UUID) -> Event:
    """The photo is right as it stands. Whatever changes it later ends that; the database sees to it."""
    image, replay = _at_hand(image, by, version, event_id, Verb.APPROVE)
    if replay:
        return replay
    before = {"reviewed_at": image.reviewed_at and image.reviewed_at.isoformat(), "reviewed_by": image.reviewed_by_id}
    image.reviewed_by, image.reviewed_at = by, timezone.now()
    image.save(update_fields=["reviewed_by", "reviewed_at"])
    return _record(Verb.APPROVE, image, by, event_id, before, {"version": image.version})


@transaction.atomic
def return_photo(image: Image, text: str, *, by, version: int, event_id: UUID) -> Event:
    """Back to whoever labelled it, and to nobody else, with the reason; to anybody when they are gone."""
    image, replay = _at_hand(image, by, version, event_id, Verb.RETURN)
    if replay:
        return replay
    before = {"images": snapshot_images([image]), "assigned_to": image.assigned_to_id}
    to = _labeller(image)
    remark = Remark.objects.create(
        project_id=image.project_id, image=image, kind=RemarkKind.RETURN, text=clean_text(text), author=by, to=to
    )
    image.state, image.assigned_to = ImageState.PROPOSED, to
    image.version += 1
    image.save(update_fields=["state", "assigned_to", "version"])
    after = {"images": snapshot_images([image]), "remark": remark.pk, "text": remark.text}
    return _record(Verb.RETURN, image, by, event_id, before, after)


def take_back_acceptance(event: Event, by) -> None:
    image = Image.objects.select_for_update().get(pk=event.image_id)
    if image.version == event.after["version"]:
        Image.objects.filter(pk=image.pk).update(**event.before)


def take_back_return(event: Event, by) -> None:
    image = Image.objects.select_for_update().get(pk=event.image_id)
    if image.version != event.after["images"][0]["version"]:
        raise Stale("The photo was labelled again since; look at it anew.")
    image.state, image.assigned_to_id = event.before["images"][0]["state"], event.before["assigned_to"]
    image.version += 1
    image.save(update_fields=["state", "assigned_to", "version"])
    Remark.objects.filter(pk=event.after["remark"]).delete()


def _at_hand(image: Image, by, version: int, event_id: UUID, verb: Verb) -> tuple[Image, Event | None]:
    image = Image.objects.select_for_update(of=("self",)).select_related("project").get(pk=image.pk)
    replay = replayed(event_id, by=by, image=image, verbs=(verb,))
    if replay is None:
        if image.state != ImageState.LABELLED:
            raise Refused("This photo is not labelled, so there is nothing to review.")
        must_be_current(image, version)
    return image, replay


def _labeller(image: Image):
    """Who touched its faces last, or submitted it last when it has none; None when they left the project."""
    last = image.faces.exclude(updated_by=None).order_by("-updated_at", "-pk").values_list("updated_by", flat=True)
    submits = image.events.filter(verb=Verb.SUBMIT).exclude(actor=None)
    pk = last.first() or submits.order_by("-created_at").values_list("actor", flat=True).first()
    user = get_user_model().objects.filter(pk=pk, is_active=True).first()
    return user if user and role_of(user, image.project) else None


def _record(verb: Verb, image: Image, by, event_id: UUID, before: dict, after: dict) -> Event:
    return Event.objects.create(
        id=event_id, project_id=image.project_id, actor=by, verb=verb, image=image, images=[image.pk],
        before=before, after=after,
    )  # fmt: skip
