"""Paints beards and moustaches into the tile of a head."""

import numpy as np

from .colour import BLACK, Colour, mix
from .geometry import Figure, mirrored, symmetric
from .mouth import lips
from .shot import Shot
from .tile import Tile


def paint_beard(tile: Tile, figure: Figure, shot: Shot) -> None:
    """Hair on cheeks, chin and lip; the mouth is painted over it afterwards."""
    p, unit = figure.person, figure.pose.unit
    if p.beard == "none":
        return
    colour = mix(p.hair, (34, 22, 20), 0.2)
    mouth = p.mouth_y - 0.05 * max(shot.smile, 0)
    if p.beard in ("stubble", "full"):
        jaw = _jawline(figure)
        dense = p.beard == "full"
        if dense:
            tile.shape(jaw)
        region = np.concatenate([jaw, figure.on_face(_cheek_line(figure, mouth))])
        tile.soft(region, colour, (0.035 if dense else 0.06) * unit, 0.96 if dense else 0.3)
    if p.beard == "goatee":
        half = [
            (0, mouth + 0.16),
            (0.22, mouth + 0.12),
            (0.34, mouth - 0.03),
            (0.42, mouth + 0.04),
            (0.36, mouth + 0.3),
            (0.2, p.chin - 0.02),
            (0, p.chin + 0.02),
        ]
        tile.soft(figure.on_face(symmetric(half)), colour, 0.03 * unit, 0.92)
    if p.beard in ("moustache", "goatee", "full"):
        upper = lips(figure, shot).upper
        arch = np.cos(np.linspace(-1.35, 1.35, len(upper))) ** 0.6
        wide = 1.22 if p.beard == "moustache" else 1.12
        above = upper * [0.9 * wide, 1] - 0.125 * arch[:, None] * [0, 1]
        edge = np.concatenate([upper * [wide, 1] + [0, 0.03], above[::-1]])
        tile.soft(figure.on_face(edge, 0.06), colour, 0.02 * unit, 0.95)
    if p.beard in ("goatee", "full"):
        _paint_hairs(tile, figure, colour, mouth)


def _jawline(figure: Figure) -> np.ndarray:
    """The jaw a little outside the skin, from the viewer's right ear to the left, (n, 2) in canvas pixels."""
    start = 0.05
    outline = figure.outline[figure.outline[:, 1] > start]
    grown = 1 + 0.06 * np.clip((outline[:, 1] - start) / (figure.person.chin - start), 0, 1)
    return figure.around(outline * grown[:, None])


def _cheek_line(figure: Figure, mouth: float) -> np.ndarray:
    """The upper edge of a beard from the viewer's left to the right, (n, 2) in face units."""
    w = figure.person.head_width
    return mirrored(
        [
            (0.0, mouth - 0.13),
            (0.26, mouth - 0.14),
            (0.44, mouth - 0.06),
            (0.66 * w, mouth - 0.20),
            (0.85 * w, 0.42),
            (0.955 * w, 0.06),
        ]
    )


def _paint_hairs(tile: Tile, figure: Figure, colour: Colour, mouth: float) -> None:
    p, unit = figure.person, figure.pose.unit
    rng = np.random.default_rng(p.seed)
    if p.beard == "full":
        angle, reach = rng.uniform(-1.35, 1.35, 150), rng.uniform(0.72, 1.0, 150)
        y = mouth - 0.1 + (p.chin - mouth + 0.1) * np.cos(angle) * reach
        roots = np.stack([0.92 * p.head_width * np.sin(angle) * reach, y], axis=1)
        roots = roots[np.hypot(roots[:, 0] / 0.42, (roots[:, 1] - mouth) / 0.2) > 1]
    else:
        roots = np.stack([rng.uniform(-0.26, 0.26, 44), rng.uniform(mouth + 0.2, p.chin - 0.06, 44)], axis=1)
    ends = roots + np.stack([0.10 * roots[:, 0], np.full(len(roots), 0.075)], axis=1)
    strands = list(np.stack([figure.on_face(roots, 0.03), figure.on_face(ends, 0.03)], axis=1))
    tile.lines(strands[::2], mix(colour, (255, 230, 200), 0.10), 0.012 * unit)
    tile.lines(strands[1::2], mix(colour, BLACK, 0.16), 0.012 * unit)
