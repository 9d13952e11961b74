"""All pairs of labelled faces, split into genuine (same person) and impostor (different people).

Each unordered pair is taken once and no face meets itself. Pairs are read in blocks of rows: what
the ROC needs beside its input grows with the genuine pairs only, never with the impostor pairs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from recognition.metrics.groups import group_columns, shares_group
from recognition.metrics.inputs import (
    BoolArray,
    FloatArray,
    IntArray,
    MetricInputError,
    as_floats,
    encode_together,
    label_vector,
    require_at_least,
    require_finite,
    score_matrix,
)
from recognition.metrics.roc import IMPOSTORS_PER_CHUNK, RocCounter, RocCurve

CELLS_PER_BLOCK = 1 << 22

type ScoreSource = Callable[[slice | IntArray, slice | IntArray], FloatArray]
"""source(rows, columns) → similarities of shape (rows, columns)."""

type PairListener = Callable[[FloatArray, bool], None]
"""listener(scores, genuine), called with every pair's score once, many at a time."""


@dataclass(frozen=True, eq=False)
class PairScores:
    """Scores of same-person pairs, shape (n,), and of different-person pairs, shape (m,)."""

    genuine: FloatArray
    impostor: FloatArray


@dataclass(frozen=True, eq=False)
class _Faces:
    source: ScoreSource
    codes: IntArray
    groups: IntArray | None
    cells_per_block: int


def split_pairs(
    similarity: ArrayLike,
    labels: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    cells_per_block: int = CELLS_PER_BLOCK,
) -> PairScores:
    """Return the scores of all pairs, both kinds in memory: for sets of a few thousand faces.

    similarity: shape (n, n), symmetric, higher is more alike; only the part above the diagonal is
    read. labels: shape (n,). groups: photo (or photo and session) of each face, shape (n,) or
    (n, kinds); pairs that share one are left out, -1 means no group.
    Raises MetricInputError for NaN, infinity or shapes that do not fit.
    """
    faces = _faces_of_matrix(similarity, labels, groups, cells_per_block)
    genuine, impostor = _genuine(faces), list(_impostor_blocks(faces))
    return PairScores(genuine, np.concatenate(impostor) if impostor else genuine[:0])


def roc_of_similarity(
    similarity: ArrayLike,
    labels: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    cells_per_block: int = CELLS_PER_BLOCK,
) -> RocCurve:
    """Return the exact ROC of all pairs of a (n, n) similarity matrix; arguments as in split_pairs.

    Besides the matrix, memory grows with the genuine pairs only.
    """
    return _roc(_faces_of_matrix(similarity, labels, groups, cells_per_block))


def roc_of_embeddings(
    embeddings: ArrayLike,
    labels: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    cells_per_block: int = CELLS_PER_BLOCK,
) -> RocCurve:
    """Return the exact ROC of the cosine similarity of all pairs, the matrix never being built.

    embeddings: shape (n, d), unit length (not checked beyond 1e-3). labels, groups: as in split_pairs.
    """
    vectors = as_floats("embeddings", embeddings)
    if vectors.ndim != 2:
        raise MetricInputError(f"embeddings must have shape (faces, length), but have {vectors.shape}.")
    require_finite("embeddings", vectors)
    lengths = np.linalg.norm(vectors, axis=1)
    if vectors.shape[0] and np.abs(lengths - 1).max() > 1e-3:
        raise MetricInputError("embeddings must have unit length; divide each by its norm first.")
    return roc_of_source(
        lambda rows, columns: vectors[rows] @ vectors[columns].T,
        labels,
        groups=groups,
        cells_per_block=cells_per_block,
    )


def roc_of_source(
    source: ScoreSource,
    labels: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    listener: PairListener | None = None,
    cells_per_block: int = CELLS_PER_BLOCK,
) -> RocCurve:
    """Return the exact ROC of all pairs, whose similarities `source` works out block by block.

    labels, groups: as in split_pairs. listener: hears every pair's score, so that what else is made of all pairs
    needs no second pass.
    """
    count = label_vector("labels", labels).size
    return _roc(_faces(source, count, labels, groups, cells_per_block), listener)


