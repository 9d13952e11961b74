"""Finds jobs whose worker died, whose message was lost, or which are due again; runs inside every worker."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from django.db import Error as DatabaseFault
from django.db import close_old_connections, transaction
from django.db.models import Q
from django.db.models.functions import Now

from jobs.enqueue import wake
from jobs.models import CANCELLED, MAX_ATTEMPTS, PAUSED, Job, State
from jobs.signals import announce_stop

logger = logging.getLogger(__name__)

EVERY_S = 3.0
WAKE_AGAIN_AFTER = timedelta(seconds=10)
_rounds: list[Callable[[], object]] = []


def every_round(function: Callable[[], object]) -> None:
    """Have each sweeper call it once a round. Layers above hand in what has to be noticed though nobody asks for it.

    All sweepers call it at the same time: it has to lock what it changes, and to be quick when there is nothing.
    """
    if function not in _rounds:
        _rounds.append(function)


def sweep() -> int:
    """One round. Several sweepers at once do no harm. Returns how many jobs it put back."""
    with transaction.atomic():
        lapsed = list(Job.objects.expired().select_for_update(skip_locked=True))
        for job in lapsed:
            _put_back_or_stop(job)
    stale = Job.objects.filter(
        Q(woken_at__isnull=True) | Q(woken_at__lt=Now() - WAKE_AGAIN_AFTER), state=State.QUEUED
    ).claimable()
    for job in stale[:200]:
        wake(job)
    return len(lapsed)


def _put_back_or_stop(job: Job) -> None:
    job.lease_until = None
    if job.cancel_requested:
        job.state, job.message = State.CANCELLED, CANCELLED
    elif job.paused_at:
        job.state, job.message = State.PAUSED, PAUSED
    elif job.attempt >= MAX_ATTEMPTS:
        job.state = State.ERRORED
        job.message = f"Stopped: it took its worker down {MAX_ATTEMPTS} times at the same place."
        logger.error("Job %s stopped %s workers at the same place; it is not tried again.", job.pk, MAX_ATTEMPTS)
    else:
        job.state = State.QUEUED
        job.woken_at = None
        job.message = "Its worker stopped answering; another one takes over."
        logger.warning("Job %s lost its worker; it is queued again.", job.pk)
    if not job.is_active:
        job.finished_at = Now()
        announce_stop(job.pk)
    job.save(update_fields=["state", "lease_until", "finished_at", "message", "woken_at"])


def sweep_for_ever(stop: threading.Event) -> None:
    while not stop.wait(EVERY_S):
        for function in (sweep, *_rounds):
            _once(function)


def _once(function: Callable[[], object]) -> None:
    try:
        function()
    except DatabaseFault as error:
        logger.warning("The sweeper could not reach the database: %s", error)
    except Exception:  # without its sweeper a worker no longer finds what others have lost
        logger.exception("The sweeper stumbled; it goes on with the next round.")
    finally:
        close_old_connections()
