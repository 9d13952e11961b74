"""From face-to-face similarities to one score per probe and enrolled person."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike

from recognition.metrics.groups import group_columns, shares_group
from recognition.metrics.inputs import (
    BoolArray,
    FloatArray,
    IntArray,
    Label,
    LabelArray,
    MetricInputError,
    as_floats,
    encode_together,
    label_vector,
    require_at_least,
    require_finite,
    score_matrix,
)

CELLS_PER_BLOCK = 1 << 22


class GalleryPolicy(Enum):
    """How the enrolled faces of one person become one score."""

    ONE = "one"  # the person's first gallery face, as the classic protocols enrol one photo
    BEST = "best"  # the most similar gallery face: nearest neighbour
    MEAN = "mean"  # the mean similarity to the gallery faces


@dataclass(frozen=True, eq=False)
class IdentityScores:
    """Similarity of every probe to every enrolled person; higher is more alike.

    identities: shape (people,), distinct labels. scores: shape (probes, people); −inf where probe
    and person may not be compared, because every gallery face of the person shares a group.
    """

    identities: LabelArray
    scores: FloatArray

    def __post_init__(self) -> None:
        identities = label_vector("identities", self.identities)
        if np.unique(identities).size != identities.size:
            raise MetricInputError("identities names a person twice; merge the person's gallery faces first.")
        scores = score_matrix("scores", self.scores, columns=identities.size)
        for rows in _row_blocks(*scores.shape):
            if np.isnan(scores[rows]).any() or np.isposinf(scores[rows]).any():
                raise MetricInputError("scores must hold finite numbers, or −inf where nothing may be compared.")
        object.__setattr__(self, "identities", identities)
        object.__setattr__(self, "scores", scores)

    def columns_of(self, labels: ArrayLike) -> IntArray:
        """Return the column of each probe's own person, shape (probes,); −1 when not enrolled."""
        probe_labels = label_vector("probe_labels", labels, length=self.scores.shape[0])
        names, (enrolled, probes) = encode_together([self.identities, probe_labels])
        column_of_code = np.full(len(names), -1, dtype=np.intp)
        column_of_code[enrolled] = np.arange(enrolled.size)
        return column_of_code[probes]

    def label(self, column: int) -> Label:
        """Return the label of a column as a plain Python value."""
        return self.identities[column].item()


def identity_scores(
    similarity: ArrayLike,
    gallery_labels: ArrayLike,
    policy: GalleryPolicy,
    *,
    entries: int | None = None,
    probe_groups: ArrayLike | None = None,
    gallery_groups: ArrayLike | None = None,
) -> IdentityScores:
    """Return one score per probe and person, people in order of label.

    similarity: shape (probes, gallery faces). gallery_labels: shape (gallery faces,).
    entries: use only the first so many gallery faces of each person, in the order given ("a gallery
    of k"); they are chosen before groups are looked at, so that every probe meets one gallery.
    probe_groups, gallery_groups: photo (or photo and session) of each face, shape (n,) or
    (n, kinds); a probe never meets a gallery face of its own group. −1 means no group.
    Raises MetricInputError for NaN, infinity or shapes that do not fit.
    """
    labels = label_vector("gallery_labels", gallery_labels)
    matrix = score_matrix("similarity", similarity, columns=labels.size)
    names, (codes,) = encode_together([labels])
    order = _enrolled(codes, _entries_allowed(policy, entries))
    groups = _groups(probe_groups, gallery_groups, matrix.shape)
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    out = np.empty((matrix.shape[0], len(names)), np.float64 if policy is GalleryPolicy.MEAN else matrix.dtype)
    for rows in _row_blocks(*matrix.shape):
        block = matrix[rows][:, order]
        require_finite("similarity", block)
        apart = None if groups is None else ~shares_group(groups[0][rows], groups[1][order])
        out[rows] = _pool(block, apart, starts, policy)
    return IdentityScores(names, out)


