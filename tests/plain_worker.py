"""A worker for few kinds of job, without Celery: `python -m tests.plain_worker MODULE`.

Claims, leases and sweeps as every worker does, and is there sooner: it imports what MODULE imports, not all models.
MODULE registers handlers when it is imported, and says in KINDS for which jobs.
"""

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import django

from tests.inside import REPOSITORY


@contextmanager
def workers(module: str, folder: Path, lease_s: float) -> Iterator[Callable[[], subprocess.Popen]]:
    """Gives what starts a real worker process on the database of this test run; afterwards all are gone."""
    from django.db import connection

    url = urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + connection.settings_dict["NAME"])
    environment = os.environ | {"DATABASE_URL": url.geturl(), "FACET_JOB_LEASE_S": str(lease_s)}
    started = []

    def start() -> subprocess.Popen:
        with open(folder / "worker.log", "ab") as log:
            command = [sys.executable, "-m", "tests.plain_worker", module]
            started.append(subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=log, stderr=log))
        return started[-1]

    try:
        yield start
    finally:
        for worker in started:
            worker.kill()
            worker.wait(10)


def work_for_ever(kinds: tuple[str, ...]) -> None:
    from jobs.models import Job, State
    from jobs.sweep import sweep
    from jobs.work import perform

    while True:
        sweep()
        waiting = Job.objects.filter(state=State.QUEUED, kind__in=kinds, not_before=None)
        for job_id in list(waiting.values_list("pk", flat=True)):
            perform(job_id)
        time.sleep(0.02)


if __name__ == "__main__":
    django.setup()
    work_for_ever(importlib.import_module(sys.argv[1]).KINDS)
