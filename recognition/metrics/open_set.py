"""Open-set search: is it anybody enrolled, and who? Misses at a bearable rate of false alarms."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from recognition.metrics.gallery import IdentityScores
from recognition.metrics.identification import closed_set_identification
from recognition.metrics.inputs import FloatArray, require_at_least
from recognition.metrics.intervals import comparisons_needed

FPIR_TARGETS = (1e-1, 1e-2, 1e-3)


@dataclass(frozen=True)
class FnirAtFpir:
    """Misses when at most `max_fpir` of strangers may be named; rates are None when unsupported.

    strangers_needed: probes of people not enrolled that must exist before this may be reported.
    threshold: accept `score >= threshold`; None also when nobody may be named at all (fnir is 1).
    """

    max_fpir: float
    strangers_needed: int
    supported: bool
    threshold: float | None
    fpir: float | None
    fnir: float | None


@dataclass(frozen=True, eq=False)
class OpenSet:
    """Open-set figures. thresholds, fpir, fnir: shape (k,), strictest first, for drawing.

    mated: probes of enrolled people. strangers: probes of people who are not enrolled.
    not_comparable: probes left out because no gallery face that matters may be compared with them.
    """

    mated: int
    strangers: int
    not_comparable: int
    thresholds: FloatArray
    fpir: FloatArray
    fnir: FloatArray
    at_fpir: tuple[FnirAtFpir, ...]


def open_set_identification(
    scores: IdentityScores,
    probe_labels: ArrayLike,
    *,
    fpir_targets: Sequence[float] = FPIR_TARGETS,
    within_rank: int = 1,
) -> OpenSet:
    """Return FNIR at each FPIR target.

    FPIR(t): share of strangers whose best score over all people is at least t (named wrongly).
    FNIR(t): share of mated probes whose own person is not within `within_rank`, ties being misses,
    or scores below t. A probe is a stranger when its label is not in scores.identities.
    probe_labels: shape (probes,).
    Source: ISO/IEC 19795-1; NIST FRVT 1:N reports (FNIR(N, R, T), FPIR(N, T)).
    """
    require_at_least("within_rank", within_rank, 1)
    own = scores.columns_of(probe_labels)
    search = closed_set_identification(scores, probe_labels)
    own_scores = scores.scores[search.counted, own[search.counted]]
    findable = np.sort(own_scores[search.ranks <= within_rank]).astype(np.float64)
    best = scores.scores[own < 0].max(axis=1, initial=-np.inf).astype(np.float64)
    alarms = np.sort(best[np.isfinite(best)])
    # As for a ROC curve, only the scores of findable probes can be best thresholds.
    thresholds = np.unique(findable)[::-1]
    fpir = (alarms.size - np.searchsorted(alarms, thresholds, side="left")) / max(alarms.size, 1)
    found = findable.size - np.searchsorted(findable, thresholds, side="left")
    fnir = 1 - found / max(search.probes, 1)
    return OpenSet(
        mated=search.probes,
        strangers=int(alarms.size),
        not_comparable=search.not_comparable + int(best.size - alarms.size),
        thresholds=thresholds,
        fpir=fpir if alarms.size else np.full(fpir.shape, np.nan),
        fnir=fnir,
        at_fpir=tuple(
            _at_target(target, search.probes, int(alarms.size), thresholds, fpir, fnir) for target in fpir_targets
        ),
    )


def _at_target(
    target: float, mated: int, strangers: int, thresholds: FloatArray, fpir: FloatArray, fnir: FloatArray
) -> FnirAtFpir:
    needed = comparisons_needed(target)
    if strangers < needed or mated == 0:
        return FnirAtFpir(target, needed, False, None, None, None)
    allowed = int(np.count_nonzero(fpir <= target))
    if allowed == 0:
        return FnirAtFpir(target, needed, True, None, 0.0, 1.0)
    last = allowed - 1
    return FnirAtFpir(target, needed, True, float(thresholds[last]), float(fpir[last]), float(fnir[last]))
