"""The model in production: its head over the frozen embedding, as whatever compares faces uses it. numpy only."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from jobs.errors import JobFailed, TryLater
from labelling import storage
from labelling.models import Project
from recognition.models import Model, Stage
from recognition.recipe_list import BASELINES, BY_NAME, TITLES
from recognition.trained_head import BadHead, TrainedHead

SHORT = 8  # digits of a model's hash that its suggestions carry


class CannotServe(RuntimeError):
    """The production model's file cannot be used; the message says what to do."""


@dataclass(frozen=True, eq=False)
class Served:
    """What stands between the frozen embedding and whatever compares faces."""

    model: int
    sha256: str
    head: TrainedHead

    def project(self, vectors: np.ndarray) -> np.ndarray:
        """vectors: shape (n, d), unit length; the same shape comes back, also for none."""
        return self.head.project(vectors) if len(vectors) else vectors


def served_model(project: Project) -> Model | None:
    """The model that serves, if one is in production and stands on the project's present embedder."""
    return Model.objects.filter(project=project, stage=Stage.PRODUCTION, embedder=project.settings.embedder).first()


def served_now(project: Project) -> Served | None:
    """What serves the project, None for the frozen embedding. For jobs: raises JobFailed or TryLater."""
    model = served_model(project)
    if model is None:
        return None
    try:
        return Served(model.pk, model.artifact_sha256, head_of(model))
    except CannotServe as error:
        raise JobFailed(str(error)) from error
    except storage.StoreAway as error:
        raise TryLater("The object store does not answer.") from error


def through(served: Served | None, vectors: np.ndarray) -> np.ndarray:
    """Vectors as they are compared now: the frozen ones themselves where no model serves."""
    return vectors if served is None else served.project(vectors)


def head_of(model: Model) -> TrainedHead:
    """The model's head, read once in each process. Raises CannotServe, or StoreAway while the store is away."""
    try:
        return _read(model.artifact_key, model.artifact_sha256)
    except (storage.ObjectMissing, BadHead) as error:
        raise CannotServe(
            f"The model “{model.name}” (model {model.pk}) cannot be read: {error} Roll back, or train it again."
        ) from error


@lru_cache(maxsize=8)
def _read(key: str, sha256: str) -> TrainedHead:
    data = storage.get(key)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise BadHead("Its bytes are not those that were trained.")
    return TrainedHead.from_bytes(data)


def forget() -> None:
    """Read the files again when they are asked for."""
    _read.cache_clear()


def why_unfit(model: Model, *, look_at_file: bool = True) -> str:
    """Why the model could not serve its project, in a sentence; empty when it can."""
    if model.kind in BASELINES:
        return f"“{TITLES[model.kind]}” is a baseline to hold models against; it does not serve."
    if model.kind in BY_NAME and not BY_NAME[model.kind].is_head:
        return (
            f"“{TITLES[model.kind]}” makes vectors of its own, and all faces are described by "
            f"“{model.project.settings.embedder}”. It can be evaluated; what serves is a head."
        )
    embedder = model.project.settings.embedder
    if model.embedder != embedder:
        return f"It stands on the embedder “{model.embedder}”; this project's faces are described by “{embedder}”."
    if look_at_file:
        try:
            head_of(model)
        except CannotServe as error:
            return str(error)
    return ""
