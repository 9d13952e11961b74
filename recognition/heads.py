"""A small head over frozen embeddings, trained so that one person's faces move together. Worker-only: torch.

The head starts as the identity map. It leaves it only for an epoch whose gain in validation is more than chance:
on data too small to learn from it stays the frozen embedding, bit for bit.
"""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np
import torch
from pytorch_metric_learning.losses import ArcFaceLoss
from torch.nn import functional

from recognition.metrics.average_precision import per_identity_ap
from recognition.metrics.gallery import IdentityScores, mean_templates
from recognition.metrics.identification import closed_set_identification
from recognition.trained_head import TrainedHead


class CannotTrain(ValueError):
    """The faces given cannot train a head; the message says why."""


@dataclass(frozen=True)
class HeadParams:
    """margin: degrees added to the angle to one's own class. scale: inverse temperature of the softmax.

    The defaults suit embeddings whose faces all lie close together, as dlib's: between two people the cosine is
    about 0.83, within one 0.95, so that a low scale would leave the softmax nothing to tell apart. A small rate
    and margin, because a gain in mAP otherwise costs recognition rate.
    """

    epochs: int = 60
    seed: int = 1
    learning_rate: float = 3e-4
    weight_decay: float = 0.1
    margin: float = 10.0
    scale: float = 64.0
    batch_size: int = 64
    patience: int = 12


@dataclass(frozen=True)
class EpochReport:
    """Figures on the validation faces. Epoch 0 is the frozen embedding itself, before any step; its loss is None."""

    epoch: int
    loss: float | None
    recognition_rate: float
    mean_ap: float


class Adapter(torch.nn.Module):
    """x + Wx, made unit length again; W starts at zero."""

    def __init__(self, dimensions: int):
        super().__init__()
        self.change = torch.nn.Linear(dimensions, dimensions, bias=False)
        torch.nn.init.zeros_(self.change.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.normalize(x + self.change(x), dim=1)


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

    vectors: shape (n, d), unit length; names: shape (n,). The same for validation; where it shows none of the
    people, a quarter of the training faces of everybody with three or more is held back for it. `on_epoch` may
    raise to stop. The same input gives the same bits on a CPU.
    Raises CannotTrain for fewer than two people, nobody to validate on, or numbers that are none.
    Source: Deng et al., ArcFace, CVPR 2019.
    """
    params = params or HeadParams()
    _must_be_trainable(vectors, names)
    validation = np.isin(val_names, names)
    faces = _Faces(vectors, names, val_vectors[validation], val_names[validation], held_back=False)
    if not validation.any():
        faces = _held_back(vectors, names, params.seed)
    _must_be_finite(faces.val_vectors)
    with _repeatable(params.seed):
        return _train(faces, params, on_epoch or (lambda report: None))


@dataclass(frozen=True, eq=False)
class _Faces:
    vectors: np.ndarray
    names: np.ndarray
    val_vectors: np.ndarray
    val_names: np.ndarray
    held_back: bool


def _held_back(vectors: np.ndarray, names: np.ndarray, seed: int) -> _Faces:
    rng = np.random.default_rng(seed)
    validation = np.zeros(len(names), dtype=bool)
    for name in np.unique(names):
        own = rng.permutation(np.flatnonzero(names == name))
        validation[own[: len(own) // 4 if len(own) >= 4 else len(own) // 3]] = True
    if not validation.any():
        raise CannotTrain(
            "There are no validation faces, and nobody has three training faces to hold one back. "
            "Label more photos of each person, or freeze with a validation split."
        )
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


def _train(faces: _Faces, params: HeadParams, on_epoch: Callable[[EpochReport], None]) -> TrainedHead:
    classes, codes = np.unique(faces.names, return_inverse=True)
    x, y = torch.from_numpy(faces.vectors.astype(np.float32)), torch.from_numpy(codes)
    adapter = Adapter(x.shape[1])
    loss = ArcFaceLoss(len(classes), x.shape[1], margin=params.margin, scale=params.scale)
    with torch.no_grad():  # classes start where their faces are, so the first steps do not tear the space apart
        loss.W.copy_(torch.from_numpy(mean_templates(faces.vectors, faces.names)[1].astype(np.float32)).T)
    optimiser = torch.optim.AdamW(
        [*adapter.parameters(), *loss.parameters()], lr=params.learning_rate, weight_decay=params.weight_decay
    )
    rng = np.random.default_rng(params.seed)
    start = kept = best = _validated(0, None, adapter, faces)
    weight = adapter.change.weight.detach().clone()
    on_epoch(start.report)
    for epoch in range(1, params.epochs + 1):
        mean_loss = _one_epoch(adapter, loss, optimiser, x, y, codes, rng, params)
        now = _validated(epoch, mean_loss, adapter, faces)
        on_epoch(now.report)
        if now.report.mean_ap > kept.report.mean_ap and now.surely_better_than(start):
            kept, weight = now, adapter.change.weight.detach().clone()
        if now.report.mean_ap > best.report.mean_ap:
            best = now
        elif epoch - best.report.epoch >= params.patience:
            break
    return TrainedHead(weight.numpy(), _metadata(params, faces, start.report, kept.report, now.report.epoch))


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


@dataclass(frozen=True, eq=False)
class _Validated:
    """aps: AP of each validated person, in the same order at every epoch."""

    report: EpochReport
    aps: np.ndarray

    def surely_better_than(self, other: "_Validated") -> bool:
        """More mAP by two standard errors of the paired difference, and no loss of recognition rate.

        Without this, the best of dozens of epochs is often one that a single lucky face made best.
        """
        gain = self.aps - other.aps
        error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.inf
        return bool(gain.mean() > 2 * error) and self.report.recognition_rate >= other.report.recognition_rate


def _validated(epoch: int, loss: float | None, adapter: Adapter, faces: _Faces) -> _Validated:
    with torch.no_grad():
        gallery = adapter(torch.from_numpy(faces.vectors.astype(np.float32))).numpy()
        probes = adapter(torch.from_numpy(faces.val_vectors.astype(np.float32))).numpy()
    people, templates = mean_templates(gallery, faces.names)
    scores = IdentityScores(people, probes.astype(np.float64) @ templates.T)
    rate = closed_set_identification(scores, faces.val_names).recognition_rate
    mean_ap = per_identity_ap(scores, faces.val_names, min_probes=1)
    aps = np.array([identity.ap for identity in mean_ap.identities])
    return _Validated(EpochReport(epoch, loss, rate, mean_ap.macro), aps)


def _metadata(params: HeadParams, faces: _Faces, start: EpochReport, kept: EpochReport, epochs: int) -> dict:
    return {
        "params": asdict(params),
        "people": len(np.unique(faces.names)),
        "epochs_run": epochs,
        "best_epoch": kept.epoch,
        "validation": "training faces held back" if faces.held_back else "validation faces",
        "val_recognition_rate": kept.recognition_rate,
        "val_map": kept.mean_ap,
        "start": {"val_recognition_rate": start.recognition_rate, "val_map": start.mean_ap},
    }
