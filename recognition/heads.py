"""A small head over frozen embeddings, trained so that one person's faces move together. Worker-only: torch.

Which loss moves them is the recipe's (losses.py). The head starts as the identity map, and leaves it only for an epoch
whose gain in validation is more than chance: on data too small to learn from it stays the frozen embedding.
"""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from torch.nn import functional

from recognition.checkpoints import (
    BadCheckpoint,
    fingerprint,
    load_checkpoint,
    optimiser_tensors,
    restore_optimiser,
    restore_rng,
    rng_notes,
    save_checkpoint,
)
from recognition.losses import COMPARES_FACES, FACES_A_PERSON, head_loss
from recognition.metrics.gallery import mean_templates
from recognition.preflight import Check, Trial, check_before_training
from recognition.recipe_list import BY_NAME, settled
from recognition.sampling import balanced_batches, batches_of_people
from recognition.trained_head import TrainedHead
from recognition.validation import CannotTrain, EpochReport, Validated, held_back, validated


@dataclass(frozen=True)
class HeadParams:
    """options: what recipe_list says of this recipe, those left out with their defaults.

    The defaults suit embeddings whose faces all lie close together, as dlib's: between two people the cosine is
    about 0.83, within one 0.95, so that a low scale would leave the softmax nothing to tell apart. A small rate
    and margin, because a gain in mAP otherwise costs recognition rate.
    """

    recipe: str = "arcface_head"
    epochs: int = 60
    seed: int = 1
    weight_decay: float = 0.1
    options: dict = field(default_factory=dict)

    def settled(self) -> dict:
        """Everything, each parameter by its name."""
        plain = {name: value for name, value in asdict(self).items() if name != "options"}
        return plain | settled(BY_NAME[self.recipe], self.options)


class Adapter(torch.nn.Module):
    """x + Wx, made unit length again; W starts at zero."""

    def __init__(self, dimensions: int):
        super().__init__()
        self.change = torch.nn.Linear(dimensions, dimensions, bias=False)
        torch.nn.init.zeros_(self.change.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.normalize(x + self.change(x), dim=1)


@dataclass(frozen=True)
class Listeners:
    """Who is told of a training: epochs, what was checked before it, its state after each epoch, from where it goes on
    when it was begun before, and each step where one may take seconds.

    Each may raise to stop.
    """

    epoch: Callable[[EpochReport], None] = lambda report: None
    checks: Callable[[list[Check]], None] = lambda checks: None
    state: Callable[[int, bytes], None] = lambda epoch, data: None
    resumed: Callable[[int], None] = lambda epoch: None
    step: Callable[[], None] = lambda: None


def train_head(
    vectors: np.ndarray,
    names: np.ndarray,
    val_vectors: np.ndarray,
    val_names: np.ndarray,
    *,
    params: HeadParams | None = None,
    tell: Listeners | None = None,
    resume: bytes | None = None,
) -> TrainedHead:
    """Train with the recipe's loss and class-balanced sampling; stop when validation stands still.

    vectors: shape (n, d), unit length; names: shape (n,). The same for validation; where it shows none of the
    people, a quarter of the training faces of everybody with three or more is held back for it.
    resume: what `tell.state` was given; the training goes on from there to the same bits. That of another training
    is left alone. The same input gives the same bits on a CPU.
    Raises CannotTrain for fewer than two people, nobody to validate on, numbers that are none, or a failed check.
    Source: Deng et al., ArcFace, CVPR 2019, and those named in losses.py.
    """
    params = params or HeadParams()
    _must_be_trainable(vectors, names)
    validation = np.isin(val_names, names)
    faces = _Faces(vectors, names, val_vectors[validation], val_names[validation], held_back=False)
    if not validation.any():
        faces = _held_back(vectors, names, params.seed)
    _must_be_finite(faces.val_vectors)
    with repeatable(params.seed):
        training = _Training(faces, params, tell or Listeners())
        training.begin(resume)
        return training.run()


@dataclass(frozen=True, eq=False)
class _Faces:
    vectors: np.ndarray
    names: np.ndarray
    val_vectors: np.ndarray
    val_names: np.ndarray
    held_back: bool


def _held_back(vectors: np.ndarray, names: np.ndarray, seed: int) -> _Faces:
    validation = held_back(names, seed)
    return _Faces(vectors[~validation], names[~validation], vectors[validation], names[validation], held_back=True)


def _must_be_trainable(vectors: np.ndarray, names: np.ndarray) -> None:
    if vectors.ndim != 2 or len(vectors) != len(names):
        raise CannotTrain(f"Embeddings of shape {vectors.shape} do not match {len(names)} names.")
    people = len(np.unique(names))
    if people < 2:
        raise CannotTrain(f"Training needs faces of at least 2 people; there are faces of {people}.")
    _must_be_finite(vectors)


def _must_be_finite(vectors: np.ndarray) -> None:
    if not np.isfinite(vectors).all():
        raise CannotTrain("Some embeddings hold numbers that are not finite; embed those faces again.")


@contextmanager
def repeatable(seed: int, *, threads: int = 1, strict: bool = True):
    """Fixed seed, threads and algorithms, and all three as they were afterwards.

    threads: one sums in one order on any machine. strict: False where some steps have no repeatable way (GPUs).
    """
    before, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    state = torch.get_rng_state()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=not strict)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        torch.use_deterministic_algorithms(deterministic)
        torch.set_rng_state(state)


