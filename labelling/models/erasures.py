"""People who were erased: what was asked for, what went, and the photos that are not taken in again."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from labelling.models.faces import Identity
from labelling.models.projects import Project, Role


class ErasureState(models.TextChoices):
    UNDER_WAY = "under_way", "under way"
    DONE = "done", "done"


class PhotoFate(models.TextChoices):
    DELETE = "delete", "deleted"
    PAINT = "paint", "painted over"


class ErasureQuerySet(models.QuerySet):
    def visible_to(self, user):
        """For owners alone: it says how much there was of somebody who wanted to be gone."""
        return self.filter(project__in=Project.objects.with_role(user, Role.OWNER).values("pk"))


class Erasure(models.Model):
    """A person's data going, and then gone. The report never holds the name."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="erasures")
    identity = models.OneToOneField(Identity, on_delete=models.CASCADE, related_name="erasure")
    class_id = models.PositiveIntegerField(help_text="All that is left to call the person by.")
    alone = models.CharField(max_length=10, choices=PhotoFate, help_text="Photos that show nobody else.")
    shared = models.CharField(max_length=10, choices=PhotoFate, help_text="Photos that show others too.")
    state = models.CharField(max_length=10, choices=ErasureState, default=ErasureState.UNDER_WAY)
    report = models.JSONField(default=dict)
    job = models.ForeignKey("jobs.Job", null=True, on_delete=models.SET_NULL, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    objects = ErasureQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ErasureState.values), name="erasure_state_known"),
            models.CheckConstraint(
                condition=~Q(state=ErasureState.DONE) | Q(finished_at__isnull=False), name="erasure_done_has_an_end"
            ),
        ]

    def __str__(self) -> str:
        return f"erasure of person {self.class_id}"


class ErasedPhoto(models.Model):
    """A photo as it was before an erasure. Its hash stays, so that the same file is not taken in again."""

    erasure = models.ForeignKey(Erasure, on_delete=models.CASCADE, related_name="photos")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    sha256 = models.CharField(max_length=64)
    new_sha256 = models.CharField(max_length=64, blank=True, help_text="Of what took its place; empty: it was deleted.")
    elsewhere = models.CharField(max_length=1200, blank=True, help_text="An original that Facet cannot delete.")
    objects_gone = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["project", "sha256"], name="photo_erased_once")]

    def __str__(self) -> str:
        return f"erased photo {self.sha256[:16]}"
