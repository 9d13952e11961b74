"""Boxes in upright pixels: (x, y, w, h), origin top left."""

from math import isfinite

Box = tuple[float, float, float, float]
MIN_SIDE = 1.0


class BadBox(ValueError):
    """Not a box of this image; the message says why."""


def clip_box(box, width: int, height: int) -> Box:
    """The part of `box` inside a width × height image, to a hundredth of a pixel.

    Raises BadBox when the numbers make no box or nothing of it lies inside.
    """
    try:
        x, y, w, h = (float(side) for side in box)
    except (TypeError, ValueError, OverflowError):
        raise BadBox("A box is four numbers: x, y, width, height.") from None
    if not all(isfinite(side) for side in (x, y, w, h)) or w <= 0 or h <= 0:
        raise BadBox("A box needs finite numbers and a width and height above zero.")
    left, right = _span(x, w, width)
    top, bottom = _span(y, h, height)
    if right - left < MIN_SIDE or bottom - top < MIN_SIDE:
        raise BadBox(f"The box must lie inside the image ({width} × {height} pixels) and be a pixel or more wide.")
    return left, top, _hundredths(right - left, left, width), _hundredths(bottom - top, top, height)


def _span(start: float, length: float, limit: int) -> tuple[float, float]:
    return round(min(max(start, 0.0), limit), 2), min(max(start + length, 0.0), limit)


def _hundredths(length: float, start: float, limit: int) -> float:
    """Rounded, but never past the edge: the database compares start + length with the image exactly."""
    rounded = round(length, 2)
    return rounded if start + rounded <= limit else round(rounded - 0.01, 2)


def is_same_box(a: Box, b: Box) -> bool:
    """Whether both are one to the hundredth of a pixel that boxes are kept to."""
    return max(abs(one - other) for one, other in zip(a, b, strict=True)) < 0.005


def iou(a: Box, b: Box) -> float:
    """Intersection over union, 0 to 1."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / (a[2] * a[3] + b[2] * b[3] - w * h)
