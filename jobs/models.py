"""A background job is one row. PostgreSQL is the truth; Celery only wakes workers."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from jobs import access

MAX_ATTEMPTS = 3
MAX_SETBACKS = 8
CANCELLED = "Cancelled. What was finished before is kept."
PAUSED = "Paused. It goes on where it was once it is resumed."


class State(models.TextChoices):
    QUEUED = "queued", "waiting"
    RUNNING = "running", "running"
    PAUSED = "paused", "paused"
    DONE = "done", "done"
    FAILED = "failed", "failed"  # the work could not be done as asked
    ERRORED = "errored", "broke"  # a bug, or a worker that died again and again
    CANCELLED = "cancelled", "cancelled"


class Queue(models.TextChoices):
    INTERACTIVE = "interactive"  # someone is looking at the screen and waits
    BULK = "bulk"


ACTIVE = (State.QUEUED, State.RUNNING, State.PAUSED)
WAITING = (State.QUEUED, State.PAUSED)
ENDED_EARLY = (State.FAILED, State.ERRORED, State.CANCELLED)


class JobQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(access.visible_to(user))

    def cancellable_by(self, user):
        return self.filter(access.cancellable_by(user))

    def in_project(self, project_id: int):
        return self.filter(project_id=project_id)

    def active(self):
        return self.filter(state__in=ACTIVE)

    def expired(self):
        """Claimed by a worker that stopped answering."""
        return self.filter(state=State.RUNNING, lease_until__lt=Now())

    def claimable(self):
        due = Q(not_before__isnull=True) | Q(not_before__lte=Now())
        return self.filter(
            Q(state=State.QUEUED) & due | Q(state=State.RUNNING, lease_until__lt=Now()),
            attempt__lt=MAX_ATTEMPTS,
        )


class Job(models.Model):
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200, help_text="What it does, in words for people.")
    queue = models.CharField(max_length=20, choices=Queue, default=Queue.BULK)
    # A project of the layer above; a plain number, because imports run one way.
    project_id = models.BigIntegerField(null=True, db_index=True)
    params = models.JSONField(default=dict, help_text="Ids and plain values only, never objects.")
    key = models.CharField(max_length=120, null=True, unique=True, help_text="Asked twice, done once.")

    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0, help_text="0 while unknown.")
    message = models.CharField(max_length=500, blank=True)
    log = models.TextField(blank=True, help_text="The last lines.")
    result = models.JSONField(default=dict)
    result_url = models.CharField(max_length=200, blank=True)

    attempt = models.PositiveSmallIntegerField(default=0, help_text="Claims since the last progress.")
    setbacks = models.PositiveSmallIntegerField(default=0, help_text="Outside faults since the last progress.")
    fence = models.PositiveIntegerField(default=0, help_text="Grows with each claim; older claims cannot write.")
    worker = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    woken_at = models.DateTimeField(null=True)
    cancel_requested = models.BooleanField(default=False)
    paused_at = models.DateTimeField(null=True, help_text="When somebody asked for it to rest; null once resumed.")
    rested = models.DurationField(default=timedelta, help_text="Since it was first started, paused or ended early.")

    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="job_state_known"),
            models.CheckConstraint(
                condition=Q(state=State.RUNNING, lease_until__isnull=False)
                | ~Q(state=State.RUNNING) & Q(lease_until__isnull=True),
                name="job_leased_only_while_running",
            ),
            models.CheckConstraint(condition=Q(total=0) | Q(done__lte=F("total")), name="job_done_at_most_total"),
        ]
        indexes = [
            models.Index(fields=["lease_until"], name="job_running", condition=Q(state=State.RUNNING)),
            models.Index(fields=["id"], name="job_waiting", condition=Q(state__in=WAITING)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} ({self.state})"

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def may_be_retried(self) -> bool:
        """A job with a key belongs to something that has its own way of being asked for again."""
        return self.state in ENDED_EARLY and self.key is None

    @property
    def percent(self) -> int | None:
        return round(100 * self.done / self.total) if self.total else None

    @property
    def rate(self) -> float | None:
        """Items a second since this job was first started, rests aside; None before the first item."""
        if not self.started_at or not self.done:
            return None
        until = self.finished_at or self.paused_at or timezone.now()
        seconds = (until - self.started_at - self.rested).total_seconds()
        return self.done / seconds if seconds > 0 else None

    @property
    def seconds_left(self) -> int | None:
        if self.state != State.RUNNING or not self.rate or not self.total:
            return None
        return round((self.total - self.done) / self.rate)
