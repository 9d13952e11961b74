"""Trains by a recipe on a version's faces. Workers only."""

import hashlib
from dataclasses import dataclass

from django.utils import timezone

from jobs.errors import JobFailed
from jobs.work import Work
from labelling import storage
from recognition.embedders import FacenetEmbedder, WeightsUnavailable
from recognition.environment import environment_with
from recognition.face_crops import colour_squares, with_crops
from recognition.finetune import Pixels, fine_tune
from recognition.heads import CannotTrain, EpochReport, HeadParams, Listeners, train_head
from recognition.labelled_faces import LabelledFaces, load_faces
from recognition.mirrors import Mirrors, mirrored
from recognition.models import Model, Run, RunState
from recognition.parameter_search import ParameterSearch
from recognition.pipelines import run_done
from recognition.preflight import Check, as_rows
from recognition.recipe_list import BY_NAME, Recipe, settled
from recognition.recipes import module_of
from recognition.recipes.scorer import CannotFit, Fitted
from recognition.run_state import RunCheckpoints
from recognition.runs import best_trial, has_test_faces, start_evaluation


def train(run: Run, work: Work) -> dict:
    """Train, register the model by the hash of its bytes, and ask for its evaluation. Repeatable to the bit.

    Where a worker was killed the next one goes on from the last epoch, to the same bits.
    """
    if run.state == RunState.DONE:
        return run.metrics
    recipe, embedder = BY_NAME[run.params["recipe"]], run.project.settings.embedder
    work.progress(done=0, message="Gathering faces")
    faces = load_faces(run.version, embedder)
    with mirrored(run, work) as mirrors:
        try:
            fitted = _fitted(_Task(recipe, run, faces, work, mirrors))
        except (CannotTrain, CannotFit, WeightsUnavailable) as error:
            raise JobFailed(str(error)) from error
    digest = hashlib.sha256(fitted.artifact).hexdigest()
    key = f"projects/{run.project_id}/models/{digest}.safetensors"
    storage.put(key, fitted.artifact)
    run.metrics, run.environment = fitted.notes, environment_with(embedder)
    with work.chunk(0):
        evaluation = _register(run, key, digest, embedder)
    RunCheckpoints(run, work).forget()
    if run.params.get("then_evaluate") and evaluation is None:
        work.log("The version has no test faces, so the model was not evaluated.")
    return {
        "model_sha256": digest,
        "evaluation": evaluation.pk if evaluation else None,
        "said": _said(recipe, fitted.notes),
    }


@dataclass(frozen=True, eq=False)
class _Task:
    """What is to be trained, on what, and who is told."""

    recipe: Recipe
    run: Run
    faces: LabelledFaces
    work: Work
    mirrors: Mirrors

    @property
    def options(self) -> dict:
        return self.run.params.get("options") or {}

    def watch(self, *, before: int = 0, words: str = "") -> "LiveCurves":
        return LiveCurves(self.run, self.work, self.mirrors, before=before, words=words)


def _fitted(task: _Task) -> Fitted:
    if task.recipe.is_baseline:
        return _fit(task)
    return _trained_head(task) if task.recipe.is_head else _tuned(task)


def _tuned(task: _Task) -> Fitted:
    """FaceNet itself goes on learning, from pixels."""
    run, work = task.run, task.work
    pretrained = FacenetEmbedder(device="cpu")
    pretrained.load()  # before any work: without its weights there is nothing to do
    settings = {"epochs": run.params["epochs"], "seed": run.seed, **settled(task.recipe, task.options)}
    chosen = task.faces.where("train", "val")
    squares = colour_squares(
        chosen, run.version, settings["side"],
        lambda done, total: work.progress(message=f"Cutting faces out of photo {done:,} of {total:,}"),
    )  # fmt: skip
    checkpoints, watch = RunCheckpoints(run, work), task.watch()
    work.progress(total=settings["epochs"], message="Checking before training")
    tuned = fine_tune(
        pretrained.network,
        Pixels(squares, chosen.names, chosen.splits == "val"),
        settings=settings,
        tell=_listeners(task, watch, checkpoints),
        resume=checkpoints.last(),
    )
    run.curves = watch.curves
    data = module_of(task.recipe.name).artifact(tuned.weights, settings["side"])
    return Fitted(data, {**tuned.metadata, "pretrained": pretrained.describe()})


def _listeners(task: _Task, watch: "LiveCurves", checkpoints: RunCheckpoints) -> Listeners:
    run, work = task.run, task.work
    return Listeners(
        epoch=watch,
        checks=lambda checks: _keep(run, checks),
        state=checkpoints,
        resumed=lambda epoch: work.log(f"Going on after epoch {epoch}, where an earlier worker stopped."),
        step=work.check,
    )


def _trained_head(task: _Task) -> Fitted:
    """With the parameters asked for, or those of the best trial of a search."""
    run, trials = task.run, task.run.params.get("trials") or 0
    task.work.progress(total=(trials + 1) * run.params["epochs"], message="Checking before training")
    if not trials:
        return _one_head(task, task.options, task.watch())
    fitted = _one_head(task, _searched(task), task.watch(before=trials, words="Best trial: "))
    return Fitted(fitted.artifact, {**fitted.notes, "trials": trials, "best_trial": best_trial(run.trials)["number"]})


