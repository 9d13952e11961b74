"""What left Facet: exports, and versions that programs pulled."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from datasets.models.versions import OfVersionQuerySet, Version
from jobs.models import Job


class ExportState(models.TextChoices):
    WAITING = "waiting", "being made"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    ERASED = "erased", "erased"  # a person was erased whom it showed


class Export(models.Model):
    """One thing handed out: which version, in which form, how many of what, and its checksum."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="exports")
    format = models.CharField(max_length=20)
    options = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=ExportState, default=ExportState.WAITING)
    message = models.CharField(max_length=500, blank=True)
    key = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    byte_size = models.PositiveBigIntegerField(default=0)
    counts = models.JSONField(default=dict)
    # Each as {name, key, sha256, byte_size, role, …}; those of parts are written one by one while it is being made.
    files = models.JSONField(default=list)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(default=timezone.now)

    objects = OfVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(state="done") | ~Q(sha256=""), name="finished_export_has_a_checksum")
        ]

    def __str__(self) -> str:
        return f"{self.format} of {self.version}"

    @property
    def options_in_words(self) -> list[str]:
        """What was asked for beside the format."""
        asked = self.options
        words = [
            {"labels": "labels alone", "images": "with photos", "crops": "crops of faces"}.get(
                asked.get("contents"), ""
            ),
            f"only {', '.join(asked['splits'])}" if asked.get("splits") else "",
            {"classes": "people as classes", "attribute": "one class"}.get(asked.get("people"), ""),
            "pseudonyms" if asked.get("anonymous") else "",
            {"aligned": "aligned", "box": "cut out as they lie"}.get(asked.get("alignment"), ""),
            f"{asked['size']} px" if "size" in asked else "",
            f"margin {asked['margin']:g}" if "margin" in asked else "",
            f"{asked['part_mb']} MB a file" if "part_mb" in asked else "",
        ]
        return [word for word in words if word]

    @property
    def folder(self) -> str:
        """What the keys of its files begin with."""
        return f"projects/{self.version.project_id}/exports/{self.pk}"

    @property
    def all_files(self) -> list[dict]:
        """Every object of it: all that fsck, downloads and erasure have to know. Old exports are one file."""
        if self.files or not self.key:
            return self.files
        name = f"{self.format}.{self.key.rsplit('.')[-1]}"
        row = {"name": name, "key": self.key, "sha256": self.sha256, "byte_size": self.byte_size, "role": "data"}
        return [row]

    @property
    def data_files(self) -> list[dict]:
        """Those with labels and pictures; the others are about them."""
        return [file for file in self.all_files if file["role"] == "data"]


class Pull(models.Model):
    """A version that somebody's program took away, photo by photo: written down because it was handed out."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="pulls")
    photos = models.BooleanField(default=True, help_text="False: its tables alone.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    at = models.DateTimeField(default=timezone.now)

    objects = OfVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"pull of {self.version}"
