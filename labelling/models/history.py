"""Append-only history: every change by whom, from what to what. Undo and audit read it."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import connection, models
from django.utils import timezone

from labelling.models.images import Image
from labelling.models.projects import Project


class Verb(models.TextChoices):
    SUBMIT = "submit", "labelled a photo"
    ASSIGN = "assign", "named faces"
    DECIDE = "decide", "said what faces are"  # unknown, ignored, not a face, or open again
    LINK = "link", "said whether two faces are one person"
    RENAME = "rename", "renamed a person"
    DESCRIBE = "describe", "changed what is known about a person"
    MERGE = "merge", "merged two people"
    SPLIT = "split", "split a person"
    OPINION = "opinion", "labelled a photo blindly"
    JUDGE = "judge", "decided between annotators"
    SKIP = "skip", "skipped a photo"
    FLAG = "flag", "flagged a photo"
    RESOLVE = "resolve", "settled a flag"
    RETURN = "return", "returned a photo"
    APPROVE = "approve", "accepted a photo"
    IMPORT = "import", "imported labels"
    ERASE = "erase", "erased a person"
    UNDO = "undo", "took a change back"


class EventQuerySet(models.QuerySet):
    def sent_before(self, event_id: uuid.UUID) -> "Event | None":
        """The event of that id, if there is one. One that is being stored at this moment is waited for.

        A browser that gave up waiting for an answer sends again while the first request may still be under way.
        """
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [event_id.int % 2**63])
        return self.filter(pk=event_id).first()


class Event(models.Model):
    """`id` is made by the client: the same event sent again changes nothing."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="events", db_index=False)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False)
    verb = models.CharField(max_length=20, choices=Verb)
    image = models.ForeignKey(Image, null=True, on_delete=models.SET_NULL, related_name="events")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    # Everything the change was about, so that the history of one person or photo is one look into an index.
    images = ArrayField(models.BigIntegerField(), default=list)
    identities = ArrayField(models.BigIntegerField(), default=list)
    undoes = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="undone_by")
    erased = models.BooleanField(
        db_default=False, default=False, help_text="What was said is gone, because a person was erased."
    )
    created_at = models.DateTimeField(default=timezone.now)

    objects = EventQuerySet.as_manager()
    # Where an event was made a moment ago: the photo's faces as it left them. Not stored.
    faces = None

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["project", "-created_at"], name="event_by_project"),
            models.Index(fields=["actor", "project", "-created_at"], name="event_by_actor"),
            GinIndex(fields=["images"], name="event_about_image"),
            GinIndex(fields=["identities"], name="event_about_identity"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.get_verb_display()}"
