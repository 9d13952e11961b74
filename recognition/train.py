"""Trains a head over frozen embeddings on a version's training faces. Workers only."""

import hashlib

from django.utils import timezone

from jobs.errors import JobFailed
from jobs.work import Work
from labelling import storage
from recognition.environment import environment_with
from recognition.heads import CannotTrain, EpochReport, HeadParams, train_arcface_head
from recognition.labelled_faces import load_faces
from recognition.models import Model, Run, RunState
from recognition.runs import RECIPES, has_test_faces, start_evaluation


def train(run: Run, work: Work) -> dict:
    """Train, register the model by the hash of its bytes, and ask for its evaluation. Repeatable to the bit."""
    if run.state == RunState.DONE:
        return run.metrics
    embedder = run.project.settings.embedder
    params = HeadParams(epochs=run.params["epochs"], seed=run.seed)
    work.progress(done=0, total=params.epochs, message="Gathering faces")
    faces = load_faces(run.version, embedder)
    training, validation = faces.where("train"), faces.where("val")
    watch = LiveCurves(run, work)
    try:
        head = train_arcface_head(
            training.vectors,
            training.names,
            validation.vectors,
            validation.names,
            params=params,
            on_epoch=watch,
        )
    except CannotTrain as error:
        raise JobFailed(str(error)) from error
    artifact = head.to_bytes()
    digest = hashlib.sha256(artifact).hexdigest()
    key = f"projects/{run.project_id}/models/{digest}.safetensors"
    storage.put(key, artifact)
    run.curves, run.metrics, run.environment = watch.curves, head.metadata, environment_with(embedder)
    with work.chunk(0):
        evaluation = _register(run, key, digest, embedder)
    if run.params.get("then_evaluate") and evaluation is None:
        work.log("The version has no test faces, so the model was not evaluated.")
    best = head.metadata["best_epoch"]
    return {
        "model_sha256": digest,
        "evaluation": evaluation.pk if evaluation else None,
        "said": f"Epoch {best} was best." if best else "No epoch was better than the frozen embedding.",
    }


class LiveCurves:
    """Writes each epoch's loss and validation figures to the run, so that its page can draw them."""

    def __init__(self, run: Run, work: Work):
        self.run, self.work = run, work
        self.curves: dict[str, list] = {"epochs": [], "loss": [], "val_recognition_rate": [], "val_map": []}

    def __call__(self, report: EpochReport) -> None:
        self.curves["epochs"].append(report.epoch)
        self.curves["loss"].append(report.loss)
        self.curves["val_recognition_rate"].append(report.recognition_rate)
        self.curves["val_map"].append(report.mean_ap)
        loss = "" if report.loss is None else f", loss {report.loss:.3f}"
        self.work.progress(done=report.epoch, message=f"Epoch {report.epoch}{loss}")
        Run.objects.filter(pk=self.run.pk).update(curves=self.curves)


def _register(run: Run, key: str, digest: str, embedder: str) -> Run | None:
    """The model's row, the run's end and the evaluation's beginning, inside one chunk."""
    run.model = Model.objects.create(
        project=run.project,
        name=f"{RECIPES[run.params['recipe']]}, version {run.version.number}",
        kind=run.params["recipe"],
        embedder=embedder,
        version=run.version,
        artifact_key=key,
        artifact_sha256=digest,
    )
    run.state, run.finished_at = RunState.DONE, timezone.now()
    run.save()
    if run.params.get("then_evaluate") and has_test_faces(run.version):
        return start_evaluation(run.version, run.model, by=run.created_by, parent=run)
    return None
