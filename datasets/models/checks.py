"""What is worked out about versions: comparisons of two, leaks between splits, lists of pairs."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from datasets.models.versions import OfVersionQuerySet, ScopedQuerySet, Version
from jobs.models import Job


class ComparisonQuerySet(ScopedQuerySet):
    project_path = "new__project"


class ComparisonState(models.TextChoices):
    WAITING = "waiting", "being compared"
    DONE = "done", "done"
    FAILED = "failed", "failed"


class Comparison(models.Model):
    """What changed from one version to another. Versions never change, so it is worked out once.

    Figures are in the row, the list of changes is a Parquet file in the object store (datasets/changes.py). Both can be
    made anew whenever they are lost.
    """

    old = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="+")
    new = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="comparisons")
    state = models.CharField(max_length=10, choices=ComparisonState, default=ComparisonState.WAITING)
    message = models.CharField(max_length=500, blank=True)
    summary = models.JSONField(default=dict)
    key = models.CharField(max_length=200, blank=True, help_text="Of the list; empty when nothing changed.")
    sha256 = models.CharField(max_length=64, blank=True)
    byte_size = models.PositiveBigIntegerField(default=0)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ComparisonQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["old", "new"], name="two_versions_are_compared_once"),
            models.CheckConstraint(condition=~Q(old=F("new")), name="no_version_is_compared_with_itself"),
        ]

    def __str__(self) -> str:
        return f"comparison of version {self.old_id} with {self.new_id}"


class LeakState(models.TextChoices):
    WAITING = "waiting", "being made"
    DONE = "done", "done"
    FAILED = "failed", "failed"


class LeakReport(models.Model):
    """What of a version lies on two sides of its split, as `datasets/leaks.py` found it; made anew whenever asked."""

    version = models.OneToOneField(Version, on_delete=models.CASCADE, primary_key=True, related_name="leak_report")
    state = models.CharField(max_length=10, choices=LeakState, default=LeakState.WAITING)
    message = models.CharField(max_length=500, blank=True)
    found = models.JSONField(default=dict)
    leaks = models.PositiveIntegerField(default=0)
    round = models.PositiveIntegerField(default=0, help_text="How often it was asked for.")
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(state="done") | Q(made_at__isnull=False), name="leak_report_was_made")
        ]

    def __str__(self) -> str:
        return f"leaks of {self.version}"


class PairListState(models.TextChoices):
    WAITING = "waiting", "being made"
    DONE = "done", "done"
    FAILED = "failed", "failed"


class PairList(models.Model):
    """Verification pairs of a version, in LFW's format in the object store; `options` make them again."""

    NAME_LENGTH = 60

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="pair_lists")
    name = models.CharField(max_length=NAME_LENGTH)
    options = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=PairListState, default=PairListState.WAITING)
    message = models.CharField(max_length=500, blank=True)
    key = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    byte_size = models.PositiveBigIntegerField(default=0)
    counts = models.JSONField(default=dict)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    objects = OfVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            # One that failed gives its name back.
            models.UniqueConstraint(
                fields=["version", "name"], name="pairs_named_once_per_version", condition=~Q(state="failed")
            ),
            models.CheckConstraint(condition=~Q(state="done") | ~Q(sha256=""), name="finished_pairs_have_a_checksum"),
        ]

    def __str__(self) -> str:
        return f"pairs “{self.name}” of {self.version}"
