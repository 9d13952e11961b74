"""Reads and writes the faces of a photo in one statement each: it may hold hundreds, and somebody waits."""

import json
from collections.abc import Iterable

from jobs.prepared import Prepared, read
from labelling.models import Face, Identity

FACES = """
SELECT {face}, person.name
FROM labelling_face AS face LEFT JOIN labelling_identity AS person ON person.id = face.identity_id
WHERE face.image_id = %(image)s
ORDER BY face.id
"""
READ = Prepared("-- faces" + FACES, face=Face)
LOCK = Prepared("-- lock_faces" + FACES + "FOR UPDATE OF face", face=Face)
REWRITE = Prepared("""
-- rewrite_faces
UPDATE labelling_face AS face SET
    x = said.x, y = said.y, w = said.w, h = said.h, landmarks = said.landmarks, state = said.state, who = said.who,
    identity_id = said.identity_id, version = said.version, updated_at = said.updated_at,
    updated_by_id = said.updated_by_id
FROM jsonb_to_recordset(%(faces)s::jsonb) AS said(
    id bigint, x float8, y float8, w float8, h float8, landmarks float8[], state text, who text, identity_id bigint,
    version integer, updated_at timestamptz, updated_by_id bigint
)
WHERE face.id = said.id
""")
SAID = ("x", "y", "w", "h", "landmarks", "state", "who", "identity_id", "version", "updated_by_id")


def faces_in(image_id: int, *, lock: bool = False) -> list[Face]:
    """By id. Of the people they show only id and name are read."""
    faces = []
    for row in (LOCK if lock else READ).rows(image=image_id):
        face, end = read(Face, row)
        face.identity = Identity(pk=face.identity_id, name=row[end]) if face.identity_id else None
        faces.append(face)
    return faces


def rewrite(faces: Iterable[Face]) -> None:
    """Store what people can say about the faces as they stand in memory. They must be locked, and exist."""
    rows = [
        {"id": face.pk, "updated_at": face.updated_at.isoformat(), **{name: getattr(face, name) for name in SAID}}
        for face in faces
    ]
    if rows:
        REWRITE.do(faces=json.dumps(rows))
