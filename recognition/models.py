"""What measures and learns: embeddings, runs, figures per identity, models."""

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from pgvector.django import HalfVectorField

from datasets.models import ScopedQuerySet, Version
from jobs.models import Job
from labelling.models import Face, FaceState, Identity, Project


class EmbeddingQuerySet(models.QuerySet):
    def current(self, embedder: str):
        """Those of the box the face has now; a moved box needs a new one."""
        same_box = {side: models.F(f"face__{side}") for side in ("x", "y", "w", "h")}
        return self.filter(embedder=embedder, **same_box)


class Embedding(models.Model):
    """A face's unit-length vector by one embedder, and the box it was taken from."""

    face = models.ForeignKey(Face, on_delete=models.CASCADE, related_name="embeddings")
    embedder = models.CharField(max_length=40)
    x = models.FloatField()
    y = models.FloatField()
    w = models.FloatField()
    h = models.FloatField()
    vector = HalfVectorField()

    objects = EmbeddingQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["face", "embedder"], name="one_embedding_per_embedder")]

    def __str__(self) -> str:
        return f"{self.embedder} of face {self.face_id}"


def faces_without_embedding(project_id: int, embedder: str):
    """Faces of the project that still have to go through this embedder. The work left is a query."""
    same_box = {side: OuterRef(side) for side in ("x", "y", "w", "h")}
    there = Embedding.objects.filter(face=OuterRef("pk"), embedder=embedder, **same_box)
    return Face.objects.filter(~Exists(there), project_id=project_id).exclude(state=FaceState.REJECTED)


class CalibrationFit(models.Model):
    """How similarities became probabilities from some moment on: fitted on the project's confirmed faces, kept as
    long as suggestions made with it are. Old rows stay, because the ledger speaks of them.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="calibrations")
    embedder = models.CharField(max_length=40)
    version = models.CharField(max_length=80, help_text="Weights and calibration, shortened: Suggestion.model_version.")
    faces = models.PositiveIntegerField(help_text="Confirmed faces it was fitted on.")
    params = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "embedder", "version"], name="one_fit_per_version"),
        ]

    def __str__(self) -> str:
        return f"{self.embedder} {self.version}"


class LookAlike(models.Model):
    """Two people whose faces are close: worth a second look before either is merged, and after each evaluation."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="look_alikes")
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="look_alikes")
    other = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="+", help_text="The larger id.")
    similarity = models.FloatField(help_text="Cosine between the two closest faces.")
    face = models.ForeignKey(Face, null=True, on_delete=models.SET_NULL, related_name="+")
    other_face = models.ForeignKey(Face, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-similarity", "id"]
        constraints = [
            models.UniqueConstraint(fields=["identity", "other"], name="look_alikes_once"),
            models.CheckConstraint(condition=Q(other__gt=models.F("identity")), name="look_alikes_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.identity} and {self.other}"


class SuspicionKind(models.TextChoices):
    OUTLIER = "outlier", "unlike its own person, like another"
    TWICE = "twice", "one person twice in a photo"
    BOX = "box", "the detector disagrees with the box"


class Suspicion(models.Model):
    """A label that is probably wrong, and why. Made by workers; a reviewer's “it is right” stays."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="suspicions")
    face = models.ForeignKey(Face, on_delete=models.CASCADE, related_name="suspicions")
    kind = models.CharField(max_length=10, choices=SuspicionKind)
    score = models.FloatField(help_text="0 to 1; the larger, the likelier an error.")
    identity = models.ForeignKey(Identity, null=True, on_delete=models.CASCADE, related_name="+", help_text="Rather.")
    nearest_face = models.ForeignKey(Face, null=True, on_delete=models.SET_NULL, related_name="+")
    detail = models.JSONField(default=dict)
    face_version = models.PositiveIntegerField(help_text="The label that is doubted; a later one is another.")
    dismissed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    dismissed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-score", "id"]
        constraints = [
            models.UniqueConstraint(fields=["face", "kind"], name="suspected_once_per_kind"),
            models.CheckConstraint(condition=Q(score__gte=0, score__lte=1), name="suspicion_score_is_a_share"),
        ]
        indexes = [models.Index(fields=["project", "-score", "id"], name="suspicion_ranked")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: face {self.face_id}"


class RunState(models.TextChoices):
    WAITING = "waiting", "waiting"
    DONE = "done", "done"
    FAILED = "failed", "failed"


class RunKind(models.TextChoices):
    TRAIN = "train", "training"
    EVALUATE = "evaluate", "evaluation"


class Stage(models.TextChoices):
    CANDIDATE = "candidate"
    PRODUCTION = "production"
    ARCHIVED = "archived"


class Model(models.Model):
    """A trained thing: its artifact by hash, and the version it learned from."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="models")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=40)
    embedder = models.CharField(max_length=40)
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="models")
    artifact_key = models.CharField(max_length=200)
    artifact_sha256 = models.CharField(max_length=64)
    stage = models.CharField(max_length=10, choices=Stage, default=Stage.CANDIDATE)
    threshold = models.JSONField(
        null=True, blank=True, help_text="From which similarity on two faces count as one person, and what follows."
    )
    erased_at = models.DateTimeField(null=True, help_text="When a person it was trained on was erased: train it anew.")
    onnx = models.JSONField(null=True, blank=True, help_text="Its ONNX file, and how far that is from the model.")
    created_at = models.DateTimeField(default=timezone.now)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project"], name="one_model_in_production", condition=Q(stage=Stage.PRODUCTION)
            )
        ]

    def __str__(self) -> str:
        return self.name


