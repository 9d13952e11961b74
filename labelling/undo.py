"""Takes a change back, exactly, unless something later built on it."""

import uuid
from collections.abc import Callable

from django.db import IntegrityError, transaction
from django.utils import timezone

from labelling.constraints import constraints_back
from labelling.describe import describe_back
from labelling.errors import Refused, Stale
from labelling.later import built_upon
from labelling.merge import merge_back
from labelling.models import Event, Face, FaceState, Identity, Image, ImageState, Role, Verb
from labelling.opinions import take_back_opinion
from labelling.remarks import reopen, reopen_return, unflag
from labelling.reviewing import take_back_acceptance, take_back_return
from labelling.signals import announce, faces_boxed, names_changed
from labelling.skips import unskip
from labelling.split import split_back
from labelling.submit import KEPT

# About people, not about photos: only who may change people may change them back.
OF_REVIEWERS = {Verb.RENAME, Verb.DESCRIBE, Verb.MERGE, Verb.SPLIT}


def least_role_to_undo(event: Event, user) -> Role:
    """One's own labels from annotator on; those of others, and what is about people, from reviewer on."""
    own = event.actor_id == user.pk and event.verb not in OF_REVIEWERS
    return Role.ANNOTATOR if own else Role.REVIEWER


@transaction.atomic
def undo_event(event: Event, *, by) -> Event:
    """Put everything back as it was before `event`. Doing it twice changes nothing more.

    Raises Stale when a later change touched the same faces, Refused when there is nothing to take back.
    """
    event = Event.objects.select_for_update().get(pk=event.pk)
    done = Event.objects.filter(undoes=event).first()
    if done:
        return done
    if event.erased:
        raise Refused("A person was erased since, and what this change was about with them. It cannot be taken back.")
    way = WAYS_BACK.get(Verb(event.verb))
    if way is None:
        raise Refused(f"“{event.get_verb_display()}” cannot be taken back.")
    way(event, by)
    return Event.objects.create(
        id=uuid.uuid4(),
        project_id=event.project_id,
        actor=by,
        verb=Verb.UNDO,
        image_id=event.image_id,
        before=event.after,
        after=event.before,
        images=event.images,
        identities=event.identities,
        undoes=event,
    )


def _rename_back(event: Event, by) -> None:
    old = event.before["name"]
    person = Identity.objects.select_for_update().get(pk=event.after["identity"])
    if person.name != event.after["name"]:
        raise Stale("This person was renamed again since; take that back first.")
    try:
        with transaction.atomic():
            Identity.objects.filter(pk=person.pk).update(name=old)
    except IntegrityError:
        raise Stale(f"“{old}” is another person by now; rename that one first.") from None


def _faces_back(event: Event, by) -> None:
    before = {row["id"]: row for row in event.before["faces"]}
    changed = {row["id"]: row for row in event.after["faces"] if row != before.get(row["id"])}
    # Images before faces, in id order, as everywhere.
    image_ids = [row["id"] for row in event.after["images"]]
    images = list(Image.objects.select_for_update().filter(pk__in=image_ids).order_by("pk"))
    faces = {face.pk: face for face in Face.objects.select_for_update().filter(pk__in=changed).order_by("pk")}
    if not set(changed) <= set(faces) or _changed_again(event, faces, changed):
        raise Stale("These faces were changed again since; take the later change back first.")
    for pk, face in faces.items():
        if pk in before:
            _restore(face, before[pk], by)
        else:
            face.delete()  # drawn in that very change
    _images_back(event, images)
    announce(names_changed, event.project_id)
    announce(faces_boxed, event.project_id)


def _decision_back(event: Event, by) -> None:
    _faces_back(event, by)
    constraints_back(event)


def _link_back(event: Event, by) -> None:
    # Under the locks of everything that changes faces, so that no later word slips in between.
    list(Image.objects.select_for_update().filter(pk__in=event.images).order_by("pk"))
    constraints_back(event)
    announce(names_changed, event.project_id)


def _changed_again(event: Event, faces: dict[int, Face], left: dict[int, dict]) -> bool:
    """Not by a later change that was itself taken back: then they are again as this one left them."""
    counted_up = [pk for pk, face in faces.items() if face.version != left[pk]["version"]]
    differs = any(getattr(faces[pk], name) != left[pk][name] for pk in counted_up for name in KEPT)
    return differs or built_upon(event, counted_up)


def _submit_back(event: Event, by) -> None:
    _faces_back(event, by)
    reopen_return(event)


def _images_back(event: Event, images: list[Image]) -> None:
    was = {row["id"]: row for row in event.before["images"]}
    left = {row["id"]: row for row in event.after["images"]}
    waiting = set(Face.objects.filter(image__in=images, state=FaceState.PROPOSED).values_list("image_id", flat=True))
    for image in images:
        if image.version == left[image.pk]["version"]:
            image.state = was[image.pk]["state"]
        elif image.pk in waiting:  # something else in it changed as well: only what is open counts
            image.state = ImageState.PROPOSED
        image.version += 1
        image.save(update_fields=["version", "state"])


def _restore(face: Face, row: dict, by) -> None:
    for name in KEPT:
        setattr(face, name, row[name])
    face.version += 1  # versions only grow: an undone state is not the old one to a stale browser
    face.updated_at, face.updated_by = timezone.now(), by
    face.save()


# Each puts everything back as it was before the event, or raises Stale.
WAYS_BACK: dict[Verb, Callable[[Event, object], None]] = {
    Verb.SUBMIT: _submit_back,
    Verb.IMPORT: _submit_back,
    Verb.ASSIGN: _decision_back,
    Verb.DECIDE: _decision_back,
    Verb.LINK: _link_back,
    Verb.RENAME: _rename_back,
    Verb.DESCRIBE: describe_back,
    Verb.MERGE: merge_back,
    Verb.SPLIT: split_back,
    Verb.OPINION: take_back_opinion,
    Verb.JUDGE: _faces_back,
    Verb.SKIP: unskip,
    Verb.FLAG: unflag,
    Verb.RESOLVE: reopen,
    Verb.RETURN: take_back_return,
    Verb.APPROVE: take_back_acceptance,
}
