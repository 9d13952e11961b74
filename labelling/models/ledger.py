"""Every suggestion beside what a person then decided: append-only, read for accept rates and calibration."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from labelling.models.faces import Face, Identity
from labelling.models.history import Event
from labelling.models.projects import Project


class Outcome(models.TextChoices):
    ACCEPTED = "accepted", "the first suggestion"
    OTHER = "other", "another suggestion"
    OVERRULED = "overruled", "somebody not suggested"
    UNKNOWN = "unknown", "nobody we know"
    IGNORED = "ignored", "ignored"
    REJECTED = "rejected", "not a face"


class LedgerEntry(models.Model):
    """One decision about one face that had suggestions. Entries of a decision taken back stay; `event` tells."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="ledger", db_index=False)
    face = models.ForeignKey(Face, null=True, on_delete=models.SET_NULL, related_name="+")
    event = models.ForeignKey(Event, null=True, on_delete=models.SET_NULL, related_name="ledger")
    source = models.CharField(max_length=10, help_text="Where it was decided: label or sort.")
    model_name = models.CharField(max_length=80)
    model_version = models.CharField(max_length=80, blank=True)
    suggested = models.ForeignKey(Identity, null=True, on_delete=models.SET_NULL, related_name="+")
    probability = models.FloatField(help_text="Of the first suggestion.")
    # [[identity id, probability, model name, model version], …] as they were ranked when the person decided.
    ranked = models.JSONField(default=list)
    outcome = models.CharField(max_length=10, choices=Outcome)
    chosen = models.ForeignKey(Identity, null=True, on_delete=models.SET_NULL, related_name="+")
    chosen_rank = models.PositiveSmallIntegerField(null=True, help_text="Null when no suggestion was taken.")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(probability__gte=0, probability__lte=1), name="ledger_probability"),
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="ledger_outcome_known"),
        ]
        indexes = [models.Index(fields=["project", "model_name", "-id"], name="ledger_by_model")]

    def __str__(self) -> str:
        return f"{self.suggested} for face {self.face_id}: {self.outcome}"
