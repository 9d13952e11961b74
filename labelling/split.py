"""Takes faces away from a person: to a new person, to another one, or back to waiting. Taken back exactly."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from labelling import moves
from labelling.errors import AlreadyUsed, Refused, Stale
from labelling.identities import clean_name, find_identity, get_or_create_identity
from labelling.merge import hold_people
from labelling.models import Bond, Constraint, Event, Face, Identity, Image, Verb
from labelling.objections import bring_back, overrule
from labelling.signals import announce, names_changed


@transaction.atomic
def split_person(
    person: Identity,
    face_ids: Iterable[int],
    *,
    to: Identity | str | None,
    by,
    event_id: UUID,
    remember: bool = True,
    allow_twice: bool = False,
    allow_not_same: bool = False,
) -> Event:
    """These faces of `person` are of `to`: somebody there is, a name (made when nobody has it), or nobody known yet.

    remember: that they are not `person` is kept as a word of its own, for suggestions and clusters to obey.
    Raises Stale when a face is not the person's any more; Twice and NotSame as merging does.
    """
    replay = _replayed(person, by, event_id)
    if replay:
        return replay
    wanted = set(face_ids)
    faces = Face.objects.filter(project=person.project_id, identity=person, pk__in=wanted)
    rows = moves.hold(faces)
    replay = _replayed(person, by, event_id)  # the same request twice at once: the first has finished now
    if replay:
        return replay
    if not wanted:
        raise Refused("Choose the faces to take away.", fields={"faces": ["None chosen."]})
    if len(rows) != len(wanted):
        raise Stale(f"{len(wanted) - len(rows)} of these faces are not “{person.name}” any more; look again.")
    other, is_new = _whom(person, to)
    withdrawn = []
    if other:
        withdrawn = overrule(
            faces, other, by=by, event_id=event_id, twice=allow_twice, not_same=allow_not_same
        )  # fmt: skip
    moves.move(rows, other, by=by)
    if remember:
        _remember(person, rows, by, event_id)
    announce(names_changed, person.project_id)
    return Event.objects.create(
        id=event_id,
        project_id=person.project_id,
        actor=by,
        verb=Verb.SPLIT,
        before={"identity": person.pk, "name": person.name, "moved": moves.moved(rows), "withdrawn": withdrawn},
        after={"identity": other and other.pk, "name": other and other.name, "is_new": is_new, "remembered": remember},
        images=sorted({image_id for _, _, image_id in rows}),
        identities=sorted({person.pk, *([other.pk] if other else [])}),
    )


def _replayed(person: Identity, by, event_id: UUID) -> Event | None:
    known = Event.objects.filter(pk=event_id).first()
    if known and (known.verb, known.actor_id, known.before.get("identity")) != (Verb.SPLIT, by and by.pk, person.pk):
        raise AlreadyUsed("This event id was used for something else; make a new one.")
    return known


def _whom(person: Identity, to: Identity | str | None) -> tuple[Identity | None, bool]:
    """Whose the faces are now, and whether that person was made for them."""
    if to is None:
        return None, False
    is_new = isinstance(to, str) and find_identity(person.project, to) is None
    other = get_or_create_identity(person.project, clean_name(to)) if isinstance(to, str) else to
    if other.project_id != person.project_id:
        raise Refused(f"There is no person {other.pk} in this project.", fields={"to": ["Not found."]})
    if other.pk == person.pk:
        raise Refused(f"They are “{person.name}” already; give somebody else.", fields={"to": ["The same person."]})
    return other, is_new


def _remember(person: Identity, rows: list[moves.Row], by, event_id: UUID) -> None:
    ids = {pk for pk, _, _ in rows}
    known = set(Constraint.objects.filter(face__in=ids, identity=person).values_list("face_id", flat=True))
    Constraint.objects.bulk_create(
        [
            Constraint(
                project_id=person.project_id, bond=Bond.CANNOT, face_id=pk, identity=person, event_id=event_id,
                created_by=by,
            )
            for pk in sorted(ids - known)
        ],
        batch_size=2000,
    )  # fmt: skip


def split_back(event: Event, by) -> None:
    """The faces are the person's again. A person made for them goes when nothing else is about them."""
    rows = moves.hold_moved(event)
    person = hold_people(Identity(pk=event.before["identity"]))[0]
    if person.merged_into_id:
        raise Stale(f"“{person.name}” was merged into “{person.merged_into.name}” since; take that back first.")
    moves.move(rows, person, by=by)
    Constraint.objects.filter(event=event).delete()
    bring_back(event.project_id, event.before["withdrawn"])
    if event.after["is_new"]:
        _forget_unused(event)
    announce(names_changed, event.project_id)


def _forget_unused(event: Event) -> None:
    pk = event.after["identity"]
    others = Event.objects.filter(project=event.project_id, identities__contains=[pk]).exclude(pk=event.pk)
    used = (
        Face.objects.filter(identity=pk),
        Image.objects.filter(claimed_identity=pk),
        Constraint.objects.filter(identity=pk),
        Identity.objects.filter(merged_into=pk),
        others,
    )
    if not any(rows.exists() for rows in used):
        Identity.objects.filter(pk=pk).delete()
