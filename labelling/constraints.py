"""What people say about who is and who is not the same, as part of the event that said it.

The newest word wins: a constraint that contradicts it is dropped, and kept in the event, so that undo brings it back.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from labelling.errors import AlreadyUsed, Refused, Stale
from labelling.models import Bond, Constraint, Event, Face, FaceState, Identity, Image, Project, Verb, Who
from labelling.signals import announce, names_changed

KEPT = ("bond", "face_id", "other_id", "identity_id", "event_id", "created_by_id")


@dataclass
class Change:
    """Constraints that one event makes and drops. Write it once the event is there."""

    made: list[Constraint] = field(default_factory=list)
    dropped: list[Constraint] = field(default_factory=list)

    def before(self) -> list[dict]:
        return [_row(constraint) for constraint in self.dropped]

    def after(self) -> list[dict]:
        return [_row(constraint) for constraint in self.made]

    def write(self, event: Event) -> None:
        Constraint.objects.filter(pk__in=[constraint.pk for constraint in self.dropped]).delete()
        for constraint in self.made:
            constraint.project_id, constraint.event = event.project_id, event
            constraint.created_by_id = event.actor_id
        Constraint.objects.bulk_create(self.made, batch_size=2000)


def _row(constraint: Constraint) -> dict:
    return {name: _plain(getattr(constraint, name)) for name in KEPT}


def _plain(value):
    return str(value) if isinstance(value, UUID) else value


def pair(first: int, second: int) -> tuple[int, int]:
    """Two face ids in the order the table keeps them."""
    return (first, second) if first < second else (second, first)


def named_alike(faces: list[Face], identity: Identity, *, strangers: list[Face], twins: Iterable[tuple]) -> Change:
    """What follows for the constraints when `faces` are said to show `identity` and `strangers` not to.

    twins: pairs of one photo that show this person twice, in a mirror or a collage.
    """
    ids = [face.pk for face in faces]
    theirs = Face.objects.named().filter(identity=identity).values("pk")
    apart = Q(face__in=ids) & (Q(other__in=ids) | Q(other__in=theirs)) | Q(other__in=ids, face__in=theirs)
    contradicted = Constraint.objects.filter(apart | Q(face__in=ids, identity=identity), bond=Bond.CANNOT)
    change = Change(dropped=list(contradicted))
    known = set(
        Constraint.objects.filter(face__in=strangers, identity=identity).values_list("face_id", flat=True),
    )
    change.made = [
        Constraint(bond=Bond.CANNOT, face=face, identity=identity) for face in strangers if face.pk not in known
    ]
    change.made += [Constraint(bond=Bond.MUST, face_id=first, other_id=second) for first, second in twins]
    return change


def twice_in_a_photo(faces: list[Face], identity: Identity) -> list[tuple[Face, Face]]:
    """Pairs of one photo that would both show `identity`, but for those known to be mirrored or a collage."""
    image_ids = {face.image_id for face in faces}
    here = {face.pk: face for face in faces}
    there = Face.objects.named().filter(image__in=image_ids, identity=identity).exclude(pk__in=here)
    by_image: dict[int, list[Face]] = {}
    for face in [*faces, *there]:
        by_image.setdefault(face.image_id, []).append(face)
    pairs = [
        (first, second)
        for together in by_image.values()
        for first, second in combinations(sorted(together, key=lambda face: face.pk), 2)
        if first.pk in here or second.pk in here
    ]
    if not pairs:
        return []
    allowed = set(
        Constraint.objects.filter(bond=Bond.MUST, face__in=[first.pk for first, _ in pairs]).values_list(
            "face_id", "other_id"
        )
    )
    return [(first, second) for first, second in pairs if (first.pk, second.pk) not in allowed]


@transaction.atomic
def link_faces(project: Project, first: int, second: int, *, same: bool, by, event_id: UUID) -> Event:
    """Say whether two faces show one person. Two of one photo that do are a mirror or a collage."""
    replay = Event.objects.sent_before(event_id)
    if replay:
        if (replay.actor_id, replay.verb, replay.project_id) != (by.pk if by else None, Verb.LINK, project.pk):
            raise AlreadyUsed("This event id was used for something else; make a new one.")
        return replay
    if first == second:
        raise Refused("A face is itself; give two different ones.")
    ids = pair(first, second)
    image_ids = Face.objects.filter(project=project, pk__in=ids).values_list("image_id", flat=True)
    # Locked like every change of faces, so that two answers about one face come one after the other.
    list(Image.objects.select_for_update().filter(pk__in=list(image_ids)).order_by("pk"))
    faces = list(Face.objects.select_related("identity").filter(project=project, pk__in=ids).order_by("pk"))
    if len(faces) != 2:
        missing = min(set(ids) - {face.pk for face in faces})
        raise Refused(f"Face {missing} is not in this project; nothing was changed.")
    _must_make_sense(faces, same)
    change = _linked(faces, Bond.MUST if same else Bond.CANNOT)
    announce(names_changed, project.pk)
    event = Event.objects.create(
        id=event_id,
        project=project,
        actor=by,
        verb=Verb.LINK,
        before={"constraints": change.before()},
        after={"constraints": change.after(), "faces_linked": list(ids), "same": same},
        images=sorted({face.image_id for face in faces}),
        identities=sorted({face.identity_id for face in faces} - {None}),
    )
    change.write(event)
    return event


def _must_make_sense(faces: list[Face], same: bool) -> None:
    first, second = faces
    no_face = next((face.pk for face in faces if face.state == FaceState.REJECTED), None)
    if no_face:
        raise Refused(f"Somebody said that {no_face} is no face; nothing was changed.")
    if first.who == second.who == Who.ASSIGNED:
        if same and first.identity_id != second.identity_id:
            raise Refused(f"They are named “{first.identity}” and “{second.identity}”; correct one of the names first.")
        if not same and first.identity_id == second.identity_id:
            raise Refused(f"Both are named “{first.identity}”; take that name from one of them first.")


def _linked(faces: list[Face], bond: Bond) -> Change:
    first, second = faces
    known = list(Constraint.objects.filter(face=first, other=second))
    if known and known[0].bond == bond:
        return Change()
    change = Change(made=[Constraint(bond=bond, face=first, other=second)], dropped=known)
    if bond == Bond.MUST:  # “not this person” about the one, and the other is that person
        change.dropped += Constraint.objects.filter(
            Q(face=first, identity=second.identity_id) | Q(face=second, identity=first.identity_id),
            identity__isnull=False,
        )
    return change


def constraints_back(event: Event) -> None:
    """Put the constraints back as they were before `event`. Raises Stale when a later word replaced one of them."""
    for row in event.after.get("constraints", []):
        later = Constraint.objects.filter(_about_the_same(row)).exclude(event=event)
        if later.exists():
            raise Stale("Somebody said something else about these faces since; take that back first.")
    Constraint.objects.filter(event=event).delete()
    rows = event.before.get("constraints", [])
    undone = set(Event.objects.filter(undoes__in=[row["event_id"] for row in rows]).values_list("undoes_id", flat=True))
    faces = set(Face.objects.filter(pk__in=_faces_of(rows)).values_list("pk", flat=True))
    people = set(Identity.objects.filter(pk__in=[row["identity_id"] for row in rows]).values_list("pk", flat=True))
    Constraint.objects.bulk_create(
        [
            Constraint(project_id=event.project_id, **row)
            for row in rows
            if {row["face_id"], row["other_id"]} <= faces | {None}
            and row["identity_id"] in people | {None}
            and row["event_id"] not in {str(pk) for pk in undone}
        ],
        ignore_conflicts=True,
    )


def _about_the_same(row: dict) -> Q:
    if row["other_id"]:
        return Q(face=row["face_id"], other=row["other_id"])
    return Q(face=row["face_id"], identity=row["identity_id"])


def _faces_of(rows: list[dict]) -> set[int]:
    return {row[side] for row in rows for side in ("face_id", "other_id") if row[side]}
