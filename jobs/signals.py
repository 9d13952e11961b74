"""What jobs announce to the layers above, after commit."""

from functools import partial

from django.db import transaction
from django.dispatch import Signal

job_stopped = Signal()  # job: it ended without finishing (failed, broke or was cancelled)


def announce_stop(job_id: int) -> None:
    transaction.on_commit(partial(_send, job_id), robust=True)


def _send(job_id: int) -> None:
    from jobs.models import Job

    job_stopped.send(sender=None, job=Job.objects.get(pk=job_id))
