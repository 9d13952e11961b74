"""Checked before any training: the classic faults that train without an error and learn nothing. Worker-only.

Everything runs on copies and on one small batch; the training itself is not touched.
Source: Karpathy, A recipe for training neural networks (2019), and what its readers ran into since.
"""

import copy
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import log, prod
from pathlib import Path

import torch

OVERFIT_STEPS = 400
OVERFIT_RATE = 0.01
NEAR_ZERO = 0.1  # of the loss of a blind guess
SHARE_OF_MEMORY = 0.8
LARGEST_INPUT = 16.0  # pixels brought to -1 … 1, or to a few standard deviations; never 0 … 255


@dataclass(frozen=True)
class Check:
    name: str
    passed: bool
    said: str


@dataclass(frozen=True, eq=False)
class Trial:
    """What is going to be trained, and one batch of what it will see.

    loss: called with outputs and labels; has `module` (its own weights), `logits(outputs)` (None where it has none) and
    `blind(classes, faces)` (what it gives for faces that are equally like everybody).
    tell: hears of each step while a batch is learnt by heart, and may raise.
    """

    model: torch.nn.Module
    loss: object
    inputs: torch.Tensor
    labels: torch.Tensor
    classes: int
    batch_size: int
    unit_length: bool = False
    blind_outputs: Callable[[torch.Tensor], torch.Tensor] | None = None
    available_bytes: int | None = None
    overfit_steps: int = OVERFIT_STEPS
    overfit_rate: float = OVERFIT_RATE


def check_before_training(trial: Trial, seed: int = 1) -> list[Check]:
    """All checks in order. One that cannot be made because the code breaks is a failed one."""
    checks = []
    for name, check in CHECKS.items():
        with _aside(seed):
            try:
                passed, said = check(_copy(trial))
            except Exception as error:  # whatever breaks here would break in the training
                passed, said = False, f"It could not be made: {type(error).__name__}: {error}"[:400]
        checks.append(Check(name, bool(passed), said))
    return checks


def as_rows(checks: list[Check]) -> list[dict]:
    return [asdict(check) for check in checks]


def _copy(trial: Trial) -> Trial:
    copied = dict(trial.__dict__)
    copied["model"], copied["loss"] = copy.deepcopy(trial.model), copy.deepcopy(trial.loss)
    return Trial(**copied)


@contextmanager
def _aside(seed: int):
    """The same random numbers for each check, and those of the training as they were."""
    state = torch.get_rng_state()
    torch.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(state)


def _shapes(trial: Trial) -> tuple[bool, str]:
    x = trial.inputs
    if not x.is_floating_point() or x.ndim not in (2, 4) or len(x) != len(trial.labels):
        return False, f"{len(trial.labels)} labels and inputs of shape {tuple(x.shape)} ({x.dtype}) do not go together."
    if not torch.isfinite(x).all():
        return False, "Some inputs are no finite numbers."
    largest = float(x.abs().max())
    if largest > LARGEST_INPUT:
        return False, f"Inputs reach {largest:g}: bring pixels of 0 to 255 to about -1 to 1 first."
    if trial.unit_length and not torch.allclose(x.norm(dim=1), torch.ones(len(x)), atol=1e-2):
        return False, "The embeddings have not unit length; divide each by its norm."
    return True, f"{tuple(x.shape)}, from {float(x.min()):.3g} to {float(x.max()):.3g}."


def _labels(trial: Trial) -> tuple[bool, str]:
    y = trial.labels
    if y.dtype != torch.int64 or y.ndim != 1:
        return False, f"Labels must be whole numbers in a row, and are {y.dtype} of shape {tuple(y.shape)}."
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= trial.classes:
        return (
            False,
            f"Labels run from {low} to {high}; {trial.classes} people are numbered 0 to {trial.classes - 1}.",
        )
    if len(y.unique()) < 2:
        return False, "All faces of the batch are of one person: there is nothing to tell apart."
    return True, f"{low} to {high} of {trial.classes} people."


