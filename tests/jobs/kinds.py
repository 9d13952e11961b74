"""Kinds of jobs for tests, done by real workers: `celery -A config worker --include tests.jobs.kinds`."""

import os
import signal
import time
import uuid

from jobs.work import Work, handles
from labelling.models import Event, Verb

PAUSE_S = 0.05  # long enough to be killed in the middle of a job


@handles("test.numbered")
def write_numbers(work: Work) -> dict:
    """One history row for each number; each is committed together with its progress."""
    total = work.params["chunks"]
    work.progress(total=total)
    for number in range(work.job.done, total):
        with work.chunk():
            Event.objects.create(
                id=uuid.uuid4(),
                project_id=work.job.project_id,
                verb=Verb.SUBMIT,
                after={"number": number, "fence": work.job.fence},
            )
        time.sleep(PAUSE_S)
    return {"written": total}


@handles("test.poison")
def kill_own_process(work: Work) -> None:
    """As a file that makes a decoder crash: it takes its process down each time, after saying that it begins."""
    work.progress(done=0, total=1, message="Opening the file")
    os.kill(os.getpid(), signal.SIGKILL)
