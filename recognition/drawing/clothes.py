"""Draws neck, shoulders and what is worn over them."""

import numpy as np

from .colour import BLACK, WHITE, Colour, mix
from .geometry import Figure, mirrored, moved, smooth
from .light import round_light
from .shot import Shot
from .tile import Tile

NECKLINE = {"vneck": 2.62, "shirt": 2.3, "blazer": 2.5}  # the lowest point of bare skin, face units
ROUND_NECKLINE = 2.14
HEM = 14.0  # below the lower edge of any picture
TORSO_MIDDLE, TORSO_RADII = (0, 3.3), (2.4, 2.9)
NECK_TINT = (0.99, 0.96, 0.94)


def draw_body(canvas: np.ndarray, figure: Figure, shot: Shot) -> None:
    """Neck and torso down to the lower edge of the canvas."""
    neck = 0.47 + 0.12 * figure.person.masculine
    opening = _neckline(neck, shot)
    if shot.garment == "hoodie":
        hood = mirrored([(0, 1.1), (neck * 1.2, 1.25), (neck * 1.9, 1.6), (neck * 2.3, 1.98), (neck, 2.3)])
        _draw_piece(canvas, figure, shot, hood, mix(shot.cloth, BLACK, 0.14))
    _draw_torso(canvas, figure, shot)
    _draw_neck(canvas, figure, shot, neck, opening)
    if shot.garment == "shirt":
        _draw_shirt_collar(canvas, figure, shot, neck)
    elif shot.garment == "blazer":
        _draw_lapels(canvas, figure, shot, neck)
    else:
        _draw_ribbing(canvas, figure, shot, opening)


def _neckline(neck: float, shot: Shot) -> np.ndarray:
    """The edge of the cloth round the neck from the viewer's left to the right, (n, 2) in face units."""
    dip = NECKLINE.get(shot.garment, ROUND_NECKLINE)
    if shot.garment == "vneck":
        return mirrored([(0, dip), (neck * 0.62, dip - 0.38), (neck * 1.32, 1.80)])
    return mirrored([(0, dip), (neck * 0.5, dip - 0.05), (neck * 1.02, dip - 0.19), (neck * 1.32, 1.80)])


def _draw_neck(canvas: np.ndarray, figure: Figure, shot: Shot, neck: float, opening: np.ndarray) -> None:
    p, unit = figure.person, figure.pose.unit
    left = smooth([(-neck * 0.98, 0.9), (-neck * 0.97, 1.4), (-neck * 1.08, 1.66), (-neck * 1.32, 1.81)])
    edge = figure.upright(np.concatenate([left, opening, left[::-1] * [-1, 1]]))
    tile = Tile.around(canvas, edge, mix(p.skin, (150, 84, 60), 0.08))
    tile.shape(edge)
    shade = mix(p.skin, (84, 34, 28), 0.5)
    jaw = figure.around(figure.outline[figure.outline[:, 1] > 0.6])
    tile.soft(moved(jaw, y=0.15 * unit), shade, 0.09 * unit, 0.85)
    for side in (-1, 1):
        sinew = smooth([(side * neck * 0.8, 1.3), (side * neck * 0.55, 1.7), (side * 0.1, 2.04)])
        band = np.concatenate([sinew, moved(sinew[::-1], side * 0.06)])
        tile.soft(figure.upright(band), shade, 0.035 * unit, 0.28)
    tile.lit(round_light(figure, shot, tile.grid(), (0, 1.6), (0.95, 2.6)) * NECK_TINT)
    tile.lay()


