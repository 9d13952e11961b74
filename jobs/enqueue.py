"""Ask for background work: a row now, a wake-up after commit."""

import json
import logging
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from kombu.exceptions import OperationalError

from jobs.models import Job, Queue
from jobs.prepared import Prepared, read

# Held until the caller commits, so that no worker begins it, and looks past the caller's work, before that. One that
# is just being begun is passed over.
WAITING = Prepared("""
-- job_waiting
SELECT {job} FROM jobs_job AS job
WHERE job.state IN ('queued', 'paused') AND job.kind = %(kind)s AND job.project_id = %(project)s
    AND job.params = %(params)s::jsonb
ORDER BY job.id DESC LIMIT 1 FOR SHARE SKIP LOCKED
""", job=Job)  # fmt: skip
logger = logging.getLogger(__name__)


def enqueue(
    kind: str,
    *,
    title: str,
    project_id: int | None = None,
    params: dict | None = None,
    queue: Queue = Queue.BULK,
    key: str | None = None,
    by=None,
    result_url: str = "",
    not_before: datetime | None = None,
) -> Job:
    """Make the job's row in the caller's transaction, and wake a worker once that has committed.

    With a `key`, asking again returns the job already made, whatever became of it.
    """
    fields = {
        "kind": kind,
        "title": title,
        "project_id": project_id,
        "params": params or {},
        "queue": queue,
        "created_by": by,
        "result_url": result_url,
        "not_before": not_before,
    }
    if key is None:
        job, created = Job.objects.create(**fields), True
    else:
        job, created = Job.objects.get_or_create(key=key, defaults=fields)
    if created:
        transaction.on_commit(partial(wake, job), robust=True)
    return job


def enqueue_unless_waiting(kind: str, *, project_id: int, pause: timedelta | None = None, **options) -> Job:
    """As `enqueue`, but one waiting job of a kind and project is enough: it will see all the work there is.

    A running one does not count: it may already have looked past the new work. A paused one does: work that came
    meanwhile rests with it. With `pause` a job begins no sooner than that after the one before was asked for, however
    often it is asked for. Ask in the transaction that makes the work.
    """
    params = options.get("params") or {}
    waiting = WAITING.first(kind=kind, project=project_id, params=json.dumps(params))
    if waiting:
        return read(Job, waiting)[0]
    same = Job.objects.filter(kind=kind, project_id=project_id, params=params)
    before = same.order_by("-id").first() if pause else None
    due = before.created_at + pause if before else None
    if due and due > timezone.now():
        options["not_before"] = due
    return enqueue(kind, project_id=project_id, **options)


def wake(job: Job) -> None:
    """Tell the workers. A lost message is harmless: the sweeper sends it again."""
    from jobs.tasks import run_job

    wait = {"countdown": _seconds_until(job.not_before)} if job.not_before else {}
    try:
        run_job.apply_async([job.pk], queue=job.queue, retry=False, **wait)
    except OperationalError:
        logger.warning("The broker is away; job %s waits for the sweeper.", job.pk)
        return
    Job.objects.filter(pk=job.pk).update(woken_at=Now())


def _seconds_until(due: datetime) -> float:
    """A little late rather than too early: a job that is not due yet cannot be claimed."""
    return max(0.0, (due - timezone.now()).total_seconds()) + 0.02
