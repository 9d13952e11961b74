"""Bootstrap distributions of AP and mAP: what they might have been with other probes.

Drawing probes with replacement is the same as giving each a whole-number weight. Weighted AP needs
only, for each distinct score of a positive, the weight of all probes at or above it: one product of
a sparse matrix for all resamples together. Its work is bounded by probes × people × resamples,
however bad the ranking is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csc_array, csr_array

from recognition.metrics.groups import group_columns
from recognition.metrics.inputs import (
    FloatArray,
    IntArray,
    MetricInputError,
    require_at_least,
    require_share,
)

WEIGHTS_PER_BATCH = 1 << 24
CELLS_PER_BLOCK = 1 << 22
LARGEST_INT16 = 1 << 15


@dataclass(frozen=True, eq=False)
class Resampling:
    """How to draw bootstrap samples of the probes.

    rng: seeded generator; the same seed gives the same intervals on one machine and numpy release.
    resamples: how many samples. level: share of them inside the interval.
    groups: session of each probe, shape (probes,), to draw whole sessions instead of single probes
    (photos of one session succeed and fail together); a negative id stands alone.
    """

    rng: np.random.Generator
    resamples: int = 1000
    level: float = 0.95
    groups: ArrayLike | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.rng, np.random.Generator):
            raise MetricInputError("rng must be a numpy Generator, for example numpy.random.default_rng(seed).")
        require_at_least("resamples", self.resamples, 1)
        require_share("level", self.level)


@dataclass(frozen=True, eq=False)
class ApDraws:
    """AP in each resample; NaN where no face of the person (or of anybody) was drawn.

    per_identity: shape (people, resamples). macro, weighted: shape (resamples,).
    """

    per_identity: FloatArray
    macro: FloatArray
    weighted: FloatArray


@dataclass(frozen=True, eq=False)
class _Steps:
    """The distinct scores of each person's own probes, strictest first, person after person.

    probes: indices of those probes, step after step; starts: where each step begins among them.
    columns, scores: person's column and score of each step. person_starts: each person's first step.
    """

    probes: IntArray
    starts: IntArray
    columns: IntArray
    scores: FloatArray
    person_starts: IntArray


def bootstrap_ap(scores: FloatArray, own: IntArray, measured: IntArray, resampling: Resampling) -> ApDraws:
    """Return AP of the people in columns `measured`, in each resample of the probes.

    scores: shape (probes, people), −inf where not comparable. own: shape (probes,), column of each
    probe's person; every measured person has a comparable probe. Within one resample all people
    share the drawn probes, as mAP needs.
    """
    units = _drawing_units(own.size, resampling.groups)
    blocks = [_steps_of(scores, own, people) for people in _blocks_of_people(own, measured)]
    ends = np.cumsum([steps.person_starts.size for steps in blocks])
    batch = max(1, WEIGHTS_PER_BATCH // max(own.size, 1))
    aps = np.empty((resampling.resamples, measured.size))
    support = np.empty((resampling.resamples, measured.size))
    for start in range(0, resampling.resamples, batch):
        rows = slice(start, min(start + batch, resampling.resamples))
        weights = _draw_weights(resampling.rng, units, rows.stop - start)
        counts = _as_counts(weights)
        for steps, end in zip(blocks, ends, strict=True):
            people = slice(end - steps.person_starts.size, end)
            aps[rows, people], support[rows, people] = _weighted_aps(_accepting(scores, steps), steps, weights, counts)
    drawn = support > 0
    filled = np.where(drawn, aps, 0.0)
    return ApDraws(
        per_identity=aps.T,
        macro=_ratio(filled.sum(axis=1), drawn.sum(axis=1)),
        weighted=_ratio((filled * support).sum(axis=1), support.sum(axis=1)),
    )


def _drawing_units(probes: int, groups: ArrayLike | None) -> IntArray:
    """Number each probe's unit of drawing from 0: itself, or its session."""
    if groups is None:
        return np.arange(probes)
    columns = group_columns("groups", groups, length=probes)
    if columns.shape[1] != 1:
        raise MetricInputError("groups for resampling must be one id per probe.")
    ids = columns[:, 0].astype(np.int64)
    alone = ids < 0
    ids[alone] = ids.max(initial=0) + 1 + np.arange(np.count_nonzero(alone))
    return np.unique(ids, return_inverse=True)[1].reshape(-1)


def _draw_weights(rng: np.random.Generator, units: IntArray, resamples: int) -> FloatArray:
    """Shape (resamples, probes): how often each probe was drawn, as float32 (exact for counts)."""
    count = int(units.max(initial=-1)) + 1
    weights = np.empty((units.size, resamples), dtype=np.float32).T  # one probe's weights lie together
    for row in range(resamples):
        weights[row] = np.bincount(rng.integers(0, count, count), minlength=count)[units]
    return weights


