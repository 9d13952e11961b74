"""What is frozen: versions, and what was handed out of them."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
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


class ExportQuerySet(ScopedQuerySet):
    project_path = "version__project"


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

    objects = ExportQuerySet.as_manager()

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


class PullQuerySet(ScopedQuerySet):
    project_path = "version__project"


class Pull(models.Model):
    """A version that somebody's program took away, photo by photo: written down because it was handed out."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="pulls")
    photos = models.BooleanField(default=True, help_text="False: its tables alone.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    at = models.DateTimeField(default=timezone.now)

    objects = PullQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"pull of {self.version}"


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

    objects = ExportQuerySet.as_manager()

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
