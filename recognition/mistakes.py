"""The worst errors of an evaluation as pairs of faces to look at: labels are often what was wrong."""

from collections.abc import Iterable
from dataclasses import dataclass

from labelling.models import Face
from labelling.remarks import open_remarks
from recognition.models import Run

# In the curves of a run; each a list of pairs.
LISTS = ("mistakes", "false_accepts", "false_rejects", "doubts")


@dataclass(frozen=True)
class Side:
    """One face of a pair; `face` is None when it was deleted since. is_flagged: a remark about it is open in Review.

    now: what it is called today, where that is no longer what it was called when frozen.
    """

    face: Face | None
    face_id: int | None
    image_id: int | None
    name: str
    now: str
    is_flagged: bool


@dataclass(frozen=True)
class Mistake:
    """A face beside the one it is held against: its similarity to that, and to the best of its own person."""

    truth: str
    predicted: str
    similarity: float | None
    own_similarity: float | None
    doubt: float | None
    where: str
    probe: Side
    other: Side


def errors_with_faces(run: Run) -> dict[str, list[Mistake]]:
    """All lists with their faces, in two queries."""
    lists = {name: run.curves.get(name) or [] for name in LISTS}
    rows = [row for rows in lists.values() for row in rows]
    faces = _faces(run, (row.get(name) for row in rows for name in ("face_id", "nearest_face_id")))
    flagged = set(open_remarks(run.project).filter(face__in=faces).values_list("face_id", flat=True))
    return {name: [_mistake(row, faces, flagged) for row in rows] for name, rows in lists.items()}


def changed_labels(errors: dict[str, list[Mistake]]) -> list[tuple[int, str]]:
    """Faces of the lists that are called something else by now, or are gone, each once and in order."""
    sides = {side for rows in errors.values() for row in rows for side in (row.probe, row.other)}
    return sorted({(side.face_id, side.now) for side in sides if side.face_id is not None and side.now})


def face_ids(run: Run) -> set[int]:
    """Of all faces that the lists show."""
    rows = (row for name in LISTS for row in run.curves.get(name) or [])
    return {row.get(side) for row in rows for side in ("face_id", "nearest_face_id")} - {None}


def _faces(run: Run, ids: Iterable[int | None]) -> dict[int, Face]:
    wanted = {face_id for face_id in ids if face_id is not None}
    return Face.objects.filter(project_id=run.project_id).select_related("identity").in_bulk(wanted)


def _mistake(row: dict, faces: dict[int, Face], flagged: set[int]) -> Mistake:
    return Mistake(
        truth=row["truth"],
        predicted=row["predicted"],
        similarity=row.get("score"),
        own_similarity=row.get("own_score"),
        doubt=row.get("doubt"),
        where=row.get("where", ""),
        probe=_side(row.get("face_id"), row["truth"], faces, flagged, row.get("image_id")),
        other=_side(row.get("nearest_face_id"), row["predicted"], faces, flagged),
    )


def _side(face_id: int | None, name: str, faces: dict[int, Face], flagged: set[int], image_id=None) -> Side:
    face = faces.get(face_id)
    if face is None:
        return Side(None, face_id, image_id, name, "deleted" if face_id is not None else "", False)
    called = face.identity.name if face.identity else face.get_who_display()
    return Side(face, face_id, face.image_id, name, called if called != name else "", face_id in flagged)
