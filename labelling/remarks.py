"""What people remark about a photo: flags of annotators, and reviewers' reasons for returning it."""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from labelling.errors import AlreadyUsed, Refused, Stale
from labelling.models import Event, Face, Image, ImageState, Project, Remark, RemarkKind, Verb
from labelling.submit import replayed


def open_remarks(project: Project) -> QuerySet:
    return Remark.objects.filter(project=project, resolved_at=None)


@transaction.atomic
def flag(image: Image, text: str, *, by, event_id: UUID, face_id: int | None = None) -> Remark:
    """Tell reviewers that something is odd about a photo, or one face in it. No label changes."""
    Image.objects.select_for_update().get(pk=image.pk)  # so that a repeated event waits for the first
    replay = replayed(event_id, by=by, image=image, verbs=(Verb.FLAG,))
    if replay:
        return _made_by(replay)
    if face_id is not None and not Face.objects.filter(pk=face_id, image=image).exists():
        raise Refused(f"Face {face_id} is not in this photo.", fields={"face": ["Not found."]})
    remark = Remark.objects.create(
        project_id=image.project_id,
        image=image,
        face_id=face_id,
        kind=RemarkKind.FLAG,
        text=clean_text(text),
        author=by,
    )
    _record(Verb.FLAG, remark, by, event_id)
    return remark


@transaction.atomic
def resolve(remark: Remark, *, by, event_id: UUID) -> Event:
    """The matter is settled. Resolving it twice changes nothing more."""
    remark = Remark.objects.select_for_update().get(pk=remark.pk)
    known = Event.objects.filter(pk=event_id).first()
    if known:
        if (known.verb, known.actor_id, known.after.get("remark")) != (Verb.RESOLVE, by.pk, remark.pk):
            raise AlreadyUsed("This event id was used for something else; make a new one.")
        return known
    if remark.resolved_at is not None:
        raise Stale("Somebody settled this already.")
    remark.resolved_by, remark.resolved_at = by, timezone.now()
    remark.save(update_fields=["resolved_by", "resolved_at"])
    return _record(Verb.RESOLVE, remark, by, event_id)


def return_answered(image: Image, event: Event, *, by) -> None:
    """Whoever a photo was returned to has labelled it again: the matter is settled, the photo is everybody's."""
    if image.assigned_to_id is None or not _is_labelled(event):
        return
    asked = Remark.objects.filter(image=image, kind=RemarkKind.RETURN, resolved_at=None)
    # The event's own time, by which taking the event back finds what it settled.
    if asked.update(resolved_by=by, resolved_at=event.created_at):
        Image.objects.filter(pk=image.pk).update(assigned_to=None)


def reopen_return(event: Event) -> None:
    """The submit that answered a returned photo was taken back: it is returned again."""
    answered = Remark.objects.filter(
        image_id=event.image_id, kind=RemarkKind.RETURN, resolved_by=event.actor_id, resolved_at=event.created_at
    )
    remark = answered.order_by("-pk").first()
    if remark:
        answered.update(resolved_by=None, resolved_at=None)
        Image.objects.filter(pk=event.image_id).update(assigned_to=remark.to)


def _is_labelled(event: Event) -> bool:
    return all(row["state"] == ImageState.LABELLED for row in event.after["images"])


def unflag(event: Event, by) -> None:
    remark = _made_by(event)
    if remark.resolved_at is not None:
        raise Stale("Somebody settled this flag already.")
    remark.delete()


def reopen(event: Event, by) -> None:
    Remark.objects.filter(pk=event.after["remark"]).update(resolved_by=None, resolved_at=None)


def _made_by(event: Event) -> Remark:
    remark = Remark.objects.filter(pk=event.after["remark"]).first()
    if remark is None:
        raise Stale("This flag was taken back since.")
    return remark


def _record(verb: Verb, remark: Remark, by, event_id: UUID) -> Event:
    return Event.objects.create(
        id=event_id, project_id=remark.project_id, actor=by, verb=verb, image_id=remark.image_id,
        images=[remark.image_id], after={"remark": remark.pk, "text": remark.text},
    )  # fmt: skip


def clean_text(text: str) -> str:
    text = " ".join(text.split())
    if not text:
        raise Refused("Write a few words: what is the matter?", fields={"text": ["Missing."]})
    if len(text) > 1000:
        raise Refused("A remark may have 1,000 letters.", fields={"text": ["Too long."]})
    return text


def open_remarks_of(image: Image) -> list[dict]:
    """What is open about one photo, as on the wire."""
    rows = (
        Remark.objects.filter(image=image, resolved_at=None)
        .order_by("pk")
        .values_list("pk", "kind", "text", "author__username", "face_id")
    )
    return [dict(zip(("id", "kind", "text", "author", "face"), row, strict=True)) for row in rows]
