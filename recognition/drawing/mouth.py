"""Shapes and paints the mouth."""

from dataclasses import dataclass

import numpy as np

from .colour import UMBER, Colour, mix
from .geometry import Figure, moved, ring
from .shot import Shot
from .tile import Tile

INSIDE: Colour = (82, 28, 34)
TEETH: Colour = (244, 239, 232)


@dataclass(frozen=True)
class Lips:
    """Edges from the viewer's left to the right corner, (n, 2) each, in face units.

    `top` and `bottom` bound the opening; they coincide when the mouth is shut.
    """

    upper: np.ndarray
    top: np.ndarray
    bottom: np.ndarray
    lower: np.ndarray


def lips(figure: Figure, shot: Shot) -> Lips:
    """The mouth of this person with this expression."""
    p = figure.person
    smile, drop = shot.smile, max(shot.jaw_drop, 0.0)
    width = p.mouth_width * (1 + 0.16 * max(smile, 0) - 0.05 * drop)
    x = np.linspace(-1, 1, 25)
    away = np.abs(x)
    line = p.mouth_y + 0.045 * smile - (0.03 + 0.10 * smile) * away**1.8
    line = line + 0.008 * np.cos(3 * np.pi * x) * (1 - away)
    gap = 0.17 * drop * np.sqrt(np.clip(1 - x**2, 0, 1))
    top, bottom = line - 0.25 * gap, line + 0.75 * gap
    bow = np.interp(away, [0, 0.16, 0.5, 1], [0.80, 1.0, 0.66, 0.0])
    stretched = 1 - 0.22 * max(smile, 0)
    edges = (
        top - p.upper_lip * stretched * bow,
        top,
        bottom,
        bottom + p.lower_lip * stretched * np.clip(1 - away**2.6, 0, 1),
    )
    return Lips(*(np.stack([width * x, y], axis=1) for y in edges))


def paint_mouth(tile: Tile, figure: Figure, shot: Shot) -> None:
    """Lips, and teeth when the mouth is open."""
    p, unit, shape = figure.person, figure.pose.unit, lips(figure, shot)
    upper, top, bottom, lower = (
        figure.on_face(edge, 0.03) for edge in (shape.upper, shape.top, shape.bottom, shape.lower)
    )
    shadow = mix(p.skin, (90, 34, 30), 0.5)
    under = shape.lower[6:-6]
    chin_shadow = np.concatenate([moved(under, y=0.015), moved(under[::-1], y=0.07)])
    tile.soft(figure.on_face(chin_shadow), shadow, 0.035 * unit, 0.4)
    tile.soft(np.concatenate([upper, top[::-1]]), mix(p.lip_colour, UMBER, 0.16), 0.012 * unit)
    tile.soft(np.concatenate([bottom, lower[::-1]]), p.lip_colour, 0.012 * unit)
    if shot.jaw_drop > 0.08:
        tile.fill(np.concatenate([top, bottom[::-1]]), INSIDE)
        teeth = top + 0.72 * (bottom - top)
        tile.fill(np.concatenate([top[2:-2], teeth[2:-2][::-1]]), mix(TEETH, p.skin, 0.06))
        tile.line(top, mix(p.lip_colour, UMBER, 0.5), 0.014 * unit)
    else:
        tile.soft_line(top, mix(p.lip_colour, UMBER, 0.75), 0.04 * unit, 1.0)
    for corner in (top[0], top[-1]):
        tile.soft(corner + 0.026 * unit * ring(10) - [0, 0.01 * unit], shadow, 0.02 * unit, 0.45)
    ridge = shape.lower[8:-8]
    shine = [figure.on_face(ridge - [0, share * p.lower_lip], 0.03) for share in (0.7, 0.5)]
    gloss = mix(p.lip_colour, (255, 235, 225), 0.6)
    tile.soft(np.concatenate([shine[0], shine[1][::-1]]), gloss, 0.018 * unit, 0.32)
