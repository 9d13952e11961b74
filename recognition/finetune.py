"""Goes on training FaceNet on a version's own faces: its last layer first, then all of it. Worker-only.

Each epoch sees every person alike (sampling.py), and faces mirrored, moved a little, brighter and darker. ArcFace pulls
a person's faces together; its centres start where FaceNet itself puts them.
Source: Schroff et al., FaceNet, CVPR 2015; Deng et al., ArcFace, CVPR 2019; for the order of layers Howard and Ruder,
Universal language model fine-tuning, ACL 2018.
"""

import os
from dataclasses import asdict, dataclass

import cv2
import numpy as np
import torch

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
from recognition.embedders import as_input
from recognition.heads import Listeners, repeatable
from recognition.losses import head_loss
from recognition.metrics.gallery import mean_templates
from recognition.preflight import Trial, check_before_training
from recognition.sampling import balanced_batches
from recognition.validation import CannotTrain, EpochReport, Validated, held_back, validated

LAST_LAYER = ("last_linear", "last_bn")  # of InceptionResnetV1
FASTER = 10.0  # steps of the last layer and of the people's centres, which have most to learn
WEIGHT_DECAY = 5e-4
SMALLEST_CROP = 0.88  # of a side
BRIGHTNESS = 0.2
CHECKED_PEOPLE, CHECKED_FACES = 3, 2  # in the batch that is learnt by heart beforehand
CHECKED_STEPS, CHECKED_RATE = 100, 1e-3
AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class Pixels:
    """squares: uint8, shape (n, side, side, 3). validation: a mask of those that are not trained on.

    Where it shows none of the people trained on, some of the training faces are held back for it.
    """

    squares: np.ndarray
    names: np.ndarray
    validation: np.ndarray


@dataclass(frozen=True, eq=False)
class Tuned:
    """weights: of the epoch that validation chose. metadata: plain values about the training."""

    weights: dict[str, torch.Tensor]
    metadata: dict


def fine_tune(
    network: torch.nn.Module,
    pixels: Pixels,
    *,
    settings: dict,
    tell: Listeners | None = None,
    resume: bytes | None = None,
    device: str | None = None,
) -> Tuned:
    """settings: `epochs`, `seed` and all parameters of the recipe. network: is changed.

    On a CPU the same input gives the same bits, also when it goes on from what `tell.state` was given. A GPU computes
    in mixed precision and repeats as far as its routines do. Raises CannotTrain.
    """
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    threads = int(os.environ.get("FACET_TORCH_THREADS", "1"))
    with repeatable(settings["seed"], threads=threads, strict=device == "cpu"):
        training = _Tuning(network, _Split.of(pixels, settings["seed"]), settings, tell or Listeners(), device)
        training.begin(resume)
        return training.run()


@dataclass(frozen=True, eq=False)
class _Split:
    """trained, judged: rows of `squares`."""

    pixels: Pixels
    trained: np.ndarray
    judged: np.ndarray
    held_back: bool

    @classmethod
    def of(cls, pixels: Pixels, seed: int) -> "_Split":
        trained = np.flatnonzero(~pixels.validation)
        names = pixels.names[trained]
        if len(np.unique(names)) < 2:
            raise CannotTrain(f"Training needs faces of at least 2 people; there are faces of {len(np.unique(names))}.")
        judged = np.flatnonzero(pixels.validation & np.isin(pixels.names, names))
        if len(judged):
            return cls(pixels, trained, judged, held_back=False)
        apart = held_back(names, seed)
        return cls(pixels, trained[~apart], trained[apart], held_back=True)