def _draw_torso(canvas: np.ndarray, figure: Figure, shot: Shot) -> None:
    s, unit = figure.person.shoulders, figure.pose.unit
    shoulder = smooth([(0.3, 1.78), (0.62, 1.80), (s * 0.70, 2.10), (s * 0.91, 2.36), (s * 1.02, 2.9), (s * 1.06, 4.0)])
    right = np.concatenate([shoulder, [(s * 1.06, HEM)]])
    edge = figure.upright(np.concatenate([right, right[::-1] * [-1, 1]]))
    tile = Tile.around(canvas, edge, shot.cloth)
    tile.shape(edge)
    if shot.garment == "stripes":
        across = np.linspace(-1, 1, 15)
        for y in np.arange(2.25, HEM, 0.34):
            stripe = np.stack([3 * across, y - 0.2 * across**2], axis=1)
            tile.fill(figure.upright(np.concatenate([stripe, moved(stripe[::-1], y=0.14)])), shot.trim)
    for side in (-1, 1):
        crease = smooth([(side * s * 0.80, 2.75), (side * s * 0.75, 3.3), (side * s * 0.8, 4.6)])
        band = np.concatenate([crease, moved(crease[::-1], side * 0.06)])
        tile.soft(figure.upright(band), mix(shot.cloth, BLACK, 0.5), 0.05 * unit, 0.5)
    tile.lit(round_light(figure, shot, tile.grid(), TORSO_MIDDLE, TORSO_RADII, 0.55))
    tile.lay()


def _draw_ribbing(canvas: np.ndarray, figure: Figure, shot: Shot, opening: np.ndarray) -> None:
    """The band along a round or pointed neckline."""
    path = figure.upright(opening)
    width = (0.17 if shot.garment == "hoodie" else 0.085) * figure.pose.unit
    tile = Tile.around(canvas, path, mix(shot.cloth, BLACK, 0.12), margin=width)
    tile.cover_lines([path], width)
    tile.lit(round_light(figure, shot, tile.grid(), TORSO_MIDDLE, TORSO_RADII))
    tile.lay()


def _draw_shirt_collar(canvas: np.ndarray, figure: Figure, shot: Shot, neck: float) -> None:
    flap = np.array(
        [(neck * 0.98, 1.52), (neck * 1.42, 1.80), (0.80, 2.26), (0.42, 2.52), (0.05, 2.26), (neck * 0.85, 1.95)]
    )
    for side in (-1, 1):
        _draw_piece(canvas, figure, shot, flap * [side, 1], mix(shot.cloth, WHITE, 0.09))


def _draw_lapels(canvas: np.ndarray, figure: Figure, shot: Shot, neck: float) -> None:
    """A shirt's edge in the trim's colour, and the lapels over it."""
    shirt = np.array([(neck * 1.2, 1.84), (neck * 0.9, 2.15), (0.03, 2.95), (0.0, 2.36), (neck * 0.9, 1.98)])
    lapel = np.array(
        [
            (neck * 1.1, 1.62),
            (neck * 1.5, 1.80),
            (0.98, 2.5),
            (0.62, 2.62),
            (0.8, 2.86),
            (0.03, 3.9),
            (0.0, 3.0),
            (neck * 0.78, 2.2),
        ]
    )
    for piece, colour in ((shirt, shot.trim), (lapel, mix(shot.cloth, WHITE, 0.09))):
        for side in (-1, 1):
            _draw_piece(canvas, figure, shot, piece * [side, 1], colour)


def _draw_piece(canvas: np.ndarray, figure: Figure, shot: Shot, points: np.ndarray, colour: Colour) -> None:
    """A flat piece of cloth, `points` (n, 2) in face units, with a soft shadow under it."""
    edge, unit = figure.upright(points), figure.pose.unit
    shadow = Tile.around(canvas, edge, mix(colour, BLACK, 0.6), margin=0.1 * unit)
    shadow.soft_cover(moved(edge, y=0.025 * unit), 0.03 * unit)
    shadow.lay(0.5)
    tile = Tile.around(canvas, edge, colour)
    tile.shape(edge)
    tile.lit(round_light(figure, shot, tile.grid(), TORSO_MIDDLE, TORSO_RADII))
    tile.lay()
