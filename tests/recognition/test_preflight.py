"""What is checked before a training: each check fails for a module that was broken on purpose, and only there."""

from dataclasses import replace

import pytest
import torch

from recognition.losses import head_loss
from recognition.preflight import CHECKS, Trial, as_rows, check_before_training

D, PEOPLE = 16, 6


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(D, 64)
        self.norm = torch.nn.BatchNorm1d(64)
        self.drop = torch.nn.Dropout(0.1)
        self.last = torch.nn.Linear(64, D)

    def forward(self, x):
        return self.last(self.drop(torch.relu(self.norm(self.first(x)))))


class Logits(torch.nn.Module):
    """A plain classifier: logits into cross entropy."""

    def __init__(self):
        super().__init__()
        self.classes = torch.nn.Linear(D, PEOPLE, bias=False)

    def forward(self, outputs, labels, chosen=None):
        return torch.nn.functional.cross_entropy(self.logits(outputs), labels)

    def logits(self, outputs):
        return self.classes(outputs)


class Loss:
    def __init__(self, module=None):
        self.module = module or Logits()

    def logits(self, outputs):
        return self.module.logits(outputs)

    def blind(self, classes, faces):
        return float(torch.log(torch.tensor(float(classes))))


@pytest.fixture
def sound():
    torch.manual_seed(3)
    labels = torch.arange(24) % PEOPLE
    inputs = torch.nn.functional.normalize(torch.randn(24, D) + 2 * torch.randn(PEOPLE, D)[labels], dim=1)
    return Trial(Net(), Loss(), inputs, labels, PEOPLE, batch_size=24, unit_length=True, blind_outputs=torch.zeros_like)


def failed(trial) -> dict[str, str]:
    return {check.name: check.said for check in check_before_training(trial) if not check.passed}


def test_a_sound_training_passes_every_check(sound):
    checks = check_before_training(sound)
    assert [check.name for check in checks] == list(CHECKS)
    assert failed(sound) == {} and all(check.said for check in checks)
    assert as_rows(checks)[0] == {"name": checks[0].name, "passed": True, "said": checks[0].said}


def test_checking_leaves_weights_modes_and_random_numbers_as_they_were(sound):
    sound.model.eval()
    before = {name: value.clone() for name, value in sound.model.state_dict().items()}
    state = torch.get_rng_state()
    check_before_training(sound)
    assert torch.equal(torch.get_rng_state(), state) and not sound.model.training
    assert all(torch.equal(before[name], value) for name, value in sound.model.state_dict().items())


@pytest.mark.parametrize("recipe", ["arcface_head", "cosface_head", "subcenter_head", "triplet_head", "supcon_head"])
def test_the_losses_of_all_heads_pass(recipe, sound):
    options = {"margin": 10.0, "scale": 64.0, "sub_centers": 3, "temperature": 0.05}
    if recipe in ("cosface_head", "triplet_head"):
        options["margin"] = 0.05
    loss = head_loss(recipe, PEOPLE, D, options)
    linear = torch.nn.Linear(D, D, bias=False)
    assert failed(replace(sound, model=linear, loss=loss, blind_outputs=None)) == {}


class SoftmaxedTwice(Logits):
    def logits(self, outputs):
        return torch.softmax(self.classes(outputs), dim=1)


class LogSoftmaxedBefore(Logits):
    def logits(self, outputs):
        return torch.log_softmax(self.classes(outputs), dim=1)


class Normalised(Logits):
    def logits(self, outputs):
        return torch.nn.functional.normalize(self.classes(outputs), dim=1)


class Biased(Logits):
    """Its classes begin far apart, as after a wrong initialisation."""

    def logits(self, outputs):
        return self.classes(outputs) + 9.0 * torch.arange(PEOPLE)


class Detached(Net):
    def forward(self, x):
        return self.last(torch.relu(self.norm(self.first(x))).detach())


class StaysInTraining(Net):
    def train(self, mode=True):
        super().train(mode)
        self.norm.train(True)
        return self


class NeverTrains(Net):
    def train(self, mode=True):
        return super().train(False)


class Blind(Net):
    """Sees nothing of its input but its size."""

    def forward(self, x):
        return super().forward(torch.ones_like(x)) if self.training else super().forward(x)


class Dice(Net):
    count = 0.0

    def forward(self, x):
        Dice.count += 1.0
        return super().forward(x) * (1.0 + 0.01 * (Dice.count % 7))


class Infinite(Net):
    def forward(self, x):
        return super().forward(x) / torch.zeros(1)


def broken(sound, **change):
    torch.manual_seed(3)
    return replace(sound, **{name: value() if callable(value) else value for name, value in change.items()})


@pytest.mark.parametrize(
    ("change", "name", "sentence"),
    [
        ({"inputs": torch.rand(24, D) * 255}, "Shapes and range of the inputs", "bring pixels"),
        ({"inputs": torch.ones(24, D)}, "Shapes and range of the inputs", "unit length"),
        ({"inputs": torch.full((24, D), float("nan"))}, "Shapes and range of the inputs", "no finite numbers"),
        ({"inputs": torch.ones(23, D)}, "Shapes and range of the inputs", "do not go together"),
        ({"labels": torch.arange(24) % PEOPLE + 1}, "Labels within the people there are", "1 to 6"),
        ({"labels": torch.zeros(24, dtype=torch.int64)}, "Labels within the people there are", "one person"),
        ({"labels": torch.zeros(24)}, "Labels within the people there are", "whole numbers"),
        ({"loss": lambda: Loss(SoftmaxedTwice())}, "The loss gets logits", "a softmax already"),
        ({"loss": lambda: Loss(LogSoftmaxedBefore())}, "The loss gets logits", "log-softmax already"),
        ({"loss": lambda: Loss(Normalised())}, "The loss gets logits", "unit length"),
        ({"loss": lambda: Loss(Biased())}, "A blind guess costs what it should", "was to be expected"),
        ({"model": Detached}, "Gradients reach every layer", "first.weight"),
        ({"model": StaysInTraining}, "Training and evaluation mode", "norm stays in training"),
        ({"model": NeverTrains}, "Training and evaluation mode", "stays in evaluation"),
        ({"model": Blind}, "Learns one batch by heart", "cannot even learn"),
        ({"model": Dice}, "One step is repeatable", "differ"),
        ({"model": Infinite}, "No NaN or infinity", "first step is"),
        ({"available_bytes": 1000}, "Memory for a batch", "Make the batch smaller"),
    ],
)
def test_a_broken_training_is_told_what_is_wrong_with_it(sound, change, name, sentence):
    found = failed(broken(sound, **change))
    assert name in found and sentence in found[name]


def test_frozen_layers_need_no_gradient_and_a_frozen_model_has_nothing_to_train(sound):
    sound.model.first.requires_grad_(False)
    assert "Gradients reach every layer" not in failed(sound)
    for part in (sound.model, sound.loss.module):
        part.requires_grad_(False)
    assert "every layer is frozen" in failed(sound)["Gradients reach every layer"]
