"""Writes down what was suggested beside what a person decided. Part of the change it speaks about."""

import json
from collections.abc import Iterable

from jobs.prepared import Prepared
from labelling.models import Event, Face, FaceState, Identity, Outcome, Who

# The database has the suggestions: they need not come here and go back.
WRITE = Prepared("""
-- write_ledger
INSERT INTO labelling_ledgerentry (
    project_id, face_id, event_id, source, model_name, model_version, suggested_id, probability, ranked, outcome,
    chosen_id, chosen_rank, decided_by_id, decided_at
)
SELECT %(project)s, decided.id, %(event)s, %(source)s, first.model_name, first.model_version, first.identity_id,
    first.probability, everybody.ranked,
    CASE
        WHEN decided.outcome <> 'named' THEN decided.outcome
        WHEN decided.chosen = first.identity_id THEN 'accepted'
        WHEN taken.rank IS NOT NULL THEN 'other'
        ELSE 'overruled'
    END,
    decided.chosen, taken.rank, %(by)s, statement_timestamp()
FROM jsonb_to_recordset(%(decided)s::jsonb) AS decided(id bigint, chosen bigint, outcome text)
CROSS JOIN LATERAL (
    SELECT * FROM labelling_suggestion AS said WHERE said.face_id = decided.id ORDER BY said.rank LIMIT 1
) AS first
CROSS JOIN LATERAL (
    SELECT jsonb_agg(
        jsonb_build_array(said.identity_id, said.probability, said.model_name, said.model_version) ORDER BY said.rank
    ) AS ranked
    FROM labelling_suggestion AS said WHERE said.face_id = decided.id
) AS everybody
LEFT JOIN labelling_suggestion AS taken ON taken.face_id = decided.id AND taken.identity_id = decided.chosen
WHERE first.identity_id = %(only_first)s::bigint OR %(only_first)s::bigint IS NULL
ORDER BY decided.id
""")
NAMED = "named"


def record(event: Event, before: dict[int, dict], faces: Iterable[Face], *, source: str) -> None:
    """One entry for each of `faces` that waited before `event`, is decided now, and had suggestions.

    before: rows of `snapshot` by face id. Call it in the transaction of the change, before suggestions are dropped.
    """
    waited = (face for face in faces if _waited(before.get(face.pk)))
    decided = [
        {"id": face.pk, "chosen": face.identity_id, "outcome": outcome}
        for face in waited
        if (outcome := _outcome(face))
    ]
    _write(event, decided, source)


def record_denied(event: Event, faces: Iterable[Face], person: Identity, *, source: str) -> None:
    """`event` says that none of these waiting faces is `person`: an entry for each that was suggested to be first."""
    waiting = (face for face in faces if face.state != FaceState.REJECTED and face.who == Who.UNASSIGNED)
    decided = [{"id": face.pk, "chosen": None, "outcome": Outcome.OVERRULED} for face in waiting]
    _write(event, decided, source, only_first=person.pk)


def _write(event: Event, decided: list[dict], source: str, only_first: int | None = None) -> None:
    if decided:
        WRITE.do(
            project=event.project_id, event=event.pk, source=source, by=event.actor_id, decided=json.dumps(decided),
            only_first=only_first,
        )  # fmt: skip


def _waited(row: dict | None) -> bool:
    return row is not None and row["state"] != FaceState.REJECTED and row["who"] == Who.UNASSIGNED


def _outcome(face: Face) -> str | None:
    """What became of the face, as far as it says itself; None while it still waits."""
    if face.state == FaceState.REJECTED:
        return Outcome.REJECTED
    if face.who == Who.ASSIGNED:
        return NAMED
    return {Who.UNKNOWN: Outcome.UNKNOWN, Who.IGNORED: Outcome.IGNORED}.get(Who(face.who))
