"""Tells experiment trackers what a run does, where an operator set them up: TensorBoard, MLflow, Weights & Biases.

Facet needs none of them. A package is imported when its variable is set and not before. Only numbers and settings
leave, never a person's name or a picture. One that fails is left out for the rest of the run; the run goes on, and its
log says so.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import Protocol

from jobs.work import Work
from recognition.models import Run

SECONDS = 20  # that a server may take to answer, where its package can be told


class Mirror(Protocol):
    """Made with the place it was given, a name, a group and settings. Any of it may raise whatever it likes."""

    def log(self, figures: Mapping[str, float], step: int) -> None: ...

    def end(self, finished: bool) -> None: ...


class TensorBoard:
    """Event files in a folder of their own for each run."""

    def __init__(self, place: str, name: str, group: str, params: Mapping[str, object]):
        from torch.utils.tensorboard import SummaryWriter

        # A run that goes on tells its epochs again: what was written from there is void.
        self.writer = SummaryWriter(str(Path(place) / group / name), purge_step=0)
        self.writer.add_text("settings", "\n".join(f"- {key}: {value}" for key, value in params.items()))

    def log(self, figures: Mapping[str, float], step: int) -> None:
        for name, value in figures.items():
            self.writer.add_scalar(name, value, step)
        self.writer.flush()

    def end(self, finished: bool) -> None:
        self.writer.close()


class Mlflow:
    """An experiment for each project; a run that goes on is found again by its tag."""

    def __init__(self, place: str, name: str, group: str, params: Mapping[str, object]):
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(SECONDS))
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        from mlflow import MlflowClient

        self.client = MlflowClient(tracking_uri=place)
        known = self.client.get_experiment_by_name(f"facet/{group}")
        experiment = known.experiment_id if known else self.client.create_experiment(f"facet/{group}")
        found = self.client.search_runs([experiment], filter_string=f"tags.facet_run = '{name}'", max_results=1)
        run = found[0] if found else self.client.create_run(experiment, tags={"facet_run": name}, run_name=name)
        self.run_id = run.info.run_id
        for key, value in params.items():
            self.client.log_param(self.run_id, key, value)

    def log(self, figures: Mapping[str, float], step: int) -> None:
        for name, value in figures.items():
            self.client.log_metric(self.run_id, name, value, step=step)

    def end(self, finished: bool) -> None:
        self.client.set_terminated(self.run_id, "FINISHED" if finished else "FAILED")


class WeightsAndBiases:
    """place: `project` or `entity/project`; the key is where the package looks for it."""

    def __init__(self, place: str, name: str, group: str, params: Mapping[str, object]):
        import wandb

        entity, _, project = place.rpartition("/")
        self.run = wandb.init(
            entity=entity or None, project=project, id=f"{group}-{name}", name=f"{group} {name}", group=group,
            config=dict(params), resume="allow", dir=gettempdir(),
            settings={"console": "off", "init_timeout": SECONDS, "disable_git": True},
        )  # fmt: skip

    def log(self, figures: Mapping[str, float], step: int) -> None:
        self.run.log(dict(figures), step=step)

    def end(self, finished: bool) -> None:
        self.run.finish(exit_code=0 if finished else 1)


KINDS: dict[str, tuple[str, Callable[..., Mirror]]] = {
    "FACET_TENSORBOARD_DIR": ("TensorBoard", TensorBoard),
    "FACET_MLFLOW_URI": ("MLflow", Mlflow),
    "FACET_WANDB_PROJECT": ("Weights & Biases", WeightsAndBiases),
}


class Mirrors:
    """All that are set up, as one. `say` hears of those that fail; nothing here ever raises."""

    def __init__(self, name: str, group: str, params: Mapping[str, object], say: Callable[[str], None]):
        self.say = say
        self.open: dict[str, Mirror] = {}
        for variable, (title, kind) in KINDS.items():
            if place := os.environ.get(variable, "").strip():
                self._open(variable, title, kind, place, (name, group, params))

    def _open(self, variable: str, title: str, kind: Callable[..., Mirror], place: str, what: tuple) -> None:
        try:
            self.open[title] = kind(place, *what)
        except ImportError as error:
            self.say(f"{variable} is set, but {title} is not installed here ({error}); it hears nothing of this run.")
        except Exception as error:
            self._failed(title, error)

    def log(self, figures: Mapping[str, float | None], step: int = 0) -> None:
        known = {name: float(value) for name, value in figures.items() if value is not None}
        self._each(lambda mirror: mirror.log(known, step))

    def end(self, *, finished: bool) -> None:
        self._each(lambda mirror: mirror.end(finished))
        self.open = {}

    def _each(self, tell: Callable[[Mirror], None]) -> None:
        for title, mirror in list(self.open.items()):
            try:
                tell(mirror)
            except Exception as error:
                del self.open[title]
                self._failed(title, error)

    def _failed(self, title: str, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"
        for variable in KINDS:  # an address may hold a password
            text = text.replace(os.environ.get(variable, "").strip() or "\0", f"${variable}")
        self.say(f"{title} could not be told of this run, which goes on without it. {text[:300]}")


@contextmanager
def mirrored(run: Run, work: Work) -> Iterator[Mirrors]:
    """Open while the block runs; a block that raises ends them as failed."""
    mirrors = Mirrors(f"{run.kind}-{run.pk}", run.project.slug, _settings(run), work.log)
    finished = False
    try:
        yield mirrors
        finished = True
    finally:
        mirrors.end(finished=finished)


def _settings(run: Run) -> dict[str, object]:
    """What makes the run repeatable, flat."""
    plain = {name: value for name, value in run.params.items() if name != "options"}
    version = {"version": run.version.number, "content_hash": run.version.content_hash}
    return {**plain, **(run.params.get("options") or {}), "seed": run.seed, **version}
