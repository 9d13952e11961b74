"""Thinning a curve for a chart without losing its shape."""

import heapq

import numpy as np
from numpy.typing import ArrayLike

from recognition.metrics.inputs import FloatArray, IntArray, MetricInputError, require_at_least, score_vector


def decimate_curve(x: ArrayLike, y: ArrayLike, max_points: int) -> IntArray:
    """Return the indices of at most `max_points` points that draw the curve best, in order.

    x, y: shape (n,), in the coordinates of the chart (give log10 of x for a logarithmic axis).
    The two ends always stay. Then the point furthest from the line drawn so far is added, again
    and again, so corners come first and points on straight stretches never do. Both axes are
    scaled to [0, 1] for that. Returning indices lets thresholds be thinned alike.
    Raises MetricInputError for NaN, different lengths or max_points < 2.
    Source: Ramer (1972), Douglas and Peucker (1973), with a point budget in place of a tolerance.
    """
    require_at_least("max_points", max_points, 2)
    xs, ys = _scaled(score_vector("x", x)), _scaled(score_vector("y", y))
    if xs.shape != ys.shape:
        raise MetricInputError(f"x and y must be equally long, but have {xs.size} and {ys.size} points.")
    if xs.size <= 2:
        return np.arange(xs.size)
    kept = {0, xs.size - 1}
    waiting: list[tuple[float, int, int, int]] = []
    _offer(waiting, xs, ys, 0, xs.size - 1)
    while waiting and len(kept) < max_points:
        _, start, corner, stop = heapq.heappop(waiting)
        kept.add(corner)
        _offer(waiting, xs, ys, start, corner)
        _offer(waiting, xs, ys, corner, stop)
    return np.array(sorted(kept), dtype=np.intp)


def _scaled(values: FloatArray) -> FloatArray:
    wide = values.astype(np.float64)
    if wide.size == 0 or wide.max() == wide.min():
        return np.zeros(wide.size)
    return (wide - wide.min()) / (wide.max() - wide.min())


def _offer(waiting: list[tuple[float, int, int, int]], xs: FloatArray, ys: FloatArray, start: int, stop: int) -> None:
    """Queue the point between `start` and `stop` that lies furthest from the line joining them."""
    if stop - start < 2:
        return
    dx, dy = xs[stop] - xs[start], ys[stop] - ys[start]
    px, py = xs[start + 1 : stop] - xs[start], ys[start + 1 : stop] - ys[start]
    length = float(np.hypot(dx, dy))
    distances = np.abs(dx * py - dy * px) / length if length > 0 else np.hypot(px, py)
    furthest = int(np.argmax(distances))
    if distances[furthest] > 1e-12:  # anything nearer is rounding, not shape
        heapq.heappush(waiting, (-float(distances[furthest]), start, start + 1 + furthest, stop))
