"""What `facet bench versions` measures, each in a process of its own, which imports models once it is set up."""

import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def apart(function: Callable, *args) -> tuple[float, float, object]:
    """Seconds, the most memory in MB, and what the function returned, in a fresh process."""
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=_start) as pool:
        return pool.submit(_measured, function, *args).result()


def _start() -> None:
    import django

    django.setup()
    import datasets.tasks  # noqa: F401  (registers the handlers)


def _measured(function: Callable, *args) -> tuple[float, float, object]:
    start = time.perf_counter()
    value = function(*args)
    return time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, value


def perform_job(job_id: int) -> None:
    from jobs.models import Job, State
    from jobs.work import perform

    perform(job_id)
    job = Job.objects.get(pk=job_id)
    if job.state != State.DONE:
        raise RuntimeError(f"{job.title}: {job.message}")


def compare(first: int, second: int) -> dict:
    from datasets.diff import diff
    from datasets.models import Version

    old, new = (Version.objects.get(pk=pk) for pk in (first, second))
    return diff(old, new).summary["counts"]


def verify_tables(version: int) -> None:
    from datasets.models import Version
    from datasets.verify import verify

    verify(Version.objects.get(pk=version), photos=False)
