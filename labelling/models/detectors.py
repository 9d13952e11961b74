"""Which detector proposed a box, and how it was set up then."""

import hashlib
import json

from django.db import models
from django.utils import timezone

from labelling.models.projects import Project


class DetectorSetupQuerySet(models.QuerySet):
    def described(self, project_id: int, description: dict) -> "DetectorSetup":
        """The row of that very description; made when a project meets it for the first time."""
        digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()
        named = {"name": str(description.get("name", ""))[:80], "description": description}
        return self.get_or_create(project_id=project_id, digest=digest, defaults=named)[0]


class DetectorSetup(models.Model):
    """A detector with its weights, parameters and limits. Never changed: another setting is another row."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="detector_setups", db_index=False)
    name = models.CharField(max_length=80)
    # What the detector says of itself, as the layer above gave it: name, weights_sha256, parameters, library; and
    # `min_score`, below which it proposed nothing.
    description = models.JSONField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of the description.")
    created_at = models.DateTimeField(default=timezone.now)

    objects = DetectorSetupQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["project", "digest"], name="described_once_per_project")]

    def __str__(self) -> str:
        return f"{self.name} {self.digest[:8]}"
