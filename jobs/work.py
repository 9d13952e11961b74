"""Doing a job: claim by conditional update, heartbeat, progress in committed chunks, one ending."""

import contextlib
import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

from django.db import Error as DatabaseFault
from django.db import InterfaceError, OperationalError, close_old_connections, connection, transaction
from django.db.models import Case, F, IntegerField, Q, Value, When
from django.db.models.functions import Coalesce, Greatest, Now
from django.db.models.lookups import Exact

from jobs.errors import Cancelled, JobFailed, LostLease, Paused, TryLater
from jobs.models import CANCELLED, MAX_SETBACKS, PAUSED, Job, State
from jobs.signals import announce_stop

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=float(os.environ.get("FACET_JOB_LEASE_S", "30")))
TOLD_EVERY_S = 1.0
LOG_TAIL = 8_000

# Returns what is worth keeping, plain values; under "said" a sentence about it for people.
Handler = Callable[["Work"], dict | None]
_handlers: dict[str, Handler] = {}


def handles(kind: str) -> Callable[[Handler], Handler]:
    """Register the function that does jobs of this kind. Imported by workers only (`tasks.py` of each app)."""

    def register(function: Handler) -> Handler:
        _handlers[kind] = function
        return function

    return register


class Work:
    """A claimed job. Everything it writes is refused once another worker holds a newer claim."""

    def __init__(self, job: Job):
        self.job = job
        self.params = job.params
        self._told: dict = {}

    def _mine(self):
        return Job.objects.filter(pk=self.job.pk, fence=self.job.fence, state=State.RUNNING)

    def check(self) -> None:
        """Raise LostLease, Cancelled or Paused when this worker should stop."""
        _stop_if_asked(self._mine())

    def progress(self, *, done: int | None = None, total: int | None = None, message: str | None = None) -> None:
        """Publish how far it is; outside of `chunk` this commits at once.

        It gives no new attempts, as `chunk` does: what is only told is done again by the next worker, so a
        job that kills its worker after telling must still come to its end.
        """
        fields: dict = {}
        if done is not None:
            fields["done"] = done
        if done is not None or total is not None:
            fields["total"] = _at_least(
                F("total") if total is None else Value(total), F("done") if done is None else Value(done)
            )
        if message is not None:
            fields["message"] = message[:500]
        self.check()
        if fields and not self._mine().update(**fields):
            raise LostLease

    def tell(self, *, done: int, total: int = 0, message: str = "") -> None:
        """Publish how far one long transaction is, in which nothing else would be seen before its end.

        The heartbeat writes it from its own connection. Raises as `check` when this worker should stop.
        """
        self.check()
        self._told = {"done": min(done, total) if total else done, "total": total, "message": message[:500]}

    @contextlib.contextmanager
    def chunk(self, count: int = 1) -> Iterator[None]:
        """One committed step: its effects and the progress they mean, both or neither.

        The row is locked first, so a worker that lost its claim cannot write alongside the new one.
        """
        with transaction.atomic():
            _stop_if_asked(self._mine().select_for_update())
            yield
            self._mine().update(
                done=F("done") + count,
                total=_at_least(F("total"), F("done") + count),
                attempt=1,
                setbacks=0,
                lease_until=Now() + LEASE,
            )

    def log(self, line: str) -> None:
        text = (Job.objects.values_list("log", flat=True).get(pk=self.job.pk) + line + "\n")[-LOG_TAIL:]
        self._mine().update(log=text)

    def end(self, state: State, **fields) -> bool:
        ended = bool(self._mine().update(state=state, lease_until=None, finished_at=Now(), **fields))
        if ended and state != State.DONE:
            announce_stop(self.job.pk)
        return ended

    @contextlib.contextmanager
    def heartbeat(self) -> Iterator[None]:
        """Renew the lease from a thread of its own while the work is being done."""
        stop = threading.Event()
        thread = threading.Thread(target=self._beat, args=(stop,), daemon=True, name=f"job-{self.job.pk}")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _beat(self, stop: threading.Event) -> None:
        pause, written, since = LEASE.total_seconds() / 4, {}, 0.0
        try:
            while not stop.wait(min(pause, TOLD_EVERY_S)):
                since += min(pause, TOLD_EVERY_S)
                told = self._told
                if since < pause and told == written:
                    continue
                since, written = 0.0, told
                try:
                    if not self._mine().update(lease_until=Now() + LEASE, **told):
                        return
                except DatabaseFault as error:  # the next beat may get through; if none does, the lease lapses
                    logger.warning("Job %s could not renew its lease: %s", self.job.pk, error)
                    close_old_connections()
        finally:
            connection.close()


