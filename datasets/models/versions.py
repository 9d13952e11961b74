"""What is frozen: versions, and the names that stand on them and move."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from jobs.models import Job
from labelling.models import Project, Role

# Moves by itself to each version that becomes ready.
LATEST = "latest"


class VersionState(models.TextChoices):
    FREEZING = "freezing", "being frozen"
    READY = "ready", "ready"
    FAILED = "failed", "failed"


class ScopedQuerySet(models.QuerySet):
    project_path = "project"

    def visible_to(self, user):
        return self.with_role(user, Role.ANNOTATOR)

    def with_role(self, user, at_least: Role):
        mine = Project.objects.with_role(user, at_least).values("pk")
        return self.filter(**{f"{self.project_path}__in": mine})


class OfVersionQuerySet(ScopedQuerySet):
    project_path = "version__project"


class VersionQuerySet(ScopedQuerySet):
    def with_tags(self):
        """What `tag` and `tag_names` are read from, in one query for all rows."""
        return self.prefetch_related("tags")

    def with_summary(self):
        """`summary`: the statistics without the people, who may be thousands."""
        without_people = models.Func(
            models.F("statistics"),
            models.Value("people"),
            template="(%(expressions)s)",
            arg_joiner=" - ",
            output_field=models.JSONField(),
        )
        return self.defer("statistics").annotate(summary=without_people)


class Version(models.Model):
    """An immutable state of the labels. Its rows are two Parquet files in the object store.

    A trigger in the database refuses every change to a ready version's content, but for what leaves it when a person is
    erased (datasets/erasure.py).
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    parent = models.ForeignKey("self", null=True, on_delete=models.SET_NULL)
    note = models.CharField(max_length=500, blank=True)
    split_policy = models.JSONField(default=dict)
    filters = models.JSONField(default=dict, blank=True, help_text="What was asked for; nothing stands for all.")
    state = models.CharField(max_length=10, choices=VersionState, default=VersionState.FREEZING)
    message = models.CharField(max_length=500, blank=True)
    statistics = models.JSONField(default=dict)
    content_hash = models.CharField(max_length=64, blank=True)
    faces_sha256 = models.CharField(max_length=64, blank=True, help_text="Of faces.parquet.")
    images_sha256 = models.CharField(max_length=64, blank=True, help_text="Of images.parquet.")
    erasures = models.JSONField(default=list, blank=True, help_text="What left it since, because people were erased.")
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(default=timezone.now)
    frozen_at = models.DateTimeField(null=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="version_number_once_per_project"),
            models.CheckConstraint(
                condition=~Q(state=VersionState.READY) | ~Q(content_hash=""), name="ready_version_has_a_hash"
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number} of {self.project}"

    @property
    def tag_names(self) -> list[str]:
        """The names that stand on it now, those that people gave first."""
        return [tag.name for tag in sorted(self.tags.all(), key=lambda tag: (tag.name == LATEST, tag.name))]

    @property
    def tag(self) -> str:
        """The first name that people gave it, or nothing."""
        return next((name for name in self.tag_names if name != LATEST), "")

    def key(self, table: str) -> str:
        """Object key of a table, `faces` or `images`.

        Named by content: a worker that lost its job, yet still writes, cannot replace what was frozen.
        """
        sha256 = getattr(self, f"{table}_sha256")
        return f"projects/{self.project_id}/versions/{self.number}/{table}-{sha256[:16]}.parquet"


class Tag(models.Model):
    """A name that stands on one version of a project and may move to another; `TagMove` keeps where it stood."""

    NAME_LENGTH = 60

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=NAME_LENGTH)
    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="tags")

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="tag_once_per_project"),
            models.CheckConstraint(condition=~Q(name=""), name="tag_has_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.project}@{self.name}"


class TagMove(models.Model):
    """That a name was put on a version, moved from one to another, or taken off. Only ever added to."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=Tag.NAME_LENGTH)
    old = models.ForeignKey(Version, null=True, on_delete=models.SET_NULL, related_name="+", help_text="Moved from.")
    new = models.ForeignKey(Version, null=True, on_delete=models.SET_NULL, related_name="+", help_text="Moved to.")
    reason = models.CharField(max_length=500, blank=True)
    despite = models.CharField(max_length=500, blank=True, help_text="What spoke against it and was overruled.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["project", "-id"], name="tag_moves_of_project")]

    def __str__(self) -> str:
        return f"{self.name} from {self.old_id} to {self.new_id}"
