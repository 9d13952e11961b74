"""What people said about who is and who is not the same: suggestions and clusters obey it for ever."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from labelling.models.faces import Face, Identity
from labelling.models.history import Event
from labelling.models.projects import Project


class Bond(models.TextChoices):
    MUST = "must", "the same person"
    CANNOT = "cannot", "not the same person"


class Constraint(models.Model):
    """Two faces that are, or are not, one person; or a face that is not a certain person ("not this person").

    Two faces of one photo are different people without a row; a MUST between them says mirror or collage.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="constraints")
    bond = models.CharField(max_length=6, choices=Bond)
    face = models.ForeignKey(Face, on_delete=models.CASCADE, related_name="constraints")
    other = models.ForeignKey(Face, null=True, on_delete=models.CASCADE, related_name="+", help_text="The larger id.")
    identity = models.ForeignKey(Identity, null=True, on_delete=models.CASCADE, related_name="not_faces")
    event = models.ForeignKey(Event, null=True, on_delete=models.SET_NULL, related_name="constraints")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["face", "other"], name="one_word_per_pair_of_faces"),
            models.UniqueConstraint(fields=["face", "identity"], name="one_word_per_face_and_person"),
            models.CheckConstraint(condition=Q(bond__in=Bond.values), name="constraint_bond_known"),
            models.CheckConstraint(
                condition=Q(other__gt=F("face"), identity=None)
                | Q(other=None, identity__isnull=False, bond=Bond.CANNOT),
                name="constraint_is_a_pair_or_not_a_person",
            ),
        ]
        indexes = [models.Index(fields=["project", "bond"], name="constraint_by_project")]

    def __str__(self) -> str:
        return f"face {self.face_id} {self.bond} {self.other_id or f'person {self.identity_id}'}"
