"""Second looks: blind opinions, photos whose truth is known, and what people remark about a photo."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from labelling.models.faces import Face
from labelling.models.history import Event
from labelling.models.images import Image
from labelling.models.projects import Project


class Opinion(models.Model):
    """What one person said about a photo without seeing what others said. The live faces are not touched.

    `faces`: [{"key", "face", "box", "state", "who", "identity", "name"}], `key` being the face's id or uid.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="opinions")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="opinions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    event = models.OneToOneField(Event, null=True, on_delete=models.SET_NULL, related_name="opinion")
    faces = models.JSONField(default=list)
    is_gold = models.BooleanField(default=False, help_text="An answer to a photo whose truth is known.")
    right = models.PositiveIntegerField(default=0, help_text="Of an answer to a known photo: faces said rightly.")
    wrong = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True, help_text="When it was compared with the others; then it stands.")

    class Meta:
        ordering = ["image_id", "id"]
        constraints = [
            models.UniqueConstraint(fields=["image", "user", "is_gold"], name="one_opinion_per_person_and_photo")
        ]
        indexes = [models.Index(fields=["project", "user", "-created_at"], name="opinion_by_person")]

    def __str__(self) -> str:
        return f"{self.user} about {self.image}"


class Gold(models.Model):
    """A photo whose truth a reviewer vouches for: slipped into queues to see how people do."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="golds")
    image = models.OneToOneField(Image, on_delete=models.CASCADE, related_name="gold")
    truth = models.JSONField(default=list, help_text="Faces as in Opinion.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"truth of {self.image}"


class RemarkKind(models.TextChoices):
    FLAG = "flag", "flagged"
    RETURN = "return", "returned"


class Remark(models.Model):
    """A flag with a comment, or a reviewer's reason for returning a photo. Open until somebody settles it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="remarks")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="remarks")
    face = models.ForeignKey(Face, null=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=10, choices=RemarkKind)
    text = models.CharField(max_length=1000)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    to = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=RemarkKind.values), name="remark_kind_known"),
            models.CheckConstraint(condition=~Q(text=""), name="remark_says_something"),
        ]
        indexes = [models.Index(fields=["project", "-id"], name="remark_open", condition=Q(resolved_at=None))]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.text[:40]}"