def _stop_if_asked(mine) -> None:
    row = mine.values("cancel_requested", "paused_at").first()
    if row is None:
        raise LostLease
    if row["cancel_requested"]:
        raise Cancelled
    if row["paused_at"]:
        raise Paused


def _at_least(total, done) -> Case:
    """A total of 0 means unknown and stays so; a known one never falls behind what is done."""
    number = IntegerField()
    return Case(When(Exact(total, 0), then=0), default=Greatest(total, done, output_field=number), output_field=number)


def claim(job_id: int) -> Work | None:
    """Take the job, or None when another has it, it has ended, or it has failed too often."""
    token = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
    taken = (
        Job.objects.filter(pk=job_id)
        .claimable()
        .update(
            state=State.RUNNING,
            fence=F("fence") + 1,
            attempt=F("attempt") + 1,
            worker=token,
            lease_until=Now() + LEASE,
            started_at=Coalesce(F("started_at"), Now()),
            not_before=None,
        )
    )
    if not taken:
        return None
    job = Job.objects.filter(pk=job_id, worker=token).first()
    return Work(job) if job else None


def perform(job_id: int) -> None:
    """Do the job if it can be claimed, and write down how it ended."""
    work = claim(job_id)
    if work is None:
        return
    job = work.job
    try:
        with work.heartbeat():
            work.check()
            handler = _handlers.get(job.kind)
            if handler is None:
                raise JobFailed(f"No worker here knows how to do “{job.kind}”.")
            result = handler(work) or {}
            work.end(State.DONE, message=str(result.pop("said", ""))[:500], result=result)
    except LostLease:
        logger.warning("Job %s was taken over by another worker; this one stops.", job.pk)
    except Cancelled:
        work.end(State.CANCELLED, message=CANCELLED)
    except Paused:
        _rest(work)
    except JobFailed as error:
        work.end(State.FAILED, message=str(error)[:500])
    except TryLater as error:
        _put_back(work, str(error))
    except (OperationalError, InterfaceError, ConnectionError):
        # The database itself may be away: then the row stays as it is, the lease lapses, the sweeper finds it.
        logger.exception("Job %s was interrupted.", job.pk)
        with contextlib.suppress(DatabaseFault):
            close_old_connections()
            _put_back(work, "A connection broke.")
    except Exception:
        logger.exception("Job %s broke.", job.pk)
        work.end(State.ERRORED, message="A fault in Facet stopped this job; the worker's log has the details.")


def _rest(work: Work) -> None:
    """Until it is resumed. Somebody may have done that while the work came to its stop: then it just waits again."""
    is_paused = Q(paused_at__isnull=False)
    work._mine().update(
        state=Case(When(is_paused, then=Value(State.PAUSED)), default=Value(State.QUEUED)),
        message=Case(When(is_paused, then=Value(PAUSED)), default=Value("")),
        lease_until=None,
        attempt=0,
        woken_at=None,
    )


def _put_back(work: Work, reason: str) -> None:
    """Queue again after a growing pause. A setback is no fault of the job's, so it is no attempt either."""
    # As stored, not as claimed: progress made in between has cleared the setbacks.
    row = work._mine().values("setbacks", "cancel_requested", "paused_at").first()
    if row is None:
        return
    setbacks = row["setbacks"] + 1
    if row["cancel_requested"]:
        work.end(State.CANCELLED, message=CANCELLED)
    elif row["paused_at"]:
        _rest(work)
    elif setbacks > MAX_SETBACKS:
        work.end(State.FAILED, message=f"{reason} Given up after {MAX_SETBACKS} tries."[:500])
    else:
        work._mine().update(
            state=State.QUEUED,
            lease_until=None,
            setbacks=setbacks,
            attempt=Greatest(F("attempt") - 1, 0),
            not_before=Now() + timedelta(seconds=min(60, 2**setbacks)),
            message=f"{reason} Trying again soon."[:500],
        )
