"""What people may ask of a job that is there: stop, rest, go on, try again. Workers see it at their next step."""

from functools import partial

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from jobs.enqueue import wake
from jobs.models import CANCELLED, ENDED_EARLY, PAUSED, WAITING, Job, State
from jobs.signals import announce_stop


def request_cancel(job: Job) -> None:
    """A waiting or paused job ends at once; a running one at its next progress report."""
    with transaction.atomic():
        ended = Job.objects.filter(pk=job.pk, state__in=WAITING).update(
            state=State.CANCELLED,
            cancel_requested=True,
            finished_at=Now(),
            message=Case(When(done=0, then=Value("Cancelled before it began.")), default=Value(CANCELLED)),
        )
        if ended:
            announce_stop(job.pk)
        else:
            Job.objects.filter(pk=job.pk, state=State.RUNNING).update(cancel_requested=True)


def request_pause(job: Job) -> None:
    """A waiting job rests at once; a running one from its next progress report on. No worker is kept meanwhile."""
    waits = Q(state=State.QUEUED)
    Job.objects.filter(pk=job.pk, state__in=(State.QUEUED, State.RUNNING), cancel_requested=False).update(
        state=Case(When(waits, then=Value(State.PAUSED)), default=F("state")),
        message=Case(When(waits, then=Value(PAUSED)), default=F("message")),
        paused_at=Coalesce(F("paused_at"), Now()),
    )


@transaction.atomic
def resume(job: Job) -> None:
    """It goes on where it was. One that has not come to rest yet does not stop at all."""
    row = Job.objects.select_for_update().active().filter(pk=job.pk, paused_at__isnull=False).first()
    if row is None:
        return
    _add_rest(row, since=row.paused_at)
    row.paused_at = None
    if row.state == State.PAUSED:
        _queue_again(row)
    row.save(update_fields=["state", "paused_at", "rested", "message", "not_before", "woken_at", "attempt", "setbacks"])


@transaction.atomic
def retry(job: Job) -> bool:
    """Try once more what failed, broke or was cancelled, from where it was; whether there was anything to try."""
    row = Job.objects.select_for_update().filter(pk=job.pk, state__in=ENDED_EARLY, key=None).first()
    if row is None:
        return False
    _add_rest(row, since=row.finished_at)
    row.cancel_requested, row.paused_at, row.finished_at = False, None, None
    _queue_again(row)
    row.save()
    return True


def _queue_again(row: Job) -> None:
    row.state, row.message = State.QUEUED, ""
    row.not_before = row.woken_at = None
    row.attempt = row.setbacks = 0
    transaction.on_commit(partial(wake, row), robust=True)


def _add_rest(row: Job, *, since) -> None:
    if row.started_at and since:
        row.rested += timezone.now() - since
