"""Paints eyes and brows into the tile of a head."""

import numpy as np

from .colour import BLACK, UMBER, Colour, mix
from .geometry import Figure, moved, oval, smooth
from .shot import Shot
from .tile import Tile

EYE_WHITE: Colour = (242, 236, 232)
IRIS_RADIUS = 0.122
SUNK = -0.02  # eyeballs lie a little behind the skin around them


def paint_eye(tile: Tile, figure: Figure, shot: Shot, side: int) -> None:
    """One eye with its lids and lashes; `side` -1 is the viewer's left."""
    p, unit = figure.person, figure.pose.unit
    upper, lower = _lids(figure, shot, side)
    socket = mix(p.skin, (92, 44, 44), 0.45)
    eyeshadow = mix(mix(p.skin, (84, 48, 60), 0.5), (96, 60, 84), 0.3 * p.makeup)
    lid = np.concatenate([moved(upper, y=-0.085), upper[::-1]])
    tile.soft(figure.on_face(lid), mix(socket, eyeshadow, p.makeup), 0.035 * unit, 0.42 + 0.25 * p.makeup)
    bag = np.concatenate([lower, moved(lower[::-1], y=0.05)])
    tile.soft(figure.on_face(bag), socket, 0.03 * unit, 0.3)
    _paint_eyeball(tile, figure, shot, side)
    if p.lid_fold > 0.25:
        middle = np.array([p.eye_gap * side, 0])
        fold = (upper - middle) * [1.04, 1.0] + middle + [0, -0.05]
        tile.soft_line(figure.on_face(fold[3:]), mix(p.skin, UMBER, 0.6), 0.026 * unit, 0.7 * p.lid_fold)
    _paint_lashes(tile, figure, upper, side)
    tile.line(figure.on_face(lower[6:], -0.01), mix(p.skin, (92, 36, 36), 0.55), 0.014 * unit)


def paint_catchlight(tile: Tile, figure: Figure, shot: Shot, side: int) -> None:
    """The lamp's reflection; painted after the light, as it is as bright in the shade."""
    x, y = _iris_centre(figure, shot, side)
    spot_x, spot_y = x + 0.045 * np.sign(shot.light[0] or 1), y - 0.04
    tile.fill(figure.on_face(oval(spot_x, spot_y, 0.026, 0.026, 12), SUNK), (250, 250, 250))
    bounce = figure.on_face(oval(2 * x - spot_x, spot_y + 0.085, 0.03, 0.016, 10), SUNK)
    tile.soft(bounce, (255, 250, 240), 0.008 * figure.pose.unit, 0.25)


def paint_brow(tile: Tile, figure: Figure, shot: Shot, side: int) -> None:
    """One eyebrow, with a few hairs along it."""
    p, unit = figure.person, figure.pose.unit
    reach, raised = 1.2 * p.eye_size, shot.brow_raise
    y = -p.brow_height - 0.035 * raised
    spine = smooth(
        [
            (p.eye_gap - 0.98 * reach, y + 0.015 + p.brow_tilt + 0.02 * min(raised, 0)),
            (p.eye_gap - 0.3 * reach, y - 0.55 * p.brow_arch),
            (p.eye_gap + 0.4 * reach, y - p.brow_arch),
            (p.eye_gap + 1.05 * reach, y + 0.02 - p.brow_tilt),
        ]
    ) * [side, 1]
    thickness = np.interp(np.linspace(0, 1, len(spine)), [0, 0.15, 0.55, 1], [0.62, 1.0, 0.85, 0.12])
    body = thickness[:, None] * p.brow_thick / 2 * [0, 1]
    fair = p.hair[0] >= 175  # brows of fair people are darker than their hair but never black
    colour = mix(p.hair, (112, 78, 50), 0.5) if fair else mix(p.hair, UMBER, 0.45)
    edge = np.concatenate([spine - body, (spine + body)[::-1]])
    tile.soft(figure.on_face(edge), colour, 0.02 * unit, 0.85)
    hairs = [figure.on_face((spine + body * share)[1:-1]) for share in (-0.45, 0.1, 0.6)]
    tile.lines(hairs, mix(colour, BLACK, 0.22), 0.010 * unit)


def _lids(figure: Figure, shot: Shot, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Upper and lower lid from the inner to the outer corner, (n, 2) each, in face units."""
    p, smile = figure.person, max(shot.smile, 0)
    opened = p.eye_open * shot.eyes_open * (1 - 0.18 * smile)
    e, tilt, squint = p.eye_size, p.eye_tilt / 2, 0.025 * smile
    inner, outer = (-e, 0.022 + tilt), (e, -tilt)
    upper = [inner, (-0.62 * e, -0.72 * opened), (-0.05 * e, -1.22 * opened), (0.55 * e, -0.92 * opened), outer]
    lower = [
        inner,
        (-0.5 * e, 0.52 * opened - squint),
        (0.1 * e, 0.82 * opened - squint),
        (0.62 * e, 0.55 * opened - squint),
        outer,
    ]
    middle = np.array([p.eye_gap, 0.0])
    return (smooth(upper) + middle) * [side, 1], (smooth(lower) + middle) * [side, 1]


def _iris_centre(figure: Figure, shot: Shot, side: int) -> tuple[float, float]:
    return side * figure.person.eye_gap + 0.09 * shot.gaze[0], -0.012 + 0.03 * shot.gaze[1]


def _paint_eyeball(tile: Tile, figure: Figure, shot: Shot, side: int) -> None:
    """White, iris and pupil on a tile of their own, so that the lids cut them off."""
    p, unit = figure.person, figure.pose.unit
    upper, lower = _lids(figure, shot, side)

    def place(points):
        return figure.on_face(points, SUNK) - tile.origin

    almond = place(np.concatenate([upper, lower[::-1]]))
    ball = Tile.around(tile.rgb, almond, mix(EYE_WHITE, p.skin, 0.12), margin=1)
    ball.shape(almond)
    x, y = _iris_centre(figure, shot, side)
    pale = mix(p.iris, (255, 240, 200), 0.16)
    for share, colour in ((1.0, mix(p.iris, UMBER, 0.55)), (0.86, p.iris), (0.62, pale), (0.42, (20, 14, 16))):
        ball.fill(place(oval(x, y, share * IRIS_RADIUS, share * IRIS_RADIUS, 28)), colour)
    lid_shadow = np.concatenate([moved(upper, y=-0.05), moved(upper[::-1], y=0.03)])
    ball.soft(place(lid_shadow), (86, 66, 74), 0.02 * unit, 0.6)
    tear_duct = oval(side * (p.eye_gap - 0.93 * p.eye_size), 0.02, 0.035, 0.03)
    ball.soft(place(tear_duct), (214, 140, 132), 0.012 * unit, 0.8)
    ball.lay()


def _paint_lashes(tile: Tile, figure: Figure, upper: np.ndarray, side: int) -> None:
    p = figure.person
    rise = np.linspace(0.012, 0.034 + 0.014 * p.makeup, len(upper))[:, None] * [0, -1]
    root = upper.copy()
    root[-1] += [side * (0.02 + 0.03 * p.makeup), -0.012 - 0.02 * p.makeup]
    tile.fill(figure.on_face(np.concatenate([root, (root + rise)[::-1]])), mix(UMBER, p.hair, 0.15))