def _logits(trial: Trial) -> tuple[bool, str]:
    trial.model.eval()
    with torch.no_grad():
        logits = trial.loss.logits(trial.model(trial.inputs))
    if logits is None:
        return True, "This loss compares faces with each other and has no softmax."
    if logits.shape != (len(trial.labels), trial.classes):
        return False, f"Logits have shape {tuple(logits.shape)}, not one column for each of {trial.classes} people."
    rows = logits.exp().sum(dim=1)
    if (logits >= 0).all() and torch.allclose(logits.sum(dim=1), torch.ones(len(logits)), atol=1e-3):
        return False, "What goes into the loss has been through a softmax already; give it the logits."
    if (logits <= 0).all() and torch.allclose(rows, torch.ones(len(rows)), atol=1e-3):
        return False, "What goes into the loss has been through a log-softmax already; give it the logits."
    largest = float(logits.abs().max())
    if trial.classes > 2 and largest <= 1.0 + 1e-4 and torch.allclose(logits.norm(dim=1), torch.ones(1), atol=1e-3):
        return False, "Logits were brought to unit length: the softmax then can never be sure of anybody."
    return True, f"From {float(logits.min()):.3g} to {float(logits.max()):.3g}."


def _start(trial: Trial) -> tuple[bool, str]:
    """For faces that are equally like everybody the loss is known: ln C for a softmax, plus what a margin adds."""
    trial.model.eval()
    with torch.no_grad():
        outputs = trial.model(trial.inputs)
        blind = (trial.blind_outputs or _like_everybody(trial.loss))(outputs)
        measured = float(trial.loss.module(blind, trial.labels))
    expected = trial.loss.blind(trial.classes, len(trial.labels))
    close = abs(measured - expected) <= 0.02 + 0.05 * expected
    words = f"A blind guess costs {measured:.4g}; {expected:.4g} was to be expected"
    return close, f"{words} (ln of {trial.classes} people is {log(max(trial.classes, 1)):.4g})."


def _like_everybody(loss: object) -> Callable[[torch.Tensor], torch.Tensor]:
    """Outputs at a right angle to all centres of the loss; without centres, all the same."""
    centres = [weight for weight in loss.module.parameters() if weight.ndim == 2]

    def blind(outputs: torch.Tensor) -> torch.Tensor:
        if not centres:
            return outputs[:1].expand_as(outputs).contiguous()
        with torch.no_grad():
            centres[0][-1] = 0.0  # one direction that no centre knows
        right_angle = torch.zeros_like(outputs)
        right_angle[:, -1] = 1.0
        return right_angle

    return blind


def _gradients(trial: Trial) -> tuple[bool, str]:
    trial.model.train()
    weights = {**dict(trial.model.named_parameters()), **_own("loss.", trial.loss)}
    trainable = {name: weight for name, weight in weights.items() if weight.requires_grad}
    if not trainable:
        return False, "Nothing can be trained: every layer is frozen."
    # Without the miner, which may find nothing to learn in a good batch: here it is asked what is connected.
    trial.loss.module(trial.model(_noise(trial.inputs)), trial.labels).backward()
    dead = [name for name, weight in trainable.items() if weight.grad is None or not weight.grad.abs().sum() > 0]
    if dead:
        return False, f"No gradient reaches {', '.join(dead[:3])}: it is not connected to the loss."
    return True, f"They reach all {len(trainable)} trainable layers."


def _own(prefix: str, loss: object) -> dict[str, torch.nn.Parameter]:
    return {prefix + name: weight for name, weight in loss.module.named_parameters()}


def _noise(inputs: torch.Tensor) -> torch.Tensor:
    """Random inputs of the same kind: those of a good embedding may leave some losses nothing to do."""
    noise = torch.randn_like(inputs)
    return torch.nn.functional.normalize(noise, dim=1) if inputs.ndim == 2 else noise


def _modes(trial: Trial) -> tuple[bool, str]:
    model = trial.model
    model.train()
    still = [name or "the model" for name, module in model.named_modules() if not module.training]
    if still:
        return False, f"Told to train, {still[0]} stays in evaluation mode."
    model(trial.inputs)
    model.eval()
    still = [name or "the model" for name, module in model.named_modules() if module.training]
    if still:
        return False, f"Told to evaluate, {still[0]} stays in training mode."
    before = {name: value.clone() for name, value in model.named_buffers()}
    with torch.no_grad():
        first, second = model(trial.inputs), model(trial.inputs)
    if not torch.equal(first, second):
        return False, "In evaluation mode the same faces give different outputs: dropout or noise is still on."
    if any(not torch.equal(before[name], value) for name, value in model.named_buffers()):
        return False, "In evaluation mode its statistics still change: batch norm is in training mode."
    return True, "Training and evaluation mode reach every layer, and evaluation changes nothing."


