"""Append-only history: every change by whom, from what to what. Undo and audit read it."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from labelling.models.images import Image
from labelling.models.projects import Project


class Verb(models.TextChoices):
    SUBMIT = "submit", "labelled a photo"
    ASSIGN = "assign", "named faces"
    RENAME = "rename", "renamed a person"
    UNDO = "undo", "took a change back"


class Event(models.Model):
    """`id` is made by the client: the same event sent again changes nothing."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="events")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    verb = models.CharField(max_length=20, choices=Verb)
    image = models.ForeignKey(Image, null=True, on_delete=models.SET_NULL, related_name="events")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    undoes = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="undone_by")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["project", "-created_at"], name="event_by_project"),
            models.Index(fields=["image", "-created_at"], name="event_by_image"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.get_verb_display()}"
