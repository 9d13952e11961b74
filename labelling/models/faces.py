"""Faces, the people they show, and what a model suggests about them."""

import hashlib
import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from labelling.models.detectors import DetectorSetup
from labelling.models.images import Image
from labelling.models.projects import Project, Role


class FaceState(models.TextChoices):
    PROPOSED = "proposed", "proposed"
    CONFIRMED = "confirmed", "confirmed"
    REJECTED = "rejected", "not a face"


class Who(models.TextChoices):
    UNASSIGNED = "unassigned", "not named yet"
    ASSIGNED = "assigned", "named"
    UNKNOWN = "unknown", "nobody we know"
    IGNORED = "ignored", "ignored"


class Origin(models.TextChoices):
    MODEL = "model", "proposed by a model"
    HUMAN = "human", "drawn by a person"
    IMPORT = "import", "imported"


class Folded(models.Func):
    """A text with letter case aside, in every alphabet: a database's own locale may know no more than a to z."""

    arity = 1
    template = 'LOWER(%(expressions)s COLLATE "pg_c_utf8")'
    output_field = models.TextField()


class IdentityQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.editable_by(user, Role.ANNOTATOR)

    def editable_by(self, user, at_least: Role):
        return self.filter(project__in=Project.objects.with_role(user, at_least).values("pk"))

    def in_project(self, project):
        """The people there are; those merged into others, or erased, stay as rows: class ids are never reused."""
        return self.filter(project=project, merged_into=None, erased_at=None)

    def called(self, name: str):
        """Of that very name, letter case aside; answered from the index of the unique constraint."""
        return self.alias(folded_name=Folded("name")).filter(folded_name=Folded(models.Value(name)))

    def with_face_counts(self):
        """`face_count`: how many faces a person has. Only confirmed faces can have one (the database sees to that).

        Counted person by person from an index alone: of the people shown and no others, unless they are ordered by it.
        """
        faces = Face.objects.filter(identity=models.OuterRef("pk")).order_by().values("identity")
        counted = models.Subquery(faces.annotate(number=models.Count("*")).values("number"))
        return self.annotate(face_count=Coalesce(counted, models.Value(0)))


class Identity(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="identities")
    name = models.CharField(max_length=120)
    class_id = models.PositiveIntegerField(help_text="Given once, never reused.")
    aliases = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    notes = models.TextField(blank=True)
    target_count = models.PositiveIntegerField(null=True, blank=True)
    consent_basis = models.CharField(max_length=120, blank=True)
    consent_date = models.DateField(null=True, blank=True)
    consent_expiry = models.DateField(null=True, blank=True)
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="absorbed")
    erased_at = models.DateTimeField(null=True, blank=True, help_text="When it was asked for; nothing is left of them.")
    created_at = models.DateTimeField(default=timezone.now)

    objects = IdentityQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(
                "project",
                Folded("name"),
                name="identity_name_once_per_project",
                condition=Q(merged_into=None, erased_at=None),
                violation_error_message="There is already a person of that name in this project.",
            ),
            models.UniqueConstraint(fields=["project", "class_id"], name="class_id_once_per_project"),
            models.CheckConstraint(condition=~Q(name=""), name="identity_has_a_name"),
            models.CheckConstraint(condition=~Q(merged_into=F("pk")), name="nobody_is_merged_into_themselves"),
        ]

    def __str__(self) -> str:
        return self.name


class FaceQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.editable_by(user, Role.ANNOTATOR)

    def editable_by(self, user, at_least: Role = Role.ANNOTATOR):
        return self.filter(project__in=Project.objects.with_role(user, at_least).values("pk"))

    def in_project(self, project):
        return self.filter(project=project)

    def waiting(self):
        """Nobody has yet said who it is: a proposal, or a confirmed box without a name."""
        return self.filter(state__in=(FaceState.PROPOSED, FaceState.CONFIRMED), who=Who.UNASSIGNED)

    def decided(self):
        """What does not wait."""
        return self.filter(Q(state=FaceState.REJECTED) | ~Q(who=Who.UNASSIGNED))

    def more_wait_than(self, number: int) -> bool:
        # In no order: by id it would read past all that was decided before it finds the first that waits.
        return self.waiting().order_by()[: number + 1].count() > number

    def named(self):
        return self.filter(state=FaceState.CONFIRMED, who=Who.ASSIGNED)