def _overfits(trial: Trial) -> tuple[bool, str]:
    trial.model.train()
    optimiser = torch.optim.Adam(_trainable(trial), lr=trial.overfit_rate)
    blind = max(trial.loss.blind(trial.classes, len(trial.labels)), 1e-6)
    least = _least(trial)
    value = first = None
    for _ in range(trial.overfit_steps):
        optimiser.zero_grad()
        loss = trial.loss.module(trial.model(trial.inputs), trial.labels)
        loss.backward()
        optimiser.step()
        value = loss.item() - least
        first = value if first is None else first
        if value < NEAR_ZERO * min(blind, max(first, 0.1 * blind)) / 2:
            break
    passed = value < NEAR_ZERO * blind
    words = f"The loss of one batch went from {first:.3g} to {value:.3g}"
    return passed, words + ("." if passed else ": it cannot even learn these by heart.")


def _least(trial: Trial) -> float:
    """What the loss cannot go below: where several faces of a person attract each other, each gets its share only."""
    least = getattr(trial.loss, "least", None)
    return least(trial.labels) if least else 0.0


def _trainable(trial: Trial) -> list[torch.nn.Parameter]:
    return [weight for weight in [*trial.model.parameters(), *trial.loss.module.parameters()] if weight.requires_grad]


def _step(trial: Trial, seed: int) -> tuple[float, list[torch.Tensor]]:
    torch.manual_seed(seed)
    trial.model.train()
    optimiser = torch.optim.AdamW(_trainable(trial), lr=1e-3)
    loss = trial.loss.module(trial.model(trial.inputs), trial.labels)
    loss.backward()
    optimiser.step()
    return loss.item(), [weight.detach() for weight in _trainable(trial)]


def _repeats(trial: Trial) -> tuple[bool, str]:
    (first, weights), (second, others) = _step(_copy(trial), 1), _step(_copy(trial), 1)
    same = first == second and all(torch.equal(a, b) for a, b in zip(weights, others, strict=True))
    return same, "Two steps from one state are equal to the last bit." if same else (
        "Two steps from one state differ: something draws random numbers of its own, or sums in changing order."
    )


def _finite(trial: Trial) -> tuple[bool, str]:
    loss, weights = _step(trial, 1)
    if loss != loss or loss in (float("inf"), float("-inf")):
        return False, f"The loss of the first step is {loss}."
    if not all(torch.isfinite(weight).all() for weight in weights):
        return False, "After one step some weights are no finite numbers; a smaller learning rate may help."
    return True, "Loss and weights stay finite in the first step."


def _memory(trial: Trial) -> tuple[bool, str]:
    """Weights, their gradients and two moments each, and the outputs of all layers for one batch, forth and back."""
    sizes: list[int] = []

    def note(module, inputs, output) -> None:
        if isinstance(output, torch.Tensor):
            sizes.append(prod(output.shape[1:]) * output.element_size())

    hooks = [module.register_forward_hook(note) for module in trial.model.modules() if not list(module.children())]
    trial.model.eval()
    with torch.no_grad():
        trial.model(trial.inputs[:2])
    for hook in hooks:
        hook.remove()
    weights = sum(weight.numel() * weight.element_size() for weight in _trainable(trial))
    one = prod(trial.inputs.shape[1:]) * trial.inputs.element_size()
    needed = 4 * weights + 2 * trial.batch_size * (one + sum(sizes))
    available = trial.available_bytes or _available()
    said = f"A batch of {trial.batch_size:,} needs about {needed / 1e6:,.1f} MB; {available / 1e6:,.0f} MB are free."
    fits = needed <= SHARE_OF_MEMORY * available
    return fits, said if fits else said + " Make the batch smaller."


def _available() -> int:
    """Of this machine; no limit where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return 1 << 62


CHECKS: dict[str, Callable[[Trial], tuple[bool, str]]] = {
    "Shapes and range of the inputs": _shapes,
    "Labels within the people there are": _labels,
    "The loss gets logits": _logits,
    "A blind guess costs what it should": _start,
    "Gradients reach every layer": _gradients,
    "Training and evaluation mode": _modes,
    "Learns one batch by heart": _overfits,
    "One step is repeatable": _repeats,
    "No NaN or infinity": _finite,
    "Memory for a batch": _memory,
}
