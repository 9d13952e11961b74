"""Labels that came from elsewhere."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from datasets.models.versions import ScopedQuerySet
from jobs.models import Job
from labelling.models import Project


class ImportState(models.TextChoices):
    CHECKING = "checking", "being checked"
    CHECKED = "checked", "checked, not imported"
    IMPORTING = "importing", "being imported"
    DONE = "done", "imported"
    FAILED = "failed", "failed"
    EXPIRED = "expired", "expired"


class Import(models.Model):
    """A file of labels that somebody sent: looked through first, taken in when they say so.

    `report` is what the check said, or, once it is done, what happened (datasets/imports.py).
    """

    # With these the file is still wanted.
    WAITING = (ImportState.CHECKING, ImportState.CHECKED, ImportState.IMPORTING)

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="imports")
    uid = models.UUIDField(unique=True, help_text="Made by the client: sent again, it is the same import.")
    format = models.CharField(max_length=20)
    name = models.CharField(max_length=255, help_text="Of the file, as it came.")
    byte_size = models.PositiveBigIntegerField(default=0)
    take_theirs = models.BooleanField(default=False, help_text="The file is believed where people here differ.")
    partly = models.BooleanField(default=False, help_text="Photos with a problem are left out.")
    state = models.CharField(max_length=10, choices=ImportState, default=ImportState.CHECKING)
    message = models.CharField(max_length=500, blank=True)
    report = models.JSONField(default=dict)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ImportState.values), name="import_state_known"),
        ]

    def __str__(self) -> str:
        return f"import of {self.name}"

    @property
    def key(self) -> str:
        """Object key of the file, which is there as long as the import waits for something."""
        return f"projects/{self.project_id}/imports/{self.uid}"