class Face(models.Model):
    """One appearance of a person. The box lies in upright pixels, origin top left."""

    # Of the foreign keys only `image` has an index made for it: a face is written each time somebody decides about it,
    # and each index costs then. The ones below serve project and identity; nothing asks for all faces of an editor.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="faces", db_index=False)
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="faces")
    # Made by whoever draws the box, so that a repeated save cannot make a second face.
    uid = models.UUIDField(default=uuid.uuid4, unique=True)
    x = models.FloatField()
    y = models.FloatField()
    w = models.FloatField()
    h = models.FloatField()
    # A copy of the image's size, so that the database itself can keep boxes inside.
    image_w = models.PositiveIntegerField()
    image_h = models.PositiveIntegerField()
    landmarks = ArrayField(models.FloatField(), size=10, null=True, help_text="x, y of five points.")
    score = models.FloatField(null=True, help_text="The detector's confidence, 0 to 1.")
    origin = models.CharField(max_length=6, choices=Origin)
    detector = models.ForeignKey(
        DetectorSetup,
        null=True,
        on_delete=models.RESTRICT,
        related_name="+",
        db_index=False,
        help_text="What proposed it.",
    )
    state = models.CharField(max_length=10, choices=FaceState, default=FaceState.PROPOSED)
    who = models.CharField(max_length=10, choices=Who, default=Who.UNASSIGNED)
    identity = models.ForeignKey(Identity, null=True, on_delete=models.PROTECT, related_name="faces", db_index=False)
    quality = models.FloatField(null=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False)

    objects = FaceQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(x__gte=0, w__gt=0, image_w__gte=F("x") + F("w")),
                name="box_within_image_width",
                violation_error_message="The box must lie inside the image.",
            ),
            models.CheckConstraint(
                condition=Q(y__gte=0, h__gt=0, image_h__gte=F("y") + F("h")),
                name="box_within_image_height",
                violation_error_message="The box must lie inside the image.",
            ),
            models.CheckConstraint(condition=Q(state__in=FaceState.values), name="face_state_known"),
            models.CheckConstraint(condition=Q(who__in=Who.values), name="face_who_known"),
            models.CheckConstraint(
                condition=Q(who=Who.ASSIGNED, identity__isnull=False) | ~Q(who=Who.ASSIGNED) & Q(identity__isnull=True),
                name="assigned_means_an_identity",
            ),
            models.CheckConstraint(
                condition=~Q(state=FaceState.REJECTED) | Q(who=Who.UNASSIGNED),
                name="what_is_no_face_is_nobody",
            ),
            models.CheckConstraint(
                condition=~Q(state=FaceState.PROPOSED) | Q(who=Who.UNASSIGNED),
                name="proposals_name_nobody",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "state", "who"], name="face_by_state"),
            models.Index(fields=["identity", "id"], name="face_by_identity", condition=Q(identity__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"face {self.pk} in image {self.image_id}"

    @property
    def box(self) -> tuple[float, float, float, float]:
        return (self.x, self.y, self.w, self.h)

    @property
    def box_key(self) -> str:
        """Short name of this very box: crops are cached and embeddings are kept under it."""
        return key_of_box(self.box)

    @property
    def points(self) -> list[list[float]] | None:
        if self.landmarks is None:
            return None
        return [list(pair) for pair in zip(self.landmarks[::2], self.landmarks[1::2], strict=True)]


def key_of_box(box: tuple[float, float, float, float]) -> str:
    return hashlib.sha256("{:.2f},{:.2f},{:.2f},{:.2f}".format(*box).encode()).hexdigest()[:16]


class Suggestion(models.Model):
    """What a model thinks about who a face is. A layer of its own: it never touches a person's word."""

    face = models.ForeignKey(Face, on_delete=models.CASCADE, related_name="suggestions", db_index=False)
    rank = models.PositiveSmallIntegerField()
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="+")
    probability = models.FloatField()
    similarity = models.FloatField(null=True, help_text="Cosine to the nearest confirmed face.")
    nearest_face = models.ForeignKey(Face, null=True, on_delete=models.SET_NULL, related_name="+")
    model_name = models.CharField(max_length=80)
    model_version = models.CharField(max_length=80, blank=True, help_text="Weights and calibration, shortened.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["face_id", "rank"]
        constraints = [
            models.UniqueConstraint(fields=["face", "rank"], name="one_suggestion_per_rank"),
            models.UniqueConstraint(fields=["face", "identity"], name="one_suggestion_per_person"),
            models.CheckConstraint(condition=Q(probability__gte=0, probability__lte=1), name="probability_is_a_share"),
        ]

    def __str__(self) -> str:
        return f"{self.identity} {self.probability:.0%} for face {self.face_id}"
