"""What heads are trained with: pytorch-metric-learning's losses, each with what a blind guess costs. Worker-only."""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log, radians, sin

import torch
from pytorch_metric_learning.losses import (
    ArcFaceLoss,
    CosFaceLoss,
    SubCenterArcFaceLoss,
    SupConLoss,
    TripletMarginLoss,
)
from pytorch_metric_learning.miners import TripletMarginMiner

COMPARES_FACES = frozenset({"triplet_head", "supcon_head"})
FACES_A_PERSON = 4  # in a batch, where the loss compares faces with each other


@dataclass(frozen=True, eq=False)
class HeadLoss:
    """module: the loss, with its own weights where it has centres of people. miner: picks the triplets that count.

    blind(classes, faces): the loss for faces that are equally like everybody, of so many people and in such a batch.
    least(labels): what it cannot go below in such a batch.
    centres: how many each person has, 0 where faces are compared with each other.
    """

    module: torch.nn.Module
    blind: Callable[[int, int], float]
    centres: int = 0
    miner: Callable | None = None
    least: Callable[[torch.Tensor], float] = lambda labels: 0.0

    def __call__(self, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        chosen = self.miner(outputs, labels) if self.miner else None
        return self.module(outputs, labels, chosen)

    def logits(self, outputs: torch.Tensor) -> torch.Tensor | None:
        """What goes into the softmax; None where there is none."""
        return self.module.get_logits(outputs) if self.centres else None

    def start_at(self, templates: torch.Tensor) -> None:
        """Centres start where people's faces are: the first steps then do not tear the space apart."""
        if self.centres:
            with torch.no_grad():
                self.module.W.copy_(templates.T.repeat_interleave(self.centres, dim=1))
                if self.centres > 1:  # equal centres would stay equal for ever
                    self.module.W.add_(0.01 * torch.randn_like(self.module.W))


def head_loss(recipe: str, classes: int, dimensions: int, options: dict) -> HeadLoss:
    """The loss of a recipe of recipe_list; `options` are its settled parameters."""
    return _MAKERS[recipe](classes, dimensions, options)


def _arcface(classes: int, dimensions: int, options: dict) -> HeadLoss:
    module = ArcFaceLoss(classes, dimensions, margin=options["margin"], scale=options["scale"])
    return HeadLoss(module, _angle_blind(options), centres=1)


def _subcenter(classes: int, dimensions: int, options: dict) -> HeadLoss:
    centres = options["sub_centers"]
    module = SubCenterArcFaceLoss(
        num_classes=classes, embedding_size=dimensions, margin=options["margin"], scale=options["scale"],
        sub_centers=centres,
    )  # fmt: skip
    return HeadLoss(module, _angle_blind(options), centres=centres)


def _cosface(classes: int, dimensions: int, options: dict) -> HeadLoss:
    module = CosFaceLoss(classes, dimensions, margin=options["margin"], scale=options["scale"])
    return HeadLoss(module, lambda people, faces: _softmax_blind(people, options["scale"] * options["margin"]), 1)


def _angle_blind(options: dict) -> Callable[[int, int], float]:
    # At a right angle to everybody the cosine is 0, and with the margin added -sin(margin).
    return lambda people, faces: _softmax_blind(people, options["scale"] * sin(radians(options["margin"])))


def _softmax_blind(people: int, handicap: float) -> float:
    """-log softmax of one's own class when all logits are equal and its own is lowered by `handicap`: ln(C) without."""
    return log(1 + (people - 1) * exp(handicap))


def _triplet(classes: int, dimensions: int, options: dict) -> HeadLoss:
    return HeadLoss(
        TripletMarginLoss(margin=options["margin"]),
        lambda people, faces: options["margin"],
        miner=TripletMarginMiner(margin=options["margin"], type_of_triplets="semihard"),
    )


def _supcon(classes: int, dimensions: int, options: dict) -> HeadLoss:
    return HeadLoss(
        SupConLoss(temperature=options["temperature"]), lambda people, faces: log(faces - 1), least=_shared_among_own
    )


def _shared_among_own(labels: torch.Tensor) -> float:
    """Each of a face's n positives can have 1/n of the softmax at most: ln n, averaged over faces that have any."""
    own = torch.bincount(labels)[labels] - 1
    return float(own[own > 0].double().log().mean()) if (own > 0).any() else 0.0


_MAKERS = {
    "arcface_head": _arcface,
    "cosface_head": _cosface,
    "subcenter_head": _subcenter,
    "triplet_head": _triplet,
    "supcon_head": _supcon,
}