def _searched(task: _Task) -> dict:
    """The options with what the best trial found. A trial is written down when it has ended: whoever takes the job over
    goes on with the next one, or in the middle of the one that was cut off.
    """
    run, options = task.run, task.options
    search = ParameterSearch(task.recipe, run.params["searched"], run.seed, run.trials)
    for number in range(len(run.trials) + 1, run.params["trials"] + 1):
        words = f"Trial {number} of {run.params['trials']}: "
        watch = task.watch(before=number - 1, words=words)
        tried = search.next(options)
        try:
            figures = _one_head(task, options | tried, watch).notes
        except CannotTrain as error:
            search.failed(number, tried, str(error))
        else:
            search.done(number, tried, figures)
        run.trials = search.trials
        with task.work.chunk(0):
            Run.objects.filter(pk=run.pk).update(trials=run.trials)
    best = best_trial(run.trials)
    if best is None:
        raise CannotTrain(f"None of {len(run.trials)} trials could be trained. {run.trials[0]['said']}")
    return options | best["params"]


def _one_head(task: _Task, options: dict, watch: "LiveCurves") -> Fitted:
    run, training, validation = task.run, task.faces.where("train"), task.faces.where("val")
    checkpoints = RunCheckpoints(run, task.work)
    params = HeadParams(recipe=task.recipe.name, epochs=run.params["epochs"], seed=run.seed, options=options)
    head = train_head(
        training.vectors,
        training.names,
        validation.vectors,
        validation.names,
        params=params,
        tell=_listeners(task, watch, checkpoints),
        resume=checkpoints.last(),
    )
    run.curves = watch.curves
    return Fitted(head.to_bytes(), head.metadata)


def _fit(task: _Task) -> Fitted:
    """Baselines have no epochs to choose from: they learn from training and validation faces alike."""
    recipe, run, work = task.recipe, task.run, task.work
    gallery = task.faces.where("train", "val")
    if not len(gallery):
        raise CannotFit("This version has no training faces. Name more and freeze.")
    if recipe.sees == "crop":
        gallery = with_crops(
            gallery, run.version, lambda done, total: work.progress(done=done, total=total, message="Cutting faces out")
        )
    work.progress(message="Fitting")
    fitted = module_of(recipe.name).fit(gallery, task.options, run.seed)
    params = {"recipe": recipe.name, "seed": run.seed, **task.options}
    return Fitted(fitted.artifact, {"params": params, "people": len(set(gallery.names.tolist())), **fitted.notes})


def _said(recipe: Recipe, notes: dict) -> str:
    if recipe.is_baseline:
        return f"{recipe.title} is ready."
    best = notes["best_epoch"]
    trial = f"Trial {notes['best_trial']} of {notes['trials']} was best. " if "best_trial" in notes else ""
    return trial + (f"Epoch {best} was best." if best else "No epoch was better than the start.")


def _keep(run: Run, checks: list[Check]) -> None:
    """At once, so that the page of a run that was stopped by one shows which."""
    run.preflight = as_rows(checks)
    Run.objects.filter(pk=run.pk).update(preflight=run.preflight)


class LiveCurves:
    """Writes each epoch's loss and validation figures to the run, so that its page can draw them.

    before: how many trainings of this run came before; words: what this one is.
    """

    def __init__(self, run: Run, work: Work, mirrors: Mirrors, *, before: int = 0, words: str = ""):
        self.run, self.work, self.mirrors = run, work, mirrors
        self.before, self.words = before * run.params["epochs"], words
        self.curves: dict[str, list] = {"epochs": [], "loss": [], "val_recognition_rate": [], "val_map": []}

    def __call__(self, report: EpochReport) -> None:
        self.curves["epochs"].append(report.epoch)
        self.curves["loss"].append(report.loss)
        self.curves["val_recognition_rate"].append(report.recognition_rate)
        self.curves["val_map"].append(report.mean_ap)
        loss = "" if report.loss is None else f", loss {report.loss:.3f}"
        self.work.progress(done=self.before + report.epoch, message=f"{self.words}Epoch {report.epoch}{loss}")
        Run.objects.filter(pk=self.run.pk).update(curves=self.curves)
        figures = {"loss": report.loss, "val/map": report.mean_ap, "val/recognition_rate": report.recognition_rate}
        self.mirrors.log(figures, self.before + report.epoch)


def _register(run: Run, key: str, digest: str, embedder: str) -> Run | None:
    """The model's row, the run's end and the evaluation's beginning, inside one chunk."""
    run.model = Model.objects.create(
        project=run.project,
        name=f"{BY_NAME[run.params['recipe']].title}, version {run.version.number}",
        kind=run.params["recipe"],
        embedder=embedder,
        version=run.version,
        artifact_key=key,
        artifact_sha256=digest,
    )
    run.state, run.finished_at, run.checkpoint = RunState.DONE, timezone.now(), {}
    run.save()
    run_done(run)
    if run.params.get("then_evaluate") and has_test_faces(run.version):
        return start_evaluation(run.version, run.model, by=run.created_by, parent=run)
    return None