def best_scores(probes: ArrayLike, gallery: ArrayLike, gallery_labels: ArrayLike) -> IdentityScores:
    """Return the highest cosine similarity of each probe to each person: identity_scores with GalleryPolicy.BEST.

    probes, gallery: shape (n, d) and (m, d), unit length. The (n, m) matrix is never built, only blocks of it.
    """
    mine, theirs = as_floats("probes", probes), as_floats("gallery", gallery)
    return best_scores_from(lambda rows, columns: mine[rows] @ theirs[columns].T, len(mine), gallery_labels)


def best_scores_from(
    source: Callable[[slice, IntArray], FloatArray], probes: int, gallery_labels: ArrayLike
) -> IdentityScores:
    """The same with similarities that `source(rows, columns)` works out, shape (rows, columns), for `probes` rows."""
    labels = label_vector("gallery_labels", gallery_labels)
    names, (codes,) = encode_together([labels])
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    found = [np.zeros((0, len(names)), np.float32)]
    for rows in _row_blocks(probes, labels.size):
        block = source(rows, order)
        require_finite("similarity", block)
        found.append(np.maximum.reduceat(block, starts, axis=1) if labels.size else block)
    return IdentityScores(names, np.concatenate(found[1:] or found))


def mean_templates(embeddings: ArrayLike, labels: ArrayLike) -> tuple[LabelArray, FloatArray]:
    """Return (identities, templates): the mean embedding of each person, made unit length again.

    embeddings: shape (n, d). labels: shape (n,). templates: shape (people, d), float64, people in
    order of label. Probe embeddings times templates transposed are scores for IdentityScores.
    Raises MetricInputError when a person's embeddings cancel out, as they have no mean direction.
    """
    vectors = as_floats("embeddings", embeddings)
    if vectors.ndim != 2:
        raise MetricInputError(f"embeddings must have shape (faces, length), but have {vectors.shape}.")
    require_finite("embeddings", vectors)
    names, (codes,) = encode_together([label_vector("labels", labels, length=vectors.shape[0])])
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    sums = np.add.reduceat(vectors[order], starts, axis=0, dtype=np.float64)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    if (lengths == 0).any():
        cancelled = names[int(np.argmin(lengths))]
        raise MetricInputError(f"The embeddings of {cancelled} cancel out, so they have no mean template.")
    return names, sums / lengths


def _entries_allowed(policy: GalleryPolicy, entries: int | None) -> int | None:
    if policy is GalleryPolicy.ONE:
        if entries not in (None, 1):
            raise MetricInputError(f"GalleryPolicy.ONE uses one gallery face a person, not {entries}.")
        return 1
    return None if entries is None else require_at_least("entries", entries, 1)


def _enrolled(codes: IntArray, entries: int | None) -> IntArray:
    """Gallery indices sorted by person, in given order within one, at most `entries` of each."""
    order = np.argsort(codes, kind="stable")
    if entries is None:
        return order
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    place = np.arange(codes.size) - np.repeat(starts, np.bincount(codes))
    return order[place < entries]


def _groups(
    probe: ArrayLike | None, gallery: ArrayLike | None, shape: tuple[int, ...]
) -> tuple[IntArray, IntArray] | None:
    if probe is None and gallery is None:
        return None
    if probe is None or gallery is None:
        raise MetricInputError("Give groups for the probes and for the gallery, or for neither.")
    return (
        group_columns("probe_groups", probe, length=shape[0]),
        group_columns("gallery_groups", gallery, length=shape[1]),
    )


def _pool(block: FloatArray, apart: BoolArray | None, starts: IntArray, policy: GalleryPolicy) -> FloatArray:
    """One value per person from the columns of `block`, which stand together from each of `starts`."""
    if policy is not GalleryPolicy.MEAN:
        usable = block if apart is None else np.where(apart, block, -np.inf).astype(block.dtype, copy=False)
        return np.maximum.reduceat(usable, starts, axis=1)
    weights = np.ones(block.shape) if apart is None else apart.astype(np.float64)
    sums = np.add.reduceat(block * weights, starts, axis=1)
    counts = np.add.reduceat(weights, starts, axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), -np.inf)


def _row_blocks(rows: int, columns: int) -> list[slice]:
    step = max(1, CELLS_PER_BLOCK // max(columns, 1))
    return [slice(start, min(rows, start + step)) for start in range(0, rows, step)]