class Move(models.TextChoices):
    PROMOTE = "promote", "promotion"
    ROLLBACK = "rollback", "rollback"


class PromotionEvent(models.Model):
    """One change of what serves in production. Null stands for the frozen embedding. Rows are only ever added."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="promotions")
    move = models.CharField(max_length=10, choices=Move)
    old = models.ForeignKey(Model, null=True, on_delete=models.RESTRICT, related_name="+")
    new = models.ForeignKey(Model, null=True, on_delete=models.RESTRICT, related_name="+")
    reason = models.CharField(max_length=500, blank=True, help_text="Why the gate was overruled, or it was taken back.")
    verdict = models.JSONField(default=dict, help_text="What the gate said at that moment.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(old=models.F("new")), name="promotion_changes_something"),
        ]

    def __str__(self) -> str:
        return f"{self.get_move_display()} {self.pk}"


class RunQuerySet(ScopedQuerySet):
    def as_usual(self):
        """Those whose figures can be held against each other: with all gallery faces, compared with everything."""
        return self.exclude(params__has_any_keys=["gallery", "apart_sessions"])


class Run(models.Model):
    """One training or evaluation, with all that is needed to repeat it to the last digit."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=20, choices=RunKind)
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="runs")
    model = models.ForeignKey(Model, null=True, on_delete=models.SET_NULL, related_name="runs")
    parent = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="children")
    state = models.CharField(max_length=10, choices=RunState, default=RunState.WAITING)
    message = models.CharField(max_length=500, blank=True)
    params = models.JSONField(default=dict)
    seed = models.PositiveIntegerField(default=1)
    environment = models.JSONField(default=dict, help_text="Code commit, packages, weights, hardware.")
    metrics = models.JSONField(default=dict)
    curves = models.JSONField(default=dict)
    preflight = models.JSONField(default=list, help_text="What was checked before training: name, passed, said.")
    trials = models.JSONField(default=list, help_text="What a search tried: number, params, figures on validation.")
    checkpoint = models.JSONField(default=dict, help_text="Where an unfinished training stands: epoch, key, sha256.")
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True, help_text="When a person of its version was erased.")

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"


