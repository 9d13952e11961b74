"""Photos that came in together: from where, and what became of each file."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from labelling.models.faces import Identity
from labelling.models.images import Image
from labelling.models.projects import Project

MOST_PATH = 1024


class IntakeSource(models.TextChoices):
    ARCHIVE = "archive", "archive"
    BROWSER = "browser", "browser"
    BUCKET = "bucket", "bucket"
    FOLDER = "folder", "folder"
    VIDEO = "video", "video"


class FileStatus(models.TextChoices):
    CREATED = "created", "new"
    DUPLICATE = "duplicate", "already here"
    REJECTED = "rejected", "rejected"
    MISSING = "missing", "not there any more"


class IntakeQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(project__in=Project.objects.visible_to(user).values("pk"))

    def in_project(self, project):
        return self.filter(project=project)

    def with_counts(self):
        """`created`, `duplicate`, `rejected`, `missing`: its files by what became of them."""
        return self.annotate(
            **{status: models.Count("files", filter=Q(files__status=status)) for status in FileStatus.values}
        )


class Intake(models.Model):
    """One taking in. A worker that does it again goes on where it stopped: a file with an outcome is not read again."""

    uid = models.UUIDField(
        default=uuid.uuid4, unique=True, help_text="Made by the client: sent again, it is the same intake."
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="intakes")
    source = models.CharField(max_length=10, choices=IntakeSource)
    name = models.CharField(max_length=255, help_text="Of the archive, clip, prefix or folder, as people know it.")
    options = models.JSONField(default=dict, help_text="What this source needs to be told; plain values.")
    session = models.CharField(max_length=120, blank=True)
    identity = models.ForeignKey(
        Identity, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False,
        help_text="Whom the source says all of them show.",
    )  # fmt: skip
    people_from_folders = models.BooleanField(default=False, help_text="Person/photo.jpg says who it shows.")
    job = models.ForeignKey("jobs.Job", null=True, on_delete=models.SET_NULL, related_name="+")
    note = models.CharField(max_length=500, blank=True, help_text="What went wrong with the source as a whole.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    objects = IntakeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(source__in=IntakeSource.values), name="intake_source_known"),
            # Only objects of a bucket can stay where they are.
            models.CheckConstraint(
                condition=Q(source=IntakeSource.BUCKET) | ~Q(options__has_key="in_place"),
                name="intake_in_place_is_of_a_bucket",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.name}"

    @property
    def in_place(self) -> bool:
        """Whether originals stay in their bucket instead of being copied."""
        return bool(self.options.get("in_place"))


class IntakeFile(models.Model):
    """What became of one file of an intake, told once."""

    intake = models.ForeignKey(Intake, on_delete=models.CASCADE, related_name="files", db_index=False)
    path = models.CharField(max_length=MOST_PATH, help_text="Inside the source: unique there.")
    status = models.CharField(max_length=10, choices=FileStatus)
    reason = models.CharField(max_length=500, blank=True)
    image = models.ForeignKey(Image, null=True, on_delete=models.SET_NULL, related_name="+")
    byte_size = models.PositiveBigIntegerField(default=0)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["intake", "path"], name="file_once_per_intake"),
            models.CheckConstraint(condition=Q(status__in=FileStatus.values), name="file_status_known"),
        ]
        indexes = [models.Index(fields=["intake", "status", "id"], name="file_by_status")]

    def __str__(self) -> str:
        return f"{self.path}: {self.status}"
