"""How a training is judged after each epoch: on validation faces, against means of the training faces. Worker-only."""

from dataclasses import dataclass

import numpy as np

from recognition.metrics.average_precision import per_identity_ap
from recognition.metrics.gallery import IdentityScores, mean_templates
from recognition.metrics.identification import closed_set_identification


class CannotTrain(ValueError):
    """The faces given cannot be trained on; the message says why."""


@dataclass(frozen=True)
class EpochReport:
    """Figures on the validation faces. Epoch 0 is the network before any step; its loss is None."""

    epoch: int
    loss: float | None
    recognition_rate: float
    mean_ap: float


@dataclass(frozen=True, eq=False)
class Validated:
    """aps: AP of each validated person, in the same order at every epoch."""

    report: EpochReport
    aps: np.ndarray

    def surely_better_than(self, other: "Validated") -> bool:
        """More mAP by two standard errors of the paired difference, and no loss of recognition rate.

        Without this, the best of dozens of epochs is often one that a single lucky face made best.
        """
        gain = self.aps - other.aps
        error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.inf
        return bool(gain.mean() > 2 * error) and self.report.recognition_rate >= other.report.recognition_rate


def validated(
    epoch: int, loss: float | None, gallery: np.ndarray, names: np.ndarray, probes: np.ndarray, probe_names: np.ndarray
) -> Validated:
    """gallery, probes: vectors of unit length as the network gives them after this epoch."""
    people, templates = mean_templates(gallery, names)
    scores = IdentityScores(people, probes.astype(np.float64) @ templates.T)
    rate = closed_set_identification(scores, probe_names).recognition_rate
    mean_ap = per_identity_ap(scores, probe_names, min_probes=1)
    aps = np.array([identity.ap for identity in mean_ap.identities])
    return Validated(EpochReport(epoch, loss, rate, mean_ap.macro), aps)


def held_back(names: np.ndarray, seed: int) -> np.ndarray:
    """A mask: a quarter of the training faces of everybody with three or more, to validate on."""
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
    return validation
