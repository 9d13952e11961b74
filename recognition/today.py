"""What an evaluation would say with today's labels: the same faces, vectors and model, nothing trained again.

The web's side: asks for it, and tells what came of it. The work is in rescore.py.
"""

import hashlib
import json
import uuid

from django.db import transaction

from jobs.enqueue import enqueue
from jobs.models import Job, Queue, State
from labelling.errors import Refused
from labelling.models import Event, Face, Project
from labelling.remarks import flag, open_remarks
from recognition.mistakes import changed_labels, errors_with_faces, face_ids
from recognition.models import Run, RunKind, RunState

KIND = "rescore"


def today(run: Run, errors: dict | None = None) -> dict:
    """For the strip of a report: `job` that is under way, `result` of the last one, `changed` labels among the faces
    shown, and whether figures for these labels were never asked for (`is_stale`). errors: as errors_with_faces has it.
    """
    changed = changed_labels(errors_with_faces(run) if errors is None else errors)
    jobs = list(Job.objects.in_project(run.project_id).filter(kind=KIND, params__run=run.pk).order_by("-id")[:10])
    last = next((job for job in jobs if job.state == State.DONE), None)
    under_way = next((job for job in jobs if job.is_active), None)
    known = {job.params.get("labels") for job in jobs[:1]}
    return {
        "job": under_way,
        "result": last.result if last else None,
        "failed": jobs[0] if jobs and not jobs[0].is_active and jobs[0].state != State.DONE else None,
        "changed": len(changed),
        "is_stale": digest_of(changed) not in known and bool(changed or last),
    }


def digest_of(changed: list[tuple[int, str]]) -> str:
    return hashlib.sha256(json.dumps(changed).encode()).hexdigest()[:16]


@transaction.atomic
def score_again(run: Run, *, by) -> Job:
    """Figures with today's labels. Asked for twice while the first waits, it is one job."""
    if run.kind != RunKind.EVALUATE or run.state != RunState.DONE:
        raise Refused("Only a finished evaluation can be scored again.")
    waiting = Job.objects.in_project(run.project_id).filter(kind=KIND, params__run=run.pk, state=State.QUEUED).first()
    if waiting:
        return waiting
    labels = digest_of(changed_labels(errors_with_faces(run)))
    return enqueue(
        KIND, title=f"Evaluation {run.pk} with today’s labels", project_id=run.project_id,
        params={"run": run.pk, "labels": labels}, queue=Queue.INTERACTIVE, by=by,
        result_url=f"/p/{run.project.slug}/runs/{run.pk}/",
    )  # fmt: skip


def doubt_label(run: Run, face_id: int, *, by, event_id: uuid.UUID) -> Event | None:
    """Send a face of the report to Review as flagged. None when it is flagged already.

    Refused when the report does not show that face, or it is gone.
    """
    face = None
    if face_id in face_ids(run):
        face = Face.objects.filter(project_id=run.project_id, pk=face_id).select_related("image", "identity").first()
    if face is None:
        raise Refused("This face is not in the report any more; reload the page.")
    if _is_flagged(run.project, face):
        return None
    name = face.identity.name if face.identity else face.get_who_display()
    remark = flag(
        face.image, f"The label “{name}” looks wrong in the report of evaluation {run.pk}.", by=by, event_id=event_id,
        face_id=face.pk,
    )  # fmt: skip
    return Event.objects.filter(after__remark=remark.pk, image=face.image).first()


def _is_flagged(project: Project, face: Face) -> bool:
    return open_remarks(project).filter(face=face).exists()