class _Training:
    """One training as it goes: the adapter, its loss, the optimiser, and what validation said so far."""

    def __init__(self, faces: _Faces, params: HeadParams, tell: Listeners):
        self.faces, self.params, self.tell = faces, params, tell
        self.settings = params.settled()
        classes, self.codes = np.unique(faces.names, return_inverse=True)
        if params.recipe in COMPARES_FACES and np.bincount(self.codes).max() < 2:
            raise CannotTrain("This recipe compares faces of one person, and nobody has two. Label more photos.")
        self.x, self.y = torch.from_numpy(faces.vectors.astype(np.float32)), torch.from_numpy(self.codes)
        self.adapter = Adapter(self.x.shape[1])
        self.loss = head_loss(params.recipe, len(classes), self.x.shape[1], self.settings)
        templates = mean_templates(faces.vectors, faces.names)[1].astype(np.float32)
        self.loss.start_at(torch.from_numpy(templates))
        self.optimiser = torch.optim.AdamW(
            [*self.adapter.parameters(), *self.loss.module.parameters()],
            lr=self.settings["learning_rate"], weight_decay=params.weight_decay,
        )  # fmt: skip
        self.rng = np.random.default_rng(params.seed)
        self.of = fingerprint(self.settings, faces.vectors, faces.names, faces.val_vectors, faces.val_names)
        self.reports: list[EpochReport] = []

    def begin(self, resume: bytes | None) -> None:
        """Go on from a checkpoint, or check everything and validate the frozen embedding."""
        if resume is not None:
            try:
                return self._restore(*load_checkpoint(resume, self.of))
            except BadCheckpoint:
                pass  # from other faces or parameters: nothing of it can be used
        self._check()
        self.start = self.kept = self.best = _validated(0, None, self.adapter, self.faces)
        self.weight = self.adapter.change.weight.detach().clone()
        self._told(self.start)

    def run(self) -> TrainedHead:
        while not self._is_over():
            epoch = self.reports[-1].epoch + 1
            now = _validated(epoch, self._one_epoch(), self.adapter, self.faces)
            if now.report.mean_ap > self.kept.report.mean_ap and now.surely_better_than(self.start):
                self.kept, self.weight = now, self.adapter.change.weight.detach().clone()
            if now.report.mean_ap > self.best.report.mean_ap:
                self.best = now
            self._told(now)
        epochs = self.reports[-1].epoch
        return TrainedHead(
            self.weight.numpy(), _metadata(self.settings, self.faces, self.start.report, self.kept.report, epochs)
        )

    def _is_over(self) -> bool:
        epoch = self.reports[-1].epoch
        return epoch >= self.params.epochs or epoch - self.best.report.epoch >= self.settings["patience"]

    def _told(self, now: Validated) -> None:
        self.reports.append(now.report)
        self.tell.epoch(now.report)
        self.tell.state(now.report.epoch, self._saved())

    def _one_epoch(self) -> float:
        """Returns the mean loss."""
        total = seen = 0.0
        for rows in self._batches():
            chosen = torch.from_numpy(rows)
            self.optimiser.zero_grad()
            value = self.loss(self.adapter(self.x[chosen]), self.y[chosen])
            value.backward()
            self.optimiser.step()
            total, seen = total + value.item() * len(rows), seen + len(rows)
        return total / seen

    def _batches(self):
        size = self.settings["batch_size"]
        if self.loss.centres:
            return balanced_batches(self.codes, size, self.rng)
        return batches_of_people(self.codes, size, FACES_A_PERSON, self.rng)

    def _check(self) -> None:
        rows = _trial_rows(self.codes, self.faces.vectors)
        trial = Trial(
            model=self.adapter, loss=self.loss, inputs=self.x[rows], labels=self.y[rows],
            classes=int(self.codes.max()) + 1, batch_size=min(self.settings["batch_size"], len(self.codes)),
            unit_length=True,
        )  # fmt: skip
        checks = check_before_training(trial, self.params.seed)
        self.tell.checks(checks)
        if failed := [check for check in checks if not check.passed]:
            raise CannotTrain(f"Checked before training, and stopped: {failed[0].name}. {failed[0].said}")

    def _saved(self) -> bytes:
        tensors = {f"adapter.{name}": tensor for name, tensor in self.adapter.state_dict().items()}
        tensors |= {f"loss.{name}": tensor for name, tensor in self.loss.module.state_dict().items()}
        tensors |= optimiser_tensors(self.optimiser)
        tensors |= {"weight": self.weight, "torch_rng": torch.get_rng_state()}
        notes = {"reports": [asdict(report) for report in self.reports], "rng": rng_notes(self.rng)}
        for name in ("start", "kept", "best"):
            judged: Validated = getattr(self, name)
            tensors[f"aps.{name}"] = torch.from_numpy(judged.aps)
            notes[name] = judged.report.epoch
        return save_checkpoint(tensors, notes, self.of)

    def _restore(self, tensors: dict[str, torch.Tensor], notes: dict) -> None:
        self.adapter.load_state_dict(_under("adapter.", tensors))
        self.loss.module.load_state_dict(_under("loss.", tensors))
        restore_optimiser(self.optimiser, tensors)
        restore_rng(self.rng, notes["rng"])
        torch.set_rng_state(tensors["torch_rng"])
        self.weight = tensors["weight"]
        self.reports = [EpochReport(**report) for report in notes["reports"]]
        for name in ("start", "kept", "best"):
            setattr(self, name, Validated(self.reports[notes[name]], tensors[f"aps.{name}"].numpy()))
        self.tell.resumed(self.reports[-1].epoch)
        for report in self.reports:
            self.tell.epoch(report)