def _blocks_of_people(own: IntArray, measured: IntArray) -> list[IntArray]:
    """Cut `measured` so that one block's people have about enough probes to fill one matrix product."""
    probes = np.array([np.count_nonzero(own == column) for column in measured], dtype=np.int64)
    full = max(1, CELLS_PER_BLOCK // max(own.size, 1))
    block_of_person = (np.cumsum(probes) - probes) // full
    return np.split(measured, np.flatnonzero(np.diff(block_of_person)) + 1)


def _steps_of(scores: FloatArray, own: IntArray, measured: IntArray) -> _Steps:
    probes, columns, values, step_starts, person_starts = [], [], [], [], []
    found = steps = 0
    for column in measured:
        mine = np.flatnonzero((own == column) & np.isfinite(scores[:, column]))
        mine = mine[np.argsort(-scores[mine, column], kind="stable")]
        falling, first = np.unique(-scores[mine, column], return_index=True)
        person_starts.append(steps)
        step_starts.append(found + first)
        probes.append(mine)
        columns.append(np.full(falling.size, column))
        values.append(-falling)
        found, steps = found + mine.size, steps + falling.size
    return _Steps(
        probes=np.concatenate(probes),
        starts=np.concatenate(step_starts),
        columns=np.concatenate(columns),
        scores=np.concatenate(values),
        person_starts=np.array(person_starts),
    )


def _weighted_aps(
    accepting: csc_array, steps: _Steps, weights: FloatArray, counts: IntArray
) -> tuple[FloatArray, FloatArray]:
    """AP of each person, and the weight of the person's probes, in each resample: (resamples, people)."""
    drawn = weights[:, steps.probes].astype(np.float64)
    at_step = np.add.reduceat(drawn, steps.starts, axis=1)
    so_far = np.cumsum(at_step, axis=1)
    sizes = np.diff(steps.person_starts, append=steps.columns.size)
    hits = so_far - np.repeat((so_far - at_step)[:, steps.person_starts], sizes, axis=1)
    per_step = np.diff(steps.starts, append=steps.probes.size)
    gained = _precision_of_copies(
        drawn,
        np.repeat(hits, per_step, axis=1),
        np.repeat(_accepted(accepting, steps, counts), per_step, axis=1),
    )
    first_probes = steps.starts[steps.person_starts]
    support = np.add.reduceat(drawn, first_probes, axis=1)
    return _ratio(np.add.reduceat(gained, first_probes, axis=1), support), support


def _precision_of_copies(drawn: FloatArray, hits: FloatArray, accepted: FloatArray) -> FloatArray:
    """Sum, over the copies of each probe, of the precision at that copy; all of one shape.

    Copies are ranked one behind the other, not tied. As a tie, the first of them would be credited
    with the others, and resampled APs would lie above the measured one for no reason but copying.
    """
    total = _ratio(hits, accepted, undefined=0.0) * (drawn > 0)
    copy, again = 1, np.nonzero(drawn > 1)
    while again[0].size:
        total[again] += (hits[again] - copy) / (accepted[again] - copy)
        copy += 1
        more = drawn[again] > copy
        again = (again[0][more], again[1][more])
    return total


def _accepted(accepting: csc_array, steps: _Steps, counts: IntArray) -> FloatArray:
    """Weight of all probes at or above each step, shape (resamples, steps); counts: whole weights, (probes, resamples).

    Each probe lies between two steps of a person: its weights are added once, there, and the sums run on from step to
    step. Probes below a person's last step are never accepted and cost nothing. All of it is whole numbers, so exact.
    """
    between = accepting @ counts
    so_far = np.cumsum(between, axis=0, dtype=np.float64)
    sizes = np.diff(steps.person_starts, append=steps.columns.size)
    before = (so_far - between)[steps.person_starts]
    return (so_far - np.repeat(before, sizes, axis=0)).T


def _accepting(scores: FloatArray, steps: _Steps) -> csc_array:
    """Shape (steps, probes), 1 where a step is the strictest one of its person that accepts the probe.

    By probe: its weights are read once for all people, and the steps of a block stay in the processor's cache.
    """
    by_person = np.ascontiguousarray(scores[:, steps.columns[steps.person_starts]].T)
    ends = np.append(steps.person_starts[1:], steps.columns.size).tolist()
    near, reached = [], []
    for column, start, end in zip(by_person, steps.person_starts.tolist(), ends, strict=True):
        probes = np.flatnonzero(column >= steps.scores[end - 1])
        near.append(probes)
        reached.append(start + np.searchsorted(-steps.scores[start:end], -column[probes]))
    people = np.cumsum([0, *(probes.size for probes in near)])
    rows = csr_array(
        (np.concatenate(reached), np.concatenate(near), people), shape=by_person.shape, dtype=np.int32
    ).tocsc()
    ones = np.ones(rows.data.size, dtype=np.int16)
    return csc_array((ones, rows.data, rows.indptr), shape=(steps.columns.size, scores.shape[0]))


def _as_counts(weights: FloatArray) -> IntArray:
    """The same, probes first, in the smallest type that holds their sum."""
    fits = weights.sum(axis=1).max(initial=0) < LARGEST_INT16
    return np.ascontiguousarray(weights.T, dtype=np.int16 if fits else np.int32)


def _ratio(part: FloatArray, whole: FloatArray, *, undefined: float = np.nan) -> FloatArray:
    return np.divide(part, whole, out=np.full(np.shape(part), undefined), where=np.asarray(whole) > 0)
