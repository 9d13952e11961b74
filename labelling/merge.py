"""Makes one person of two. Everything of the one goes to the other; one event, taken back exactly."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from labelling import moves
from labelling.errors import AlreadyUsed, Refused, Stale
from labelling.models import Bond, Cluster, Constraint, Event, Face, Identity, Image, Suggestion, Verb
from labelling.objections import bring_back, overrule, withdraw
from labelling.signals import announce, names_changed

TRIES = 5


class _FacesCame(Exception):
    """Somebody named a face after we looked which ones there are."""


def merge_people(
    source: Identity,
    target: Identity,
    *,
    by,
    event_id: UUID,
    seen: dict | None = None,
    allow_twice: bool = False,
    allow_not_same: bool = False,
) -> Event:
    """`source` becomes a name of `target`: faces, aliases, claims of photos, suggestions and constraints follow.

    The row of `source` stays, out of sight, because its class id is never given again. seen: the numbers of
    faces that were looked at, {"faces", "into_faces"}; Stale when there are others now. Refused when one photo
    shows both (unless `allow_twice`: a mirror, a collage) or somebody said that they differ (`allow_not_same`).
    """
    for _ in range(TRIES):
        try:
            with transaction.atomic():
                replay = _replayed(source, target, by, event_id)
                return replay or _merge(source, target, by, event_id, seen, allow_twice, allow_not_same)
        except _FacesCame:
            continue
    raise Refused(f"Faces of “{source.name}” are being named right now; try again in a moment.")


def _replayed(source: Identity, target: Identity, by, event_id: UUID) -> Event | None:
    known = Event.objects.filter(pk=event_id).first()
    wanted = (Verb.MERGE, by and by.pk, source.pk, target.pk)
    if known and (known.verb, known.actor_id, known.before.get("identity"), known.after.get("identity")) != wanted:
        raise AlreadyUsed("This event id was used for something else; make a new one.")
    return known


def _merge(source: Identity, target: Identity, by, event_id: UUID, seen, allow_twice, allow_not_same) -> Event:
    faces = Face.objects.filter(identity=source)
    claims = list(Image.objects.filter(claimed_identity=source).order_by("pk").values_list("pk", flat=True))
    rows = moves.hold(faces, claims)
    # After photos and faces, as those who name faces hold them when their change reaches a person.
    source, target = hold_people(source, target)
    if set(faces.values_list("pk", flat=True)) != {pk for pk, _, _ in rows}:
        raise _FacesCame
    replay = _replayed(source, target, by, event_id)  # the same request twice at once: the first has finished now
    if replay:
        return replay
    _must_be_two(source, target)
    _must_be_as_seen(source, target, len(rows), seen)
    back = Q(face__identity=target, identity=source)
    withdrawn = overrule(
        faces, target, also=back, by=by, event_id=event_id, twice=allow_twice, not_same=allow_not_same
    )  # fmt: skip
    moves.move(rows, target, by=by)
    withdrawn += _not_person_follows(source, target)
    kept = list(Constraint.objects.filter(identity=source).values_list("pk", flat=True))
    Constraint.objects.filter(pk__in=kept).update(identity=target)
    Image.objects.filter(pk__in=claims).update(claimed_identity=target)
    _guesses_follow(source, target)
    aliases = _new_aliases(source, target)
    Identity.objects.filter(pk=target.pk).update(aliases=[*target.aliases, *aliases])
    Identity.objects.filter(pk=source.pk).update(merged_into=target)
    announce(names_changed, target.project_id)
    return Event.objects.create(
        id=event_id,
        project_id=target.project_id,
        actor=by,
        verb=Verb.MERGE,
        before={
            "identity": source.pk, "name": source.name, "moved": moves.moved(rows),
            "claims": claims, "constraints": kept, "withdrawn": withdrawn,
        },
        after={"identity": target.pk, "name": target.name, "aliases": aliases},
        images=sorted({image_id for _, _, image_id in rows}),
        identities=sorted([source.pk, target.pk]),
    )  # fmt: skip


def hold_people(*people: Identity) -> list[Identity]:
    """The people as they are, locked, so that nobody names a face after them meanwhile. In the order given."""
    held = {
        person.pk: person
        for person in Identity.objects.select_for_update()
        .filter(pk__in=[person.pk for person in people])
        .select_related(None)
        .order_by("pk")
    }
    return [held[person.pk] for person in people]


def _must_be_two(source: Identity, target: Identity) -> None:
    if source.project_id != target.project_id:
        raise Refused(f"There is no person {target.pk} in this project.", fields={"into": ["Not found."]})
    if source.pk == target.pk:
        raise Refused(f"“{source.name}” cannot be merged into itself.", fields={"into": ["Choose somebody else."]})
    for person in (source, target):
        if person.merged_into_id:
            raise Stale(f"“{person.name}” was merged into “{person.merged_into.name}” already; look again.")


def _must_be_as_seen(source: Identity, target: Identity, faces: int, seen: dict | None) -> None:
    if seen is None:
        return
    now = {"faces": faces, "into_faces": Face.objects.filter(identity=target).count()}
    if any(seen.get(key, count) != count for key, count in now.items()):
        raise Stale(
            f"Faces were named since you looked: “{source.name}” has {now['faces']} now and “{target.name}” "
            f"{now['into_faces']}. Nothing was merged; look again.",
            current=now,
        )


def _not_person_follows(source: Identity, target: Identity) -> list[dict]:
    """Who is not the one is not the other either; what would then be said twice is withdrawn."""
    said = Constraint.objects.filter(identity=target).values("face")
    return withdraw(list(Constraint.objects.filter(identity=source, face__in=said)))


def _guesses_follow(source: Identity, target: Identity) -> None:
    """Suggestions and clusters that a worker is rewriting just now are left to it: it will look again."""
    guesses = Suggestion.objects.filter(identity=source).order_by("pk").select_for_update(skip_locked=True)
    faces_of = dict(guesses.values_list("pk", "face_id"))
    there = set(
        Suggestion.objects.filter(identity=target, face__in=faces_of.values()).values_list("face_id", flat=True)
    )
    doubled = [pk for pk, face_id in faces_of.items() if face_id in there]
    Suggestion.objects.filter(pk__in=doubled).delete()
    Suggestion.objects.filter(pk__in=faces_of.keys() - set(doubled)).update(identity=target)
    clusters = Cluster.objects.filter(identity=source).order_by("pk").select_for_update(skip_locked=True)
    Cluster.objects.filter(pk__in=list(clusters.values_list("pk", flat=True))).update(identity=target)


def _new_aliases(source: Identity, target: Identity) -> list[str]:
    known = {name.casefold() for name in (target.name, *target.aliases)}
    added = []
    for name in (source.name, *source.aliases):
        if name.casefold() not in known:
            known.add(name.casefold())
            added.append(name)
    return added


def merge_back(event: Event, by) -> None:
    """Two people again, each with what was theirs. What was said of either since stays with the one it was said of."""
    rows = moves.hold_moved(event, event.before["claims"])
    source, target = hold_people(Identity(pk=event.before["identity"]), Identity(pk=event.after["identity"]))
    if target.merged_into_id or source.merged_into_id != target.pk:
        raise Stale(f"“{target.name}” was merged again since; take that back first.")
    try:
        with transaction.atomic():
            Identity.objects.filter(pk=source.pk).update(merged_into=None)
    except IntegrityError:
        raise Stale(f"“{source.name}” is another person by now; rename that one first.") from None
    moves.move(rows, source, by=by)
    Image.objects.filter(pk__in=event.before["claims"], claimed_identity=target).update(claimed_identity=source)
    added = set(event.after["aliases"])
    Identity.objects.filter(pk=target.pk).update(aliases=[name for name in target.aliases if name not in added])
    Constraint.objects.filter(event=event, bond=Bond.MUST).delete()
    again = Constraint.objects.filter(pk__in=event.before["constraints"], identity=target)
    again.exclude(face__in=Constraint.objects.filter(identity=source).values("face")).update(identity=source)
    bring_back(event.project_id, event.before["withdrawn"])
    announce(names_changed, event.project_id)
