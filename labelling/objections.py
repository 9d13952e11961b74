"""What speaks against faces being of a person: a photo with both, and what people said before.

Nobody is twice in one photo unless somebody says that it is a mirror or a collage.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from labelling.errors import NotSame, Twice
from labelling.models import Bond, Constraint, Face, Identity

NAMED = 3  # photos a sentence names
TOLD = 50  # photos an answer lists


@dataclass(frozen=True)
class Both:
    """A face that would be of the person, and one that is, in one photo."""

    face: int
    theirs: int
    image: int
    photo: str


def both_in_photo(faces: QuerySet, person: Identity) -> list[Both]:
    """Pairs in one photo that nobody has called a mirror or a collage yet. `faces` are not the person's."""
    found = [
        Both(*row)
        for row in faces.filter(image__faces__identity=person)
        .order_by("image_id", "pk", "image__faces__pk")
        .values_list("pk", "image__faces__pk", "image_id", "image__name")
    ]
    allowed = set(
        Constraint.objects.filter(bond=Bond.MUST, face__in=_ids(found), other__in=_ids(found)).values_list(
            "face_id", "other_id"
        )
    )
    return [both for both in found if _pair(both) not in allowed]


def said_not_same(faces: QuerySet, person: Identity) -> QuerySet:
    """Constraints that say that one of `faces` is not this person, or not whom one of their faces shows."""
    mine, theirs = faces.order_by().values("pk"), Face.objects.filter(identity=person).order_by().values("pk")
    pairs = Q(face__in=mine, other__in=theirs) | Q(face__in=theirs, other__in=mine)
    return Constraint.objects.filter(pairs | Q(face__in=mine, identity=person), bond=Bond.CANNOT)


def overrule(
    faces: QuerySet, person: Identity, *, also: Q | None = None, by, event_id: UUID, twice: bool, not_same: bool
) -> list[dict]:
    """Let `faces` be the person's. Returns the constraints that are withdrawn, as rows for undo.

    twice: what stands in one photo is the same person; that is remembered. not_same: what people said
    before no longer counts. also: further constraints in the way. Raises Twice and NotSame where it is not allowed.
    """
    both = both_in_photo(faces, person)
    if both and not twice:
        raise Twice(_twice(person, both), photos=told(both))
    words = said_not_same(faces, person)
    if also is not None:
        words = words | Constraint.objects.filter(also, bond=Bond.CANNOT)
    words = list(words.distinct())
    # A pair in one photo is settled by saying that it is a mirror or a collage, whatever was said of it before.
    pairs = {_pair(entry) for entry in both}
    others = [word for word in words if (word.face_id, word.other_id) not in pairs]
    if others and not not_same:
        raise NotSame(_not_same(person, len(others)), constraints=len(others))
    withdrawn = withdraw(words)
    Constraint.objects.bulk_create(
        [
            Constraint(
                project_id=person.project_id, bond=Bond.MUST, face_id=face, other_id=other, event_id=event_id,
                created_by=by,
            )
            for face, other in sorted(pairs)
        ]
    )  # fmt: skip
    return withdrawn


def withdraw(constraints: list[Constraint]) -> list[dict]:
    rows = [
        {
            "id": row.pk, "bond": row.bond, "face_id": row.face_id, "other_id": row.other_id,
            "identity_id": row.identity_id, "event_id": row.event_id and str(row.event_id),
            "created_by_id": row.created_by_id, "created_at": row.created_at.isoformat(),
        }
        for row in sorted(constraints, key=lambda row: row.pk)
    ]  # fmt: skip
    Constraint.objects.filter(pk__in=[row["id"] for row in rows]).delete()
    return rows


def bring_back(project_id: int, rows: list[dict]) -> None:
    """What `withdraw` took away, as far as nobody has said something about the same faces since."""
    faces = {pk for row in rows for pk in (row["face_id"], row["other_id"])} - {None}
    there = set(Face.objects.filter(pk__in=faces).values_list("pk", flat=True)) | {None}
    Constraint.objects.bulk_create(
        [
            Constraint(project_id=project_id, **row)
            for row in rows
            if row["face_id"] in there and row["other_id"] in there
        ],
        ignore_conflicts=True,
    )


def _ids(found: list[Both]) -> set[int]:
    return {pk for both in found for pk in (both.face, both.theirs)}


def _pair(both: Both) -> tuple[int, int]:
    return (min(both.face, both.theirs), max(both.face, both.theirs))


def told(both: list[Both]) -> list[dict]:
    """The photos of these pairs, once each."""
    return [{"id": pk, "name": name} for pk, name in {entry.image: entry.photo for entry in both}.items()][:TOLD]


def _twice(person: Identity, both: list[Both]) -> str:
    photos = told(both)
    names = ", ".join(photo["name"] for photo in photos[:NAMED])
    more = len({entry.image for entry in both}) - NAMED
    return (
        f"“{person.name}” is in these photos already: {names}{f' and {more} more' if more > 0 else ''}. "
        "Nobody is twice in one photo, unless it is a mirror or a collage; say so, or take the wrong face away first."
    )


def _not_same(person: Identity, count: int) -> str:
    times = "once" if count == 1 else f"{count} times"
    return f"Somebody said {times} that these faces are not “{person.name}”. Say that it no longer counts, or leave it."
