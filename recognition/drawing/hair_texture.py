"""Paints what makes a shape look like hair: strands, curls, sheen, the shadow it throws."""

import cv2
import numpy as np

from .colour import BLACK, Colour, mix
from .geometry import Figure, moved, ring
from .tile import Tile

SUNLIT: Colour = (255, 238, 214)


def paint_strands(tile: Tile, figure: Figure, strands: list[np.ndarray], colour: Colour) -> None:
    """Locks along `strands`, each (n, 2) in canvas pixels: broad and faint below, short and fine on top."""
    unit = figure.pose.unit
    rng = np.random.default_rng(figure.person.seed)
    spans = np.sort(rng.random((len(strands), 2)), axis=1) * [0.7, 1.0] + [0, 0.12]
    fine = []
    for strand, (start, end) in zip(strands, spans * len(strands[0]), strict=True):
        fine.append(strand[int(start) : max(int(end), int(start) + 4)])
    tile.lines(strands[::4], mix(colour, BLACK, 0.10), 0.06 * unit)
    tile.lines(strands[2::4], mix(colour, SUNLIT, 0.06), 0.05 * unit)
    tile.lines(fine[::2], mix(colour, BLACK, 0.15), 0.014 * unit)
    tile.lines(fine[1::2], mix(colour, SUNLIT, 0.10), 0.014 * unit)


def paint_curls(tile: Tile, figure: Figure, rows: list[np.ndarray], size: float, colour: Colour) -> None:
    """Round locks of `size` face units at the points of `rows`, each (n, 2) in canvas pixels; they add cover."""
    unit = figure.pose.unit
    rng = np.random.default_rng(figure.person.seed)
    coil = np.linspace(0.75, 0.25, 12)[:, None]
    for point in rng.permutation(np.concatenate(rows)):
        radius = size * unit * rng.uniform(0.75, 1.15)
        disc = point + radius * ring(14)
        tile.shape(disc)
        shade = rng.uniform(-0.14, 0.08)
        tile.fill(disc, mix(colour, SUNLIT if shade > 0 else BLACK, abs(shade)))
        curl = point + radius * coil * np.roll(ring(20), int(rng.integers(20)), axis=0)[:12]
        tile.lines([curl], mix(colour, BLACK, 0.3), 0.016 * unit)
        tile.lines([curl + 0.02 * unit], mix(colour, SUNLIT, 0.15), 0.014 * unit)


def paint_sheen(tile: Tile, figure: Figure, inner: np.ndarray, outer: np.ndarray, part: slice) -> None:
    """A soft band of light between two edges of the hair, each (n, 2) in canvas pixels."""
    band = [(inner + (outer - inner) * share)[part] for share in (0.42, 0.76)]
    edge = np.concatenate([band[0], band[1][::-1]])
    tile.soft(edge, mix(figure.person.hair, SUNLIT, 0.45), 0.075 * figure.pose.unit, 0.36)


def cast_shadow(canvas: np.ndarray, figure: Figure, hairline: np.ndarray) -> None:
    """The shadow of hair on the skin below its `hairline`, (n, 2) in face units."""
    unit = figure.pose.unit
    below = moved(hairline * [0.96, 1], y=0.07)
    band = np.concatenate([figure.on_face(moved(hairline, y=-0.08)), figure.on_face(below)[::-1]])
    tile = Tile.around(canvas, band, mix(figure.person.skin, (70, 28, 24), 0.62), margin=0.15 * unit)
    tile.shape(band)
    tile.cover = cv2.GaussianBlur(tile.cover, (0, 0), 0.045 * unit)
    tile.lay(0.45)
