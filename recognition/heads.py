"""A small head over frozen embeddings, trained so that one person's faces move together. Worker-only: torch.

The head starts as the identity map and keeps the best epoch by validation, the zeroth included: on data too
small to learn from it is as good as the frozen embedding, never worse on validation.
"""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from pytorch_metric_learning.losses import ArcFaceLoss
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch.nn import functional

from recognition.metrics.average_precision import per_identity_ap
from recognition.metrics.gallery import IdentityScores, mean_templates
from recognition.metrics.identification import closed_set_identification


class CannotTrain(ValueError):
    """The faces given cannot train a head; the message says why."""


class BadHead(ValueError):
    """These bytes are no head that Facet wrote."""


@dataclass(frozen=True)
class HeadParams:
    """margin: degrees added to the angle to one's own class. scale: inverse temperature of the softmax."""

    epochs: int = 60
    seed: int = 1
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    margin: float = 20.0
    scale: float = 16.0
    batch_size: int = 64
    patience: int = 12


@dataclass(frozen=True)
class EpochReport:
    """Epoch 0 is the frozen embedding itself, before any step; its loss is None."""

    epoch: int
    loss: float | None
    recognition_rate: float | None
    mean_ap: float | None


class Adapter(torch.nn.Module):
    """x + Wx, made unit length again; W starts at zero."""

    def __init__(self, dimensions: int):
        super().__init__()
        self.change = torch.nn.Linear(dimensions, dimensions, bias=False)
        torch.nn.init.zeros_(self.change.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.normalize(x + self.change(x), dim=1)


@dataclass(frozen=True, eq=False)
class TrainedHead:
    """weight: shape (d, d) float32. metadata: plain values about the training."""

    weight: np.ndarray
    metadata: dict = field(default_factory=dict)

    def project(self, vectors: np.ndarray) -> np.ndarray:
        """vectors: shape (n, d), unit length. Returns the same shape, float32, unit length."""
        moved = vectors + vectors @ self.weight.T
        return (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)

    def to_bytes(self) -> bytes:
        """As safetensors: numbers only, no code. The same head gives the same bytes."""
        tensor = torch.from_numpy(np.ascontiguousarray(self.weight))
        return save_tensors({"adapter.weight": tensor}, {"facet": "residual head 1"})

    @classmethod
    def from_bytes(cls, data: bytes) -> "TrainedHead":
        """Raises BadHead for anything else than what to_bytes wrote."""
        try:
            weight = load_tensors(data)["adapter.weight"].numpy()
        except (SafetensorError, KeyError) as error:
            raise BadHead(f"These bytes are no head that Facet wrote: {error}") from error
        if weight.ndim != 2 or weight.shape[0] != weight.shape[1]:
            raise BadHead(f"A head is a square matrix, but this one has shape {weight.shape}.")
        return cls(weight)


def train_arcface_head(
    vectors: np.ndarray,
    names: np.ndarray,
    val_vectors: np.ndarray,
    val_names: np.ndarray,
    *,
    params: HeadParams | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
) -> TrainedHead:
    """Train with ArcFace and class-balanced sampling; stop when validation stands still.

    vectors: shape (n, d), unit length; names: shape (n,). The same for validation, which may be empty: then
    training loss decides. `on_epoch` may raise to stop. The same input gives the same bits on a CPU.
    Raises CannotTrain for fewer than two people, or numbers that are none.
    Source: Deng et al., ArcFace, CVPR 2019.
    """
    params = params or HeadParams()
    _must_be_trainable(vectors, names)
    with _repeatable(params.seed):
        return _train(vectors, names, val_vectors, val_names, params, on_epoch or (lambda report: None))


def _must_be_trainable(vectors: np.ndarray, names: np.ndarray) -> None:
    people = len(np.unique(names))
    if people < 2:
        raise CannotTrain(f"Training needs faces of at least 2 people; there are faces of {people}.")
    if not np.isfinite(vectors).all():
        raise CannotTrain("Some embeddings hold numbers that are not finite; embed those faces again.")


@contextmanager
def _repeatable(seed: int):
    """Fixed seed, threads and algorithms, and all three as they were afterwards."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    state = torch.get_rng_state()
    torch.set_num_threads(1)  # sums in one order
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)
        torch.set_rng_state(state)


def _train(vectors, names, val_vectors, val_names, params: HeadParams, on_epoch) -> TrainedHead:
    classes, codes = np.unique(names, return_inverse=True)
    x, y = torch.from_numpy(vectors.astype(np.float32)), torch.from_numpy(codes)
    adapter = Adapter(vectors.shape[1])
    loss = ArcFaceLoss(len(classes), vectors.shape[1], margin=params.margin, scale=params.scale)
    with torch.no_grad():  # classes start where their faces are, so the first steps do not tear the space apart
        loss.W.copy_(torch.from_numpy(mean_templates(vectors, names)[1].astype(np.float32)).T)
    optimiser = torch.optim.AdamW(
        [*adapter.parameters(), *loss.parameters()], lr=params.learning_rate, weight_decay=params.weight_decay
    )
    rng = np.random.default_rng(params.seed)
    start = best = _validated(0, None, adapter, vectors, names, val_vectors, val_names)
    weight = adapter.change.weight.detach().clone()
    on_epoch(start)
    for epoch in range(1, params.epochs + 1):
        mean_loss = _one_epoch(adapter, loss, optimiser, x, y, codes, rng, params)
        report = _validated(epoch, mean_loss, adapter, vectors, names, val_vectors, val_names)
        on_epoch(report)
        if _score(report) > _score(best):
            best, weight = report, adapter.change.weight.detach().clone()
        elif epoch - best.epoch >= params.patience:
            break
    return TrainedHead(weight.numpy(), _metadata(params, classes, start, best, epoch))


def _one_epoch(adapter, loss, optimiser, x, y, codes, rng, params: HeadParams) -> float:
    """As many draws as there are faces, every person equally often. Returns the mean loss."""
    order = _balanced(codes, rng)
    total = 0.0
    for start in range(0, len(order), params.batch_size):
        rows = torch.from_numpy(order[start : start + params.batch_size])
        optimiser.zero_grad()
        value = loss(adapter(x[rows]), y[rows])
        value.backward()
        optimiser.step()
        total += value.item() * len(rows)
    return total / len(order)


def _balanced(codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    counts = np.bincount(codes)
    share = 1.0 / counts[codes]
    return rng.choice(len(codes), size=len(codes), p=share / share.sum())


def _validated(epoch, loss, adapter, vectors, names, val_vectors, val_names) -> EpochReport:
    known = np.isin(val_names, names)
    if not known.any():
        return EpochReport(epoch, loss, None, None)
    with torch.no_grad():
        gallery = adapter(torch.from_numpy(vectors.astype(np.float32))).numpy()
        probes = adapter(torch.from_numpy(val_vectors[known].astype(np.float32))).numpy()
    people, templates = mean_templates(gallery, names)
    scores = IdentityScores(people, probes.astype(np.float64) @ templates.T)
    rate = closed_set_identification(scores, val_names[known]).recognition_rate
    return EpochReport(epoch, loss, rate, per_identity_ap(scores, val_names[known], min_probes=1).macro)


def _score(report: EpochReport) -> tuple:
    """mAP moves where the recognition rate already stands at 1. Without validation, the loss decides."""
    if report.mean_ap is None:
        return (-float("inf") if report.loss is None else -report.loss,)
    return (report.mean_ap, report.recognition_rate)


def _metadata(params: HeadParams, classes: np.ndarray, start: EpochReport, best: EpochReport, epochs: int) -> dict:
    return {
        "params": asdict(params),
        "people": len(classes),
        "epochs_run": epochs,
        "best_epoch": best.epoch,
        "val_recognition_rate": best.recognition_rate,
        "val_map": best.mean_ap,
        "start": {"val_recognition_rate": start.recognition_rate, "val_map": start.mean_ap},
    }