def _faces_of_matrix(
    similarity: ArrayLike, labels: ArrayLike, groups: ArrayLike | None, cells_per_block: int
) -> _Faces:
    matrix = score_matrix("similarity", similarity)
    if matrix.shape[0] != matrix.shape[1]:
        raise MetricInputError(f"similarity must be square (face by face), but has shape {matrix.shape}.")

    def read(rows: slice | IntArray, columns: slice | IntArray) -> FloatArray:
        if isinstance(rows, slice) or isinstance(columns, slice):
            return matrix[rows, columns]
        return matrix[np.ix_(rows, columns)]

    return _faces(read, len(matrix), labels, groups, cells_per_block)


def _faces(
    source: ScoreSource, count: int, labels: ArrayLike, groups: ArrayLike | None, cells_per_block: int
) -> _Faces:
    _, (codes,) = encode_together([label_vector("labels", labels, length=count)])
    columns = None if groups is None else group_columns("groups", groups, length=count)
    return _Faces(source, codes.astype(np.int32), columns, require_at_least("cells_per_block", cells_per_block, 1))


def _roc(faces: _Faces, listener: PairListener | None = None) -> RocCurve:
    genuine = _genuine(faces)
    tell = listener or (lambda scores, genuine: None)
    tell(genuine, True)
    counter = RocCounter(genuine)
    waiting: list[FloatArray] = []
    for scores in _impostor_blocks(faces):
        tell(scores, False)
        waiting.append(scores)
        # Few large chunks: each one costs a search for every genuine score.
        if sum(part.size for part in waiting) >= IMPOSTORS_PER_CHUNK:
            counter.add_impostors(np.concatenate(waiting))
            waiting = []
    if waiting:
        counter.add_impostors(np.concatenate(waiting))
    return counter.curve()


def _genuine(faces: _Faces) -> FloatArray:
    """Scores of same-person pairs, person by person: no need to look at the whole matrix."""
    order = np.argsort(faces.codes, kind="stable")
    ends = np.cumsum(np.bincount(faces.codes)) if faces.codes.size else np.zeros(0, dtype=np.int64)
    found = [faces.source(order[:0], order[:0]).reshape(-1)]
    for member_indices in np.split(order, ends[:-1]) if ends.size else []:
        for start, stop in _row_blocks(member_indices.size, faces.cells_per_block):
            rows, columns = member_indices[start:stop], member_indices[start:]
            block = faces.source(rows, columns)
            found.append(block[_allowed(faces, rows, columns)])
    genuine = np.concatenate(found)
    require_finite("similarity", genuine)
    return genuine


def _impostor_blocks(faces: _Faces) -> Iterator[FloatArray]:
    """Scores of different-person pairs, one array per block of rows."""
    for start, stop in _row_blocks(faces.codes.size, faces.cells_per_block):
        rows, columns = np.arange(start, stop), slice(start, None)
        block = faces.source(slice(start, stop), columns)
        require_finite("similarity", block)
        allowed = _allowed(faces, rows, np.arange(start, faces.codes.size))
        allowed &= faces.codes[rows, None] != faces.codes[None, columns]
        yield block[allowed]


def _row_blocks(count: int, cells: int) -> Iterator[tuple[int, int]]:
    """Row ranges of a triangle of `count` rows, each of about `cells` cells, so later ones are taller."""
    start = 0
    while start < count:
        stop = min(count, start + max(1, cells // (count - start)))
        yield start, stop
        start = stop


def _allowed(faces: _Faces, rows: IntArray, columns: IntArray) -> BoolArray:
    """Pairs above the diagonal (columns begin with the rows) that share no group."""
    allowed = np.ones((rows.size, columns.size), dtype=np.bool_)
    allowed[:, : rows.size] = np.triu(allowed[:, : rows.size], k=1)
    if faces.groups is not None:
        allowed &= ~shares_group(faces.groups[rows], faces.groups[columns])
    return allowed