class _Tuning:
    """One training as it goes."""

    def __init__(self, network: torch.nn.Module, split: _Split, settings: dict, tell: Listeners, device: str):
        self.network, self.split, self.settings, self.tell, self.device = network, split, settings, tell, device
        self.network.to(device, memory_format=torch.channels_last)
        self.names = split.pixels.names[split.trained]
        classes, self.codes = np.unique(self.names, return_inverse=True)
        vectors = self._vectors(split.trained)
        self.loss = head_loss("arcface_head", len(classes), vectors.shape[1], settings)
        self.loss.start_at(torch.from_numpy(mean_templates(vectors, self.names)[1].astype(np.float32)))
        self.loss.module.to(device)
        self.optimiser = self._optimiser()
        self.scaler = torch.amp.GradScaler(device, enabled=device != "cpu")
        self.rng = np.random.default_rng(settings["seed"])
        self.reports: list[EpochReport] = []
        self.of = self._fingerprint()
        self.start = self._validated(0, None, vectors)

    def begin(self, resume: bytes | None) -> None:
        """Go on from a checkpoint, or check everything and begin."""
        if resume is not None:
            try:
                return self._restore(*load_checkpoint(resume, self.of))
            except BadCheckpoint:
                pass  # from other faces, weights or parameters: nothing of it can be used
        self._check()
        self.kept = self.best = self.start
        self.weights = self._copied()
        self._told(self.start)

    def run(self) -> Tuned:
        while not self._is_over():
            epoch = self.reports[-1].epoch + 1
            loss = self._one_epoch(epoch)
            now = self._validated(epoch, loss, self._vectors(self.split.trained))
            if now.report.mean_ap > self.kept.report.mean_ap and now.surely_better_than(self.start):
                self.kept, self.weights = now, self._copied()
            if now.report.mean_ap > self.best.report.mean_ap:
                self.best = now
            self._told(now)
        return Tuned(self.weights, self._metadata())

    def _is_over(self) -> bool:
        """Patience counts from where all layers learn: before, only the last one had its say."""
        epoch = self.reports[-1].epoch
        since = max(self.best.report.epoch, min(self.settings["frozen_epochs"], self.settings["epochs"]))
        return epoch >= self.settings["epochs"] or epoch - since >= self.settings["patience"]

    def _told(self, now: Validated) -> None:
        self.reports.append(now.report)
        self.tell.epoch(now.report)
        self.tell.state(now.report.epoch, self._saved())

    def _one_epoch(self, epoch: int) -> float:
        """Returns the mean loss."""
        learn_in(self.network, all_layers=epoch > self.settings["frozen_epochs"])
        total = seen = 0.0
        for rows in balanced_batches(self.codes, self.settings["batch_size"], self.rng):
            if len(rows) < 2:
                continue  # batch norm has no statistics of one face
            value = self._step(rows)
            total, seen = total + value * len(rows), seen + len(rows)
            self.tell.step()
        return total / max(seen, 1)

    def _step(self, rows: np.ndarray) -> float:
        squares = [np.asarray(self.split.pixels.squares[place]) for place in self.split.trained[rows]]
        if self.settings["augment"]:
            squares = [varied(square, self.rng) for square in squares]
        self.optimiser.zero_grad()
        with torch.autocast(self.device, enabled=self.device != "cpu"):
            outputs = self.network(self._input(np.stack(squares)))
        value = self.loss(outputs.float(), torch.from_numpy(self.codes[rows]).to(self.device))
        self.scaler.scale(value).backward()
        self.scaler.step(self.optimiser)
        self.scaler.update()
        return value.item()

    def _vectors(self, places: np.ndarray) -> np.ndarray:
        """Of faces as they are, by the network as it is now."""
        self.network.eval()
        found = []
        with torch.inference_mode():
            for start in range(0, len(places), AT_ONCE):
                squares = np.asarray(self.split.pixels.squares[places[start : start + AT_ONCE]])
                found.append(self.network(self._input(squares)).float().cpu().numpy())
                self.tell.step()
        vectors = np.concatenate(found)
        if not np.isfinite(vectors).all():
            raise CannotTrain("The network gives numbers that are not finite. Try a smaller learning rate.")
        return vectors

    def _input(self, squares: np.ndarray) -> torch.Tensor:
        return as_input(torch.from_numpy(squares).to(self.device).permute(0, 3, 1, 2))

    def _validated(self, epoch: int, loss: float | None, vectors: np.ndarray) -> Validated:
        judged = self.split.judged
        return validated(epoch, loss, vectors, self.names, self._vectors(judged), self.split.pixels.names[judged])

    def _optimiser(self) -> torch.optim.Optimizer:
        slow = [weight for name, weight in self.network.named_parameters() if not _is_last(name)]
        fast = [weight for name, weight in self.network.named_parameters() if _is_last(name)]
        rate = self.settings["learning_rate"]
        return torch.optim.AdamW(
            [{"params": slow, "lr": rate}, {"params": [*fast, *self.loss.module.parameters()], "lr": rate * FASTER}],
            weight_decay=WEIGHT_DECAY,
        )

    def _check(self) -> None:
        """Of the whole network, all layers learning, on a few faces."""
        rows = np.concatenate([
            np.flatnonzero(self.codes == code)[:CHECKED_FACES] for code in np.unique(self.codes)[:CHECKED_PEOPLE]
        ])  # fmt: skip
        learn_in(self.network, all_layers=True)
        trial = Trial(
            model=self.network,
            loss=self.loss,
            inputs=self._input(np.asarray(self.split.pixels.squares[self.split.trained[rows]])),
            labels=torch.from_numpy(self.codes[rows]).to(self.device),
            classes=int(self.codes.max()) + 1,
            batch_size=min(self.settings["batch_size"], len(self.codes)),
            available_bytes=torch.cuda.mem_get_info()[0] if self.device != "cpu" else None,
            overfit_steps=CHECKED_STEPS,
            overfit_rate=CHECKED_RATE,
        )
        checks = check_before_training(trial, self.settings["seed"])
        self.tell.checks(checks)
        if failed := [check for check in checks if not check.passed]:
            raise CannotTrain(f"Checked before training, and stopped: {failed[0].name}. {failed[0].said}")

    def _fingerprint(self) -> str:
        """Of settings, faces and the weights it began with."""
        weights = [tensor.cpu().numpy() for tensor in self.network.state_dict().values()]
        pixels = self.split.pixels
        return fingerprint(self.settings, pixels.squares, pixels.names, self.split.trained, self.split.judged, *weights)

    def _copied(self) -> dict[str, torch.Tensor]:
        return {name: tensor.detach().cpu().clone() for name, tensor in self.network.state_dict().items()}

    def _saved(self) -> bytes:
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"loss.{name}": tensor for name, tensor in self.loss.module.state_dict().items()}
        tensors |= optimiser_tensors(self.optimiser) | {"torch_rng": torch.get_rng_state()}
        if self.device != "cpu":
            tensors["gpu_rng"] = torch.cuda.get_rng_state()
        if self.kept.report.epoch not in (0, self.reports[-1].epoch):  # those of the start and of now are known
            tensors |= {f"kept.{name}": tensor for name, tensor in self.weights.items()}
        notes = {
            "reports": [asdict(report) for report in self.reports], "rng": rng_notes(self.rng),
            "scaler": self.scaler.state_dict(),
        }  # fmt: skip
        for name in ("kept", "best"):
            judged: Validated = getattr(self, name)
            tensors[f"aps.{name}"] = torch.from_numpy(judged.aps)
            notes[name] = judged.report.epoch
        return save_checkpoint(tensors, notes, self.of)

    def _restore(self, tensors: dict[str, torch.Tensor], notes: dict) -> None:
        first, now = self._copied(), _under("network.", tensors)
        self.network.load_state_dict(now)
        self.loss.module.load_state_dict(_under("loss.", tensors))
        restore_optimiser(self.optimiser, tensors)
        restore_rng(self.rng, notes["rng"])
        if notes["scaler"]:
            self.scaler.load_state_dict(notes["scaler"])
        torch.set_rng_state(tensors["torch_rng"])
        if "gpu_rng" in tensors and self.device != "cpu":
            torch.cuda.set_rng_state(tensors["gpu_rng"])
        self.reports = [EpochReport(**report) for report in notes["reports"]]
        self.weights = {0: first, self.reports[-1].epoch: now}.get(notes["kept"]) or _under("kept.", tensors)
        for name in ("kept", "best"):
            setattr(self, name, Validated(self.reports[notes[name]], tensors[f"aps.{name}"].numpy()))
        self.tell.resumed(self.reports[-1].epoch)
        for report in self.reports:
            self.tell.epoch(report)

    def _metadata(self) -> dict:
        kept, start = self.kept.report, self.start.report
        return {
            "params": self.settings,
            "people": len(np.unique(self.names)),
            "device": self.device,
            "precision": "float32" if self.device == "cpu" else "mixed",
            "epochs_run": self.reports[-1].epoch,
            "best_epoch": kept.epoch,
            "validation": "training faces held back" if self.split.held_back else "validation faces",
            "val_recognition_rate": kept.recognition_rate,
            "val_map": kept.mean_ap,
            "start": {"val_recognition_rate": start.recognition_rate, "val_map": start.mean_ap},
        }


def learn_in(network: torch.nn.Module, *, all_layers: bool) -> None:
    """Training mode and gradients for all layers, or for the last alone: the others then keep their statistics too."""
    network.train(all_layers)
    for name, weight in network.named_parameters():
        weight.requires_grad_(all_layers or _is_last(name))
    for name in ("dropout", *LAST_LAYER):
        if hasattr(network, name):
            getattr(network, name).train()


def varied(square: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mirrored or not, a window of it blown up, brighter or darker. uint8 in, the same shape out."""
    side = square.shape[0]
    if rng.random() < 0.5:
        square = square[:, ::-1]
    window = round(side * rng.uniform(SMALLEST_CROP, 1.0))
    left, top = rng.integers(0, side - window + 1, size=2)
    cut = np.ascontiguousarray(square[top : top + window, left : left + window])
    cut = cv2.resize(cut, (side, side), interpolation=cv2.INTER_LINEAR)
    brighter = rng.uniform(1 - BRIGHTNESS, 1 + BRIGHTNESS)
    return np.clip(np.rint(cut * brighter), 0, 255).astype(np.uint8)


def _is_last(name: str) -> bool:
    return name.split(".")[0] in LAST_LAYER


def _under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
