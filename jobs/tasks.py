"""The one Celery task there is, and the sweeper that runs beside it."""

import threading

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down

from jobs.sweep import sweep_for_ever
from jobs.work import perform

_stop = threading.Event()


@shared_task(name="jobs.run", ignore_result=True)
def run_job(job_id: int) -> None:
    perform(job_id)


@worker_ready.connect
def start_sweeper(**kwargs) -> None:
    threading.Thread(target=sweep_for_ever, args=(_stop,), daemon=True, name="job-sweeper").start()


@worker_shutting_down.connect
def stop_sweeper(**kwargs) -> None:
    _stop.set()
