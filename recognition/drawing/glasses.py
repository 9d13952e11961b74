"""Draws glasses over a finished head."""

import numpy as np

from .geometry import Figure, ring, smooth
from .light import round_light
from .shot import Shot
from .tile import Tile

DEPTH = 0.98  # the rims' plane, face units before the ears


def draw_glasses(canvas: np.ndarray, figure: Figure, shot: Shot) -> None:
    """Rims, bridge, a hint of glass, and the sides that lead to the ears."""
    p = figure.person
    if p.glasses == "none":
        return
    rims = [figure.at_depth(_rim(figure) * [side, 1], DEPTH) for side in (-1, 1)]
    gap = p.eye_gap - 0.315
    bridge = figure.at_depth(smooth([(-gap, -0.03), (0, -0.085), (gap, -0.03)]), DEPTH + 0.05)
    ends = np.array([(p.eye_gap + 0.34, -0.07), (p.head_width, -0.07)])
    sides = [figure.at_depth(ends * [side, 1], np.array([DEPTH, 0.15])) for side in (-1, 1)]
    _draw_glass(canvas, rims)
    width = (0.036 if p.glasses == "round" else 0.05) * figure.pose.unit
    tile = Tile.around(canvas, np.concatenate(rims + sides), p.frame, margin=2 * width)
    tile.cover_lines(rims, width, closed=True)
    tile.cover_lines([bridge, *sides], width)
    tile.lit(round_light(figure, shot, tile.grid(), (0, 0), (1.5, 1.5), 0.4))
    tile.lay()


def _draw_glass(canvas: np.ndarray, rims: list[np.ndarray]) -> None:
    glass = Tile.around(canvas, np.concatenate(rims), (236, 244, 250))
    for rim in rims:
        glass.shape(rim)
    glass.lay(0.10)


def _rim(figure: Figure) -> np.ndarray:
    """The rim over the viewer's right eye, (n, 2) in face units."""
    e = figure.person.eye_gap
    if figure.person.glasses == "round":
        return ring(40) * [0.33, 0.31] + [e, 0.03]
    lift = 0.07 if figure.person.glasses == "cat" else 0.0
    corners = [
        (e - 0.33, -0.15),
        (e, -0.19 - lift / 2),
        (e + 0.34, -0.19 - lift),
        (e + 0.355, 0.03),
        (e + 0.27, 0.24),
        (e - 0.02, 0.29),
        (e - 0.27, 0.23),
        (e - 0.335, 0.02),
    ]
    return smooth(corners, closed=True, steps=6)
