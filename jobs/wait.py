"""Waits for background work from a command line, telling how far it is."""

import time
from collections.abc import Callable

from jobs.errors import JobFailed
from jobs.models import Job, State

POLL_S = 0.2


def wait_for(job: Job, on_progress: Callable[[Job], None] | None = None) -> Job:
    """Returns the finished job. Raises JobFailed with its message when it ended otherwise."""
    while True:
        job.refresh_from_db()
        if on_progress:
            on_progress(job)
        if job.state == State.DONE:
            return job
        if not job.is_active:
            raise JobFailed(job.message or f"“{job.title}” ended as {job.get_state_display()}.")
        time.sleep(POLL_S)


def wait_until_idle(project_id: int, kind: str, on_progress: Callable[[Job], None] | None = None) -> None:
    """Wait until no job of that kind waits or runs in the project. Raises JobFailed when the last one failed."""
    while job := Job.objects.in_project(project_id).filter(kind=kind).active().order_by("pk").first():
        wait_for(job, on_progress)
