"""The worst mistakes of an evaluation as pairs of faces to look at: labels are often what was wrong."""

from collections.abc import Iterable
from dataclasses import dataclass

from labelling.models import Face
from recognition.models import Run


@dataclass(frozen=True)
class Mistake:
    """A probe that was taken for somebody else. Faces that were deleted since are None.

    `similarity` to the gallery face it was taken for, `own_similarity` to the best of its own person.
    `now`: what the probe is called today, where that is no longer what it was called when frozen.
    """

    truth: str
    predicted: str
    similarity: float | None
    own_similarity: float | None
    probe: Face | None
    taken_for: Face | None
    image_id: int | None
    now: str


def mistakes_with_faces(run: Run) -> list[Mistake]:
    """All of them with their faces, in one query."""
    rows = run.curves.get("mistakes") or []
    faces = _faces(run, (row.get(name) for row in rows for name in ("face_id", "nearest_face_id")))
    return [_mistake(row, faces) for row in rows]


def _faces(run: Run, ids: Iterable[int | None]) -> dict[int, Face]:
    wanted = {face_id for face_id in ids if face_id is not None}
    return Face.objects.filter(project_id=run.project_id).select_related("identity").in_bulk(wanted)


def _mistake(row: dict, faces: dict[int, Face]) -> Mistake:
    probe = faces.get(row.get("face_id"))
    called = probe and (probe.identity.name if probe.identity else probe.get_who_display())
    return Mistake(
        truth=row["truth"],
        predicted=row["predicted"],
        similarity=row.get("score"),
        own_similarity=row.get("own_score"),
        probe=probe,
        taken_for=faces.get(row.get("nearest_face_id")),
        image_id=probe.image_id if probe else row.get("image_id"),
        now=called if called and called != row["truth"] else "",
    )
