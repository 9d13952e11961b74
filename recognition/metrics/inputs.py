"""Checks that every measure makes on what it is given, with a sentence a person can act on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

type FloatArray = NDArray[np.floating[Any]]
type IntArray = NDArray[np.integer[Any]]
type BoolArray = NDArray[np.bool_]
type LabelArray = NDArray[Any]
type Label = int | str


class MetricInputError(ValueError):
    """A measure was given something it cannot measure: wrong shape, not a number, out of range."""


def as_floats(name: str, values: ArrayLike) -> FloatArray:
    """Return `values` as float32 or float64, whatever the shape, without copying when it can.

    float32 stays float32: sorting it costs half, and every float32 is exact in float64.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise MetricInputError(f"{name} is ragged: give rows of equal length.") from error
    if array.dtype.kind not in "fiub":
        raise MetricInputError(f"{name} must hold numbers, but holds {array.dtype}.")
    if array.dtype in (np.float32, np.float64):
        return array
    return array.astype(np.float32 if array.dtype == np.float16 else np.float64)


def require_finite(name: str, array: FloatArray) -> None:
    """Refuse NaN and infinity: a NaN score has no rank, so any answer would be made up."""
    if not np.isfinite(array).all():
        bad = int(array.size - np.count_nonzero(np.isfinite(array)))
        raise MetricInputError(f"{name} holds {bad} value(s) that are not finite numbers; remove or recompute them.")


def score_vector(name: str, values: ArrayLike) -> FloatArray:
    """Return `values` as finite floats of shape (n,)."""
    array = as_floats(name, values)
    if array.ndim != 1:
        raise MetricInputError(f"{name} must have one dimension, but has shape {array.shape}.")
    require_finite(name, array)
    return array


def score_matrix(name: str, values: ArrayLike, *, rows: int | None = None, columns: int | None = None) -> FloatArray:
    """Return `values` as floats of shape (rows, columns). Finiteness is checked block by block later."""
    array = as_floats(name, values)
    if array.ndim != 2:
        raise MetricInputError(f"{name} must have two dimensions, but has shape {array.shape}.")
    expected = (array.shape[0] if rows is None else rows, array.shape[1] if columns is None else columns)
    if array.shape != expected:
        raise MetricInputError(f"{name} must have shape {expected}, but has shape {array.shape}.")
    return array


def flag_vector(name: str, values: ArrayLike, *, length: int) -> BoolArray:
    """Return `values` (booleans, or numbers that are 0 or 1) as booleans of shape (length,)."""
    array = np.asarray(values)
    require_length(name, array, length)
    if array.dtype == np.bool_ or array.size == 0:
        return array.astype(np.bool_)
    if array.dtype.kind not in "iuf" or not np.isin(array, (0, 1)).all():
        raise MetricInputError(f"{name} must hold only true and false (or 1 and 0).")
    return array.astype(np.bool_)


def label_vector(name: str, values: ArrayLike, *, length: int | None = None) -> LabelArray:
    """Return identity labels, all integers or all text, as an array of shape (n,)."""
    array = np.asarray(values)
    if array.size == 0 and array.dtype.kind == "f":  # what numpy makes of an empty list
        array = array.astype(np.int64)
    if array.dtype.kind == "O" and all(isinstance(value, str) for value in array.flat):
        array = array.astype(np.str_)
    if array.dtype.kind not in "iuU":
        raise MetricInputError(f"{name} must hold whole numbers or text, one per face, but holds {array.dtype}.")
    if length is None:
        length = array.size
    require_length(name, array, length)
    return array


def require_length(name: str, array: NDArray[Any], length: int) -> None:
    """Refuse an array whose shape is not (length,)."""
    if array.shape != (length,):
        raise MetricInputError(f"{name} must have shape ({length},), but has shape {array.shape}.")


def encode_together(vectors: Sequence[LabelArray]) -> tuple[LabelArray, list[IntArray]]:
    """Return the sorted distinct labels of all `vectors`, and each vector as indices into them.

    Raises MetricInputError when numbers meet text: 7 never equals "7", so each such face would
    silently count as somebody else.
    """
    filled = [vector for vector in vectors if vector.size]
    if not filled:
        return np.zeros(0, dtype=np.int64), [np.zeros(0, dtype=np.intp) for _ in vectors]
    if len({vector.dtype.kind == "U" for vector in filled}) > 1:
        raise MetricInputError("Some labels are numbers and some are text; use the same kind everywhere.")
    names, codes = np.unique(np.concatenate(filled), return_inverse=True)
    ends = np.cumsum([vector.size for vector in vectors])
    return names, np.split(codes.reshape(-1), ends[:-1])


def require_share(name: str, value: float) -> float:
    """Return `value` when it lies strictly between 0 and 1."""
    if not 0 < value < 1:
        raise MetricInputError(f"{name} must lie between 0 and 1, but is {value}.")
    return float(value)


def require_at_least(name: str, value: int, least: int) -> int:
    """Return `value` when it is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise MetricInputError(f"{name} must be a whole number of at least {least}, but is {value}.")
    return int(value)


def share_or_none(part: float, whole: float) -> float | None:
    """Return part / whole, or None when there is nothing to take a share of."""
    return float(part / whole) if whole else None
