"""A photo as captured, who works on it now, whom it was given to, and who left it aside."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now, Random
from django.utils import timezone

from labelling.models.detectors import DetectorSetup
from labelling.models.projects import Project, Role


class ImageState(models.TextChoices):
    NEW = "new", "waiting for proposals"
    PROPOSED = "proposed", "waiting for a person"
    DISPUTED = "disputed", "waiting for a reviewer"  # people who labelled it blindly do not agree
    LABELLED = "labelled", "labelled"


class QueueOrder(models.TextChoices):
    OLDEST = "oldest", "oldest first"
    DOUBTFUL = "doubtful", "least certain first"
    NEEDED = "needed", "people who lack faces first"
    SAMPLED = "sampled", "in random order"


class LeasePurpose(models.TextChoices):
    LABEL = "label", "labelling"
    GOLD = "gold", "answering a photo whose truth is known"
    JUDGE = "judge", "deciding between annotators"


class Batch(models.Model):
    """A named set of photos given to one person."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="batches")
    name = models.CharField(max_length=120)
    assigned_to = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "batches"
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="batch_name_once_per_project")]

    def __str__(self) -> str:
        return self.name


class ImageQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.editable_by(user, Role.ANNOTATOR)

    def editable_by(self, user, at_least: Role = Role.ANNOTATOR):
        return self.filter(project__in=Project.objects.with_role(user, at_least).values("pk"))

    def in_project(self, project):
        return self.filter(project=project)

    def without_proposals(self):
        return self.filter(state=ImageState.NEW)

    def free_for(self, user):
        """Nobody else holds a live lease; nobody at all, for None."""
        held = Lease.objects.filter(image=models.OuterRef("pk"), until__gt=Now())
        if user is not None:
            held = held.exclude(user=user)
        return self.filter(~models.Exists(held))


class Image(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="images")
    sha256 = models.CharField(max_length=64, help_text="Of the original bytes.")
    name = models.CharField(max_length=255, help_text="The file's name as it came.")
    byte_size = models.PositiveBigIntegerField()
    format = models.CharField(max_length=10)
    width = models.PositiveIntegerField(help_text="Pixels of the upright image.")
    height = models.PositiveIntegerField()
    phash = models.BigIntegerField(help_text="64-bit perceptual hash of the upright image.")
    sharpness = models.FloatField(help_text="Variance of the Laplacian at 320 px; higher is sharper.")
    brightness = models.FloatField(help_text="Mean luminance, 0 to 255.")
    session = models.CharField(max_length=120, blank=True)
    camera = models.CharField(max_length=120, blank=True)
    taken_at = models.DateTimeField(null=True)
    near_group = models.BigIntegerField(
        null=True, help_text="Of photos that are nearly the same: the smallest id among them. Empty when it is alone.",
    )  # fmt: skip
    claimed_identity = models.ForeignKey(
        "labelling.Identity", null=True, on_delete=models.SET_NULL, db_index=False,
        help_text="Whom the source says it shows.",
    )  # fmt: skip
    state = models.CharField(max_length=10, choices=ImageState, default=ImageState.NEW)
    searched_by = models.ForeignKey(
        DetectorSetup, null=True, on_delete=models.RESTRICT, related_name="+", db_index=False,
        help_text="The detector whose proposals people decided about.",
    )  # fmt: skip
    note = models.CharField(max_length=500, blank=True, help_text="Why proposing failed, if it did.")
    version = models.PositiveIntegerField(default=1, help_text="Grows with each change; stale writes are refused.")
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False)
    batch = models.ForeignKey(Batch, null=True, on_delete=models.SET_NULL, related_name="images", db_index=False)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False,
        help_text="The only one the queue gives it to: by a batch, or because it was returned to them.",
    )  # fmt: skip
    # What the queue orders by. Written by whoever learns more about the photo; a photo nobody rated comes last.
    doubt = models.FloatField(default=0, help_text="Chance that its least certain face is none of those suggested.")
    need = models.FloatField(default=0, help_text="How much its people lack faces: the largest missing share.")
    lot = models.FloatField(db_default=Random(), help_text="Drawn once, 0 to 1: random order and random shares.")
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    reviewed_at = models.DateTimeField(null=True, help_text="When a reviewer accepted it as it stands.")

    objects = ImageQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "sha256"], name="photo_once_per_project"),
            models.CheckConstraint(condition=Q(width__gt=0, height__gt=0), name="photo_has_pixels"),
            models.CheckConstraint(condition=Q(state__in=ImageState.values), name="photo_state_known"),
        ]
        indexes = [
            models.Index(fields=["project", "state", "id"], name="photo_by_state"),
            models.Index(fields=["project", "session"], name="photo_by_session", condition=~Q(session="")),
            models.Index(
                fields=["project", "near_group"], name="photo_by_likeness", condition=Q(near_group__isnull=False)
            ),
            models.Index(
                fields=["project", "id"],
                name="photo_to_review",
                condition=Q(state=ImageState.LABELLED, reviewed_at=None),
            ),
            models.Index(fields=["project", "id"], name="photo_reviewed", condition=Q(reviewed_at__isnull=False)),
            # Empty for most photos, so that few are written when a photo changes.
            *(
                models.Index(fields=[column], name=f"photo_{name}", condition=Q(**{f"{column}__isnull": False}))
                for name, column in (("claims", "claimed_identity"), ("in_batch", "batch"), ("given", "assigned_to"))
            ),
            # One way through the queue each: whose it is, what the order asks for, and the id where that is equal.
            *(
                models.Index(
                    fields=["project", "assigned_to", *by, "id"],
                    name=f"queue_{name}",
                    condition=Q(state=ImageState.PROPOSED),
                )
                for name, by in (("oldest", []), ("doubtful", ["-doubt"]), ("needed", ["-need"]), ("sampled", ["lot"]))
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Lease(models.Model):
    """Who works on an image until when. Claimed under the image's row lock, so never by two."""

    image = models.OneToOneField(Image, on_delete=models.CASCADE, primary_key=True)
    token = models.UUIDField(default=uuid.uuid4, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    until = models.DateTimeField()
    purpose = models.CharField(max_length=10, choices=LeasePurpose, default=LeasePurpose.LABEL)

    def __str__(self) -> str:
        return f"{self.image} with {self.user} until {self.until}"


class Skip(models.Model):
    """Somebody left a photo aside and said why; the queue gives it to others first."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="skips")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["image", "user"], name="skipped_once_per_person")]

    def __str__(self) -> str:
        return f"{self.image} skipped by {self.user}"
