"""Whether a later change stands on an earlier one, so that the earlier one cannot be taken back alone."""

from collections.abc import Collection

from labelling.models import Event, Verb


def built_upon(event: Event, faces: Collection[int]) -> bool:
    """Did something that still stands change one of these faces after `event`?

    Their versions cannot tell: a later change that was taken back has counted them up twice.
    """
    if not faces:
        return False
    since = Event.objects.filter(
        project=event.project_id, created_at__gt=event.created_at, images__overlap=event.images, undone_by=None
    ).exclude(verb=Verb.UNDO)
    return any(changed_faces(later) & set(faces) for later in since.iterator(chunk_size=20))


def changed_faces(event: Event) -> set[int]:
    """Faces that stood otherwise after the event than before it."""
    was = {row["id"]: row for row in event.before.get("faces", [])}
    changed = {row["id"] for row in event.after.get("faces", []) if row != was.get(row["id"])}
    return changed | {face for face, _ in event.before.get("moved", [])}