def _under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _trial_rows(codes: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Up to 32 faces of up to 8 people, no two of which are the same face: one under two names cannot be learnt."""
    _, first = np.unique(vectors, axis=0, return_index=True)
    first = np.sort(first)
    counts = np.bincount(codes[first])
    people = np.sort(np.argsort(-counts, kind="stable")[:8])
    rows = [first[codes[first] == code][:4] for code in people]
    return np.concatenate(rows)


def _validated(epoch: int, loss: float | None, adapter: Adapter, faces: _Faces) -> Validated:
    with torch.no_grad():
        gallery = adapter(torch.from_numpy(faces.vectors.astype(np.float32))).numpy()
        probes = adapter(torch.from_numpy(faces.val_vectors.astype(np.float32))).numpy()
    return validated(epoch, loss, gallery, faces.names, probes, faces.val_names)


def _metadata(settings: dict, faces: _Faces, start: EpochReport, kept: EpochReport, epochs: int) -> dict:
    return {
        "params": settings,
        "people": len(np.unique(faces.names)),
        "epochs_run": epochs,
        "best_epoch": kept.epoch,
        "validation": "training faces held back" if faces.held_back else "validation faces",
        "val_recognition_rate": kept.recognition_rate,
        "val_map": kept.mean_ap,
        "start": {"val_recognition_rate": start.recognition_rate, "val_map": start.mean_ap},
    }
