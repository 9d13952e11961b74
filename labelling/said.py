"""What somebody said about the faces of a photo, as plain rows: kept in opinions and in known truths."""

from collections.abc import Iterable, Sequence

from labelling.matching import match_boxes
from labelling.models import Face, FaceState, Identity, Who

Row = dict  # {"key", "face", "box", "state", "who", "identity", "name"}, `key` being the face's id or uid


def rows_of(faces: Iterable[Face]) -> list[Row]:
    return [
        {
            "key": str(face.pk or face.uid),
            "face": face.pk,
            "box": list(face.box),
            "state": face.state,
            "who": face.who,
            "identity": face.identity_id,
            "name": face.identity.name if face.identity else None,
        }
        for face in faces
    ]


def seen(rows: Iterable[Row]) -> list[Row]:
    """The faces somebody saw: a box that is no face is as good as none."""
    return [row for row in rows if row["state"] != FaceState.REJECTED]


def who_it_is(row: Row) -> tuple[str, int | None]:
    return row["who"], row["identity"]


def in_words(row: Row | None) -> str:
    if row is None or row["state"] == FaceState.REJECTED:
        return "not a face"
    return row["name"] if row["who"] == Who.ASSIGNED else Who(row["who"]).label


def same(ours: Sequence[Row], theirs: Sequence[Row]) -> bool:
    """Both saw the same faces, and said the same about each."""
    ours, theirs = seen(ours), seen(theirs)
    pairs = match_boxes([row["box"] for row in ours], [row["box"] for row in theirs])
    return len(pairs) == len(ours) == len(theirs) and all(
        who_it_is(ours[i]) == who_it_is(theirs[j]) for i, j, _ in pairs
    )


def with_people_of_now(many: Sequence[Sequence[Row]]) -> list[list[Row]]:
    """The same rows, naming whom people were merged into since, and by their present names."""
    known = _people({row["identity"] for rows in many for row in rows} - {None})
    return [
        [row if row["identity"] is None else {**row, **_now(known, row["identity"])} for row in rows] for rows in many
    ]


def _people(ids: set[int]) -> dict[int, Identity]:
    """By id, together with those they were merged into, however often."""
    known: dict[int, Identity] = {}
    while ids - known.keys():
        known |= Identity.objects.in_bulk(ids - known.keys())
        ids = {person.merged_into_id for person in known.values()} - {None}
    return known


def _now(known: dict[int, Identity], identity: int) -> dict:
    person = known[identity]
    while person.merged_into_id is not None:
        person = known[person.merged_into_id]
    return {"identity": person.pk, "name": person.name}