class IdentityMetric(models.Model):
    """One person in one evaluation. `ap` is null where there are too few probes to say anything."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="identity_metrics")
    identity_name = models.CharField(max_length=120)
    class_id = models.PositiveIntegerField()
    gallery = models.PositiveIntegerField()
    probes = models.PositiveIntegerField()
    ap = models.FloatField(null=True)
    ap_low = models.FloatField(null=True)
    ap_high = models.FloatField(null=True)
    baseline_ap = models.FloatField(null=True)
    recognition_rate = models.FloatField(null=True)
    precision = models.FloatField(null=True)
    recall = models.FloatField(null=True)
    confusions = models.JSONField(default=list, help_text="Whom its probes were taken for: name and count.")

    class Meta:
        ordering = ["identity_name"]
        constraints = [models.UniqueConstraint(fields=["run", "class_id"], name="one_metric_per_person_and_run")]

    def __str__(self) -> str:
        return f"{self.identity_name} in {self.run}"


class Plan(models.Model):
    """What a pipeline does, whoever asks for it: a person, a command or a rule."""

    trains = models.BooleanField(default=True, help_text="False: what serves now is evaluated, nothing is trained.")
    params = models.JSONField(default=dict, help_text="Of the training: recipe, seed, epochs, options.")
    like = models.ForeignKey(
        Version, null=True, on_delete=models.SET_NULL, related_name="+",
        help_text="Whose splits and filters the new version gets; null: those of the last one.",
    )  # fmt: skip
    promotes = models.BooleanField(default=False, help_text="Whether the model goes into production by an open gate.")

    class Meta:
        abstract = True


class RuleKind(models.TextChoices):
    LABELS = "labels", "new labels"
    IMBALANCE = "imbalance", "changed imbalance"
    SCHEDULE = "schedule", "schedule"


class Rule(Plan):
    """When a project starts a pipeline by itself. Workers' sweepers look at it (rule_watch.py)."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rules")
    kind = models.CharField(max_length=10, choices=RuleKind)
    threshold = models.FloatField(null=True, help_text="New labels, or how far the Gini coefficient may move.")
    hour = models.PositiveSmallIntegerField(null=True, help_text="In UTC.")
    weekday = models.PositiveSmallIntegerField(null=True, help_text="0 is Monday; null: every day.")
    enabled = models.BooleanField(default=True)
    since = models.DateTimeField(default=timezone.now, help_text="From when on its hours count.")
    looked_at = models.DateTimeField(null=True)
    fired_at = models.DateTimeField(null=True)
    fired_for = models.JSONField(default=dict, help_text="The reason it last fired for: never twice for the same.")
    said = models.CharField(max_length=500, blank=True, help_text="Why it last was due and started nothing.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind=RuleKind.LABELS, threshold__gte=1, hour=None, weekday=None)
                | Q(kind=RuleKind.IMBALANCE, threshold__gt=0, threshold__lte=1, hour=None, weekday=None)
                | Q(kind=RuleKind.SCHEDULE, threshold=None, hour__lte=23) & (Q(weekday=None) | Q(weekday__lte=6)),
                name="rule_has_what_its_kind_needs",
            ),
            models.CheckConstraint(condition=Q(trains=True) | Q(promotes=False), name="rule_promotes_what_it_trains"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"


class PipelineState(models.TextChoices):
    RUNNING = "running", "running"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


class Step(models.TextChoices):
    FREEZE = "freeze", "Freeze"
    TRAIN = "train", "Train"
    EVALUATE = "evaluate", "Evaluate"
    COMPARE = "compare", "Compare"  # what serves now, on the same version, where the gate has to know
    GATE = "gate", "Gate"


class Pipeline(Plan):
    """One run of the chain freeze → train → evaluate → gate. What its steps made says how far it is (pipelines.py)."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="pipelines")
    rule = models.ForeignKey(Rule, null=True, on_delete=models.SET_NULL, related_name="pipelines")
    why = models.CharField(max_length=200, help_text="What it was started for, in words.")
    state = models.CharField(max_length=10, choices=PipelineState, default=PipelineState.RUNNING)
    step = models.CharField(max_length=10, choices=Step, default=Step.FREEZE, help_text="Where it is, or ended.")
    message = models.CharField(max_length=500, blank=True, help_text="Why it failed, or how it ended.")
    version = models.ForeignKey(Version, null=True, on_delete=models.SET_NULL, related_name="pipelines")
    training = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+")
    evaluation = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+")
    comparison = models.ForeignKey(
        Run, null=True, on_delete=models.SET_NULL, related_name="+", help_text="Of what served, on the same version."
    )
    verdict = models.JSONField(default=dict, help_text="What the gate said.")
    promoted = models.BooleanField(default=False)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+", help_text="Of its step.")
    tries = models.PositiveSmallIntegerField(default=0, help_text="How often the gate was asked.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project"], name="one_pipeline_at_a_time", condition=Q(state=PipelineState.RUNNING)
            ),
            models.CheckConstraint(condition=Q(state__in=PipelineState.values), name="pipeline_state_known"),
            models.CheckConstraint(condition=Q(step__in=Step.values), name="pipeline_step_known"),
            models.CheckConstraint(
                condition=Q(state=PipelineState.RUNNING, finished_at=None)
                | ~Q(state=PipelineState.RUNNING) & Q(finished_at__isnull=False),
                name="pipeline_ended_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(trains=True) | Q(promotes=False), name="pipeline_promotes_what_it_trains"
            ),
            models.CheckConstraint(
                condition=Q(promoted=False) | Q(promotes=True, state=PipelineState.DONE),
                name="pipeline_promotes_at_its_end",
            ),
        ]

    def __str__(self) -> str:
        return f"pipeline {self.pk}"
