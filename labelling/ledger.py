"""Writes down what was suggested beside what a person decided. Part of the change it speaks about."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from labelling.models import Event, Face, FaceState, Identity, LedgerEntry, Outcome, Suggestion, Who


def record(event: Event, before: dict[int, dict], faces: Iterable[Face], *, source: str) -> None:
    """One entry for each of `faces` that waited before `event`, is decided now, and had suggestions.

    before: rows of `snapshot` by face id. Call it in the transaction of the change, before suggestions are dropped.
    """
    decided = {face.pk: face for face in faces if _waited(before.get(face.pk)) and _outcome(face, [])}
    if not decided:
        return
    ranked = _suggested(decided)
    LedgerEntry.objects.bulk_create(
        [_entry(event, decided[pk], rows, source) for pk, rows in ranked.items()], batch_size=2000
    )


def record_denied(event: Event, faces: Iterable[Face], person: Identity, *, source: str) -> None:
    """`event` says that none of these waiting faces is `person`: an entry for each that was suggested to be first."""
    waiting = {face.pk: face for face in faces if face.state != FaceState.REJECTED and face.who == Who.UNASSIGNED}
    ranked = _suggested(waiting)
    LedgerEntry.objects.bulk_create(
        [
            _entry(event, waiting[pk], rows, source, Outcome.OVERRULED)
            for pk, rows in ranked.items()
            if rows[0].identity_id == person.pk
        ],
        batch_size=2000,
    )


def _suggested(faces: Collection[int]) -> dict[int, list[Suggestion]]:
    ranked: dict[int, list[Suggestion]] = defaultdict(list)
    for suggestion in Suggestion.objects.filter(face__in=faces).order_by("face_id", "rank"):
        ranked[suggestion.face_id].append(suggestion)
    return ranked


def _waited(row: dict | None) -> bool:
    return row is not None and row["state"] != FaceState.REJECTED and row["who"] == Who.UNASSIGNED


def _entry(
    event: Event, face: Face, rows: list[Suggestion], source: str, outcome: Outcome | None = None
) -> LedgerEntry:
    first = rows[0]
    people = [row.identity_id for row in rows]
    taken = face.identity_id in people
    return LedgerEntry(
        project_id=event.project_id,
        face=face,
        event=event,
        source=source,
        model_name=first.model_name,
        model_version=first.model_version,
        suggested_id=first.identity_id,
        probability=first.probability,
        ranked=[[row.identity_id, row.probability, row.model_name, row.model_version] for row in rows],
        outcome=outcome or _outcome(face, people),
        chosen_id=face.identity_id,
        chosen_rank=rows[people.index(face.identity_id)].rank if taken else None,
        decided_by_id=event.actor_id,
    )


def _outcome(face: Face, people: list[int]) -> Outcome | None:
    """What became of the suggestions; None while the face still waits."""
    if face.state == FaceState.REJECTED:
        return Outcome.REJECTED
    if face.who == Who.ASSIGNED:
        if face.identity_id not in people:
            return Outcome.OVERRULED
        return Outcome.ACCEPTED if face.identity_id == people[0] else Outcome.OTHER
    return {Who.UNKNOWN: Outcome.UNKNOWN, Who.IGNORED: Outcome.IGNORED}.get(Who(face.who))
