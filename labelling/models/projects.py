"""Projects, who may do what in them, and the tokens programs use."""

from dataclasses import asdict, dataclass, fields

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Role(models.IntegerChoices):
    """Each role may do what the ones before it may."""

    ANNOTATOR = 1, "annotator"  # adds photos, labels
    REVIEWER = 2, "reviewer"  # corrects others, tends to people
    ENGINEER = 3, "engineer"  # freezes, exports, trains, evaluates
    OWNER = 4, "owner"  # members and settings


@dataclass(frozen=True)
class ProjectSettings:
    """What a project decides for itself. Unknown or missing keys fall back to these defaults."""

    detector: str = "mtcnn"
    embedder: str = "dlib"
    min_face_px: int = 20
    min_score: float = 0.8
    accept_probability: float = 0.9
    lease_minutes: int = 5
    queue_order: str = "oldest"  # of QueueOrder: which waiting photo comes next
    overlap: int = 1  # how many people label the same photo blindly
    overlap_share: float = 1.0  # which share of the photos that holds for
    gold_every: int = 0  # every how many photos a known one is slipped in; 0 never
    accept_mode: str = "set"  # or "learnt": accept_probability follows what people decided about suggestions
    recall_target: float = 0.95  # share of the faces that proposals must reach, where the threshold is taken from it
    target_faces: int = 0  # faces wanted of each person who has no target of their own; 0: as many as half of them have
    accept_target: float = 0.995  # share of auto-accepted names that must be right when the threshold is learnt
    gate_min_probes: int = 5  # people with fewer test faces cannot stop a model from being promoted
    gate_max_fall: float = 0.1  # by so much may nobody's AP fall when a model is promoted
    gate_max_ms: float = 500.0  # median milliseconds per face that a promoted model may take

    @classmethod
    def read(cls, stored: dict) -> "ProjectSettings":
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})

    def as_dict(self) -> dict:
        return asdict(self)


class ProjectQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.with_role(user, Role.ANNOTATOR)

    def with_role(self, user, at_least: Role):
        """Projects in which `user` holds that role or a higher one. A superuser owns the whole house."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.is_superuser:
            return self
        mine = Membership.objects.filter(user=user, role__gte=at_least)
        return self.filter(pk__in=mine.values("project_id"))


class Project(models.Model):
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    guidelines = models.TextField(blank=True, help_text="Markdown, shown beside every photo.")
    stored_settings = models.JSONField(default=dict, db_column="settings")
    retention_days = models.PositiveIntegerField(null=True, blank=True)
    next_class_id = models.PositiveIntegerField(default=0, help_text="Class ids are given once, never reused.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ProjectQuerySet.as_manager()
    # Who opened it for this request, and their role in it (`access.py`). Not stored.
    opened_by: tuple[int, int] | None = None

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def settings(self) -> ProjectSettings:
        return ProjectSettings.read(self.stored_settings)


class Membership(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    role = models.PositiveSmallIntegerField(choices=Role)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "project"], name="one_role_per_person_and_project"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.get_role_display()} of {self.project}"


class ApiToken(models.Model):
    """A bearer token. Only its hash is stored; the token itself is shown once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"
