"""Waiting faces put together by likeness, for the Sort screen. Written by workers, shown as they are."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from labelling.models.faces import Face, Identity
from labelling.models.projects import Project


class ClusterKind(models.TextChoices):
    PERSON = "person", "faces that seem to be one person"
    LEFTOVERS = "leftovers", "faces that are like nobody else's"


class ClusterRun(models.Model):
    """One clustering of a project's waiting faces, numbered for ever; the newest finished one is shown."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="cluster_runs")
    number = models.PositiveIntegerField()
    embedder = models.CharField(max_length=40)
    params = models.JSONField(default=dict, help_text="Thresholds and whatever else decides the outcome.")
    faces = models.PositiveIntegerField(default=0)
    clusters = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    ranked_at = models.DateTimeField(null=True, help_text="When the waiting clusters were last put in order.")

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="cluster_run_numbered_once")]

    def __str__(self) -> str:
        return f"clustering {self.number} of {self.project}"


class Cluster(models.Model):
    """Faces of one run. `rank` is its place in line; the proposed person is a suggestion like any other."""

    run = models.ForeignKey(ClusterRun, on_delete=models.CASCADE, related_name="rows")
    kind = models.CharField(max_length=10, choices=ClusterKind, default=ClusterKind.PERSON)
    rank = models.PositiveIntegerField(help_text="From 1; the first is shown first.")
    waiting = models.PositiveIntegerField(help_text="Faces nobody has decided about; 0: the cluster is done.")
    identity = models.ForeignKey(Identity, null=True, on_delete=models.SET_NULL, related_name="+")
    probability = models.FloatField(default=0, help_text="That its faces show the proposed person.")
    nearest_face = models.ForeignKey(Face, null=True, on_delete=models.SET_NULL, related_name="+")
    certainty = models.FloatField(default=0, help_text="Least chance, over its undoubted faces, to belong together.")
    neighbour = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    neighbour_similarity = models.FloatField(null=True)

    class Meta:
        ordering = ["run_id", "rank"]
        constraints = [
            models.CheckConstraint(condition=Q(probability__gte=0, probability__lte=1), name="cluster_probability"),
            models.CheckConstraint(condition=Q(kind__in=ClusterKind.values), name="cluster_kind_known"),
        ]
        indexes = [models.Index(fields=["run", "rank"], name="cluster_in_line", condition=Q(waiting__gt=0))]

    def __str__(self) -> str:
        return f"cluster {self.pk} of run {self.run_id}"


class ClusterFace(models.Model):
    """A face's place in a cluster: likest first, doubtful ones last."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="members")
    face = models.ForeignKey(Face, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveIntegerField()
    likeness = models.FloatField(help_text="Cosine to the middle of the cluster.")
    doubtful = models.BooleanField(default=False)

    class Meta:
        ordering = ["cluster_id", "position"]
        constraints = [models.UniqueConstraint(fields=["cluster", "face"], name="face_once_per_cluster")]

    def __str__(self) -> str:
        return f"face {self.face_id} in cluster {self.cluster_id}"


class PairQuestion(models.Model):
    """“Same or different?” about two faces whose answer settles `decides` more. Asked again until answered."""

    run = models.ForeignKey(ClusterRun, on_delete=models.CASCADE, related_name="questions")
    face = models.ForeignKey(Face, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(Face, on_delete=models.CASCADE, related_name="+")
    similarity = models.FloatField()
    probability = models.FloatField(help_text="That both show one person.")
    decides = models.PositiveIntegerField(help_text="Faces that a yes would bring together.")

    class Meta:
        ordering = ["run_id", "-decides", "id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "face", "other"], name="pair_asked_once_per_run"),
            models.CheckConstraint(condition=Q(other__gt=F("face")), name="pair_question_in_order"),
        ]

    def __str__(self) -> str:
        return f"faces {self.face_id} and {self.other_id}?"
