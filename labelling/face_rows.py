"""Writes many changed faces in one statement: a photo may hold hundreds, and each would be a question of its own."""

import json
from collections.abc import Iterable

from django.db import connection

from labelling.models import Face

REWRITE = """
UPDATE labelling_face AS face SET
    x = said.x, y = said.y, w = said.w, h = said.h, landmarks = said.landmarks, state = said.state, who = said.who,
    identity_id = said.identity_id, version = said.version, updated_at = said.updated_at,
    updated_by_id = said.updated_by_id
FROM jsonb_to_recordset(%s::jsonb) AS said(
    id bigint, x float8, y float8, w float8, h float8, landmarks float8[], state text, who text, identity_id bigint,
    version integer, updated_at timestamptz, updated_by_id bigint
)
WHERE face.id = said.id
"""
SAID = ("x", "y", "w", "h", "landmarks", "state", "who", "identity_id", "version", "updated_by_id")


def rewrite(faces: Iterable[Face]) -> None:
    """Store what people can say about the faces as they stand in memory. They must be locked, and exist."""
    rows = [
        {"id": face.pk, "updated_at": face.updated_at.isoformat(), **{name: getattr(face, name) for name in SAID}}
        for face in faces
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(REWRITE, [json.dumps(rows)])
