"""Asks workers to take in what came as one thing: an archive, say. Their side is `taking_in.py`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from jobs.enqueue import enqueue
from jobs.models import Job
from labelling import storage
from labelling.errors import AlreadyUsed, Refused
from labelling.ingest import Outcome, plain_name, printable
from labelling.models import Identity, Intake, IntakeFile, IntakeSource, Project
from labelling.models.intakes import MOST_PATH

TICKET_S = 6 * 60 * 60


@dataclass(frozen=True)
class Ticket:
    """Where to put a file, by PUT; no `url` where browsers do not reach the store: then it is sent with the rest."""

    uid: UUID
    url: str | None


def ticket(project: Project, size: int) -> Ticket:
    uid = uuid4()
    if not settings.S3_PUBLIC_ENDPOINT_URL:
        return Ticket(uid, None)
    return Ticket(uid, storage.ticket_to_put(storage.staged_key(project.pk, uid), size, TICKET_S))


def take_in_put(project: Project, source: IntakeSource, name: str, *, uid: UUID, by, **said) -> Intake:
    """As `take_in_staged`, of a file that was put into the store by a ticket."""
    known = _known(project, uid)
    if known:
        return known
    key = storage.staged_key(project.pk, uid)
    try:
        stored = storage.look_at(key)
    except storage.ObjectMissing:
        raise Refused("That file has not arrived in the object store. Send it again.") from None
    if stored.size > settings.ARCHIVE_MAX_BYTES:
        storage.delete(key)
        raise Refused("That file is larger than may be sent. Pack the photos into several.")
    return _ask_for_staged(key, project, source, name, uid=uid, by=by, **said)


def take_in_staged(
    project: Project, source: IntakeSource, name: str, file: IO[bytes], *, uid: UUID, by, **said
) -> Intake:
    """Keep the file in the object store until a worker has taken its photos in. The same `uid` again does nothing.

    said: session, identity, people_from_folders, options of the source.
    """
    known = _known(project, uid)
    if known:
        return known
    key = storage.staged_key(project.pk, uid)
    storage.upload_from(key, file)
    return _ask_for_staged(key, project, source, name, uid=uid, by=by, **said)


def _ask_for_staged(key: str, project: Project, source: IntakeSource, name: str, *, options=None, **said) -> Intake:
    return ask(project, source, plain_name(name), options={**(options or {}), "key": key}, **said)


@transaction.atomic
def ask(
    project: Project,
    source: IntakeSource,
    name: str,
    *,
    uid: UUID,
    by=None,
    session: str = "",
    identity: Identity | None = None,
    people_from_folders: bool = False,
    options: dict | None = None,
) -> Intake:
    """The intake and its job."""
    intake, created = Intake.objects.get_or_create(
        uid=uid,
        defaults={
            "project": project,
            "source": source,
            "name": name[-255:],
            "session": session[:120],
            "identity": identity,
            "people_from_folders": people_from_folders,
            "options": options or {},
            "created_by": by,
        },
    )
    if created:
        intake.job = _job(intake, by)
        intake.save(update_fields=["job"])
    elif intake.project_id != project.pk:
        raise AlreadyUsed("This id belongs to another intake. Make a new one.")
    return intake


def _job(intake: Intake, by) -> Job:
    return enqueue(
        "intake",
        title=f"Take in {intake.name}"[:200],
        project_id=intake.project_id,
        params={"intake": intake.pk},
        key=f"intake:{intake.uid}",
        by=by,
        result_url=f"/p/{intake.project.slug}/ingest/{intake.pk}/",
    )


def keep_outcomes(project: Project, uid: UUID, told: Iterable[tuple[str, Outcome, int]], *, by, **said) -> None:
    """What became of files that came one by one under this `uid`: path, outcome and bytes of each.

    The first word stays, so that a file sent again because the answer was lost is no duplicate of itself.
    """
    intake = _known(project, uid) or _from_browser(project, uid, by=by, **said)
    rows = [
        outcome_row(intake, printable(path)[-MOST_PATH:] or outcome.name, outcome, size) for path, outcome, size in told
    ]
    IntakeFile.objects.bulk_create(rows, ignore_conflicts=True)


def outcome_row(intake: Intake, path: str, outcome: Outcome, size: int) -> IntakeFile:
    return IntakeFile(
        intake=intake,
        path=path,
        status=outcome.status,
        reason=outcome.reason[:500],
        image_id=outcome.id,
        byte_size=size,
    )


def _from_browser(project: Project, uid: UUID, *, by, session: str = "", identity=None) -> Intake:
    fields = {
        "project": project,
        "source": IntakeSource.BROWSER,
        "name": "Files from the browser",
        "session": printable(session)[:120],
        "identity": identity,
        "created_by": by,
        "finished_at": timezone.now(),
    }
    return Intake.objects.get_or_create(uid=uid, defaults=fields)[0]


def _known(project: Project, uid: UUID) -> Intake | None:
    intake = Intake.objects.filter(uid=uid).first()
    if intake and intake.project_id != project.pk:
        raise AlreadyUsed("This id belongs to another intake. Make a new one.")
    return intake


def forget_staged(intake: Intake) -> None:
    """The photos are in: what they came in is of no use any more."""
    if "key" in intake.options:
        storage.delete(intake.options["key"])
