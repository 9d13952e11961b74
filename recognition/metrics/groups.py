"""Which faces come from the same photo or session and so must not be compared.

Two crops of one photo, or of one burst, are alike because of light and camera: letting them meet
would measure the capture and not the recogniser.
"""

import numpy as np
from numpy.typing import ArrayLike

from recognition.metrics.inputs import BoolArray, IntArray, MetricInputError

NO_GROUP = -1


def group_columns(name: str, values: ArrayLike, *, length: int) -> IntArray:
    """Return group ids as whole numbers of shape (length, kinds).

    values: shape (length,) for one kind of group (photo), or (length, kinds) for several (photo,
    session). Ids are integers; a negative id (NO_GROUP) means "in no group" and equals nothing.
    """
    array = np.asarray(values)
    if array.size == 0 and length == 0:
        return np.zeros((0, array.shape[1] if array.ndim == 2 else 1), dtype=np.int64)
    if array.dtype.kind not in "iu":
        raise MetricInputError(f"{name} must hold whole numbers (-1 for no group), but holds {array.dtype}.")
    if array.ndim not in (1, 2) or array.shape[0] != length:
        raise MetricInputError(f"{name} must have {length} rows, but has shape {array.shape}.")
    return array.reshape(length, -1)


def shares_group(first: IntArray, second: IntArray) -> BoolArray:
    """Return shape (a, b): whether face i of `first` and face j of `second` share any group.

    first, second: shape (a, kinds) and (b, kinds), as made by group_columns.
    """
    if first.shape[1] != second.shape[1]:
        raise MetricInputError("Probes and gallery must name the same kinds of group, in the same order.")
    shared = np.zeros((first.shape[0], second.shape[0]), dtype=np.bool_)
    for kind in range(first.shape[1]):
        same = first[:, kind, None] == second[None, :, kind]
        shared |= same & (first[:, kind, None] >= 0)
    return shared
