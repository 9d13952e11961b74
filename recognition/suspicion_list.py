"""Suspicions as reviewers see them: the open ones, ranked, each with its crops and its reason in words."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F
from django.utils import timezone

from labelling.models import Face, Project
from recognition.models import Suspicion, SuspicionKind


def open_suspicions(project: Project):
    """Nobody said that the label is right, and it is still the label that is doubted."""
    return Suspicion.objects.filter(project=project, dismissed_at=None, face__version=F("face_version"))


@dataclass(frozen=True)
class Suspect:
    """One row of the list. own: faces to compare with; other: the face that speaks against the label."""

    row: Suspicion
    own: list[Face]
    reason: str


def suspects(rows: Iterable[Suspicion]) -> list[Suspect]:
    """In one query more than the rows themselves."""
    rows = list(rows)
    wanted = {pk for row in rows for pk in row.detail.get("own_faces", [])}
    faces = Face.objects.in_bulk(wanted)
    return [
        Suspect(row, [faces[pk] for pk in row.detail.get("own_faces", []) if pk in faces], reason_of(row))
        for row in rows
    ]


def reason_of(row: Suspicion) -> str:
    detail, other = row.detail, row.identity
    if row.kind == SuspicionKind.OUTLIER:
        return (
            f"Looks like {other} ({_percent(detail['probability'])}, similarity {detail['similarity']:.2f}) "
            f"rather than like other photos of {row.face.identity} ({_percent(detail['own_probability'])}, "
            f"at best {detail['own_similarity']:.2f})."
        )
    if row.kind == SuspicionKind.TWICE:
        like = f" This one looks like {other} as well." if other and (detail.get("probability") or 0) >= 0.5 else ""
        return f"{row.face.identity} is twice in this photo, and nobody said that it is a mirror or a collage.{like}"
    if "overlap" in detail:
        return f"The detector sees a face beside this box; the two overlap by {_percent(detail['overlap'])}."
    if other:
        return f"Said to be no face, but it looks like {other} ({_percent(detail['probability'])})."
    return f"Said to be no face, but the detector was {_percent(detail['detector'], 1)} sure of one."


def _percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f}\u00a0%"


def say_right(suspicion: Suspicion, is_right: bool, *, by) -> None:
    """The label is right, which holds until the label changes; or it is doubtful after all."""
    rows = Suspicion.objects.filter(pk=suspicion.pk)
    if is_right:
        rows.filter(dismissed_at=None).update(dismissed_by=by, dismissed_at=timezone.now())
    else:
        rows.update(dismissed_by=None, dismissed_at=None)
