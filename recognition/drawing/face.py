"""Draws one head without its hair: ears, skin, nose, and the order of all that is painted on it."""

import numpy as np

from .beard import paint_beard
from .colour import UMBER, mix
from .eyes import paint_brow, paint_catchlight, paint_eye
from .geometry import Figure, oval, ring, smooth
from .light import face_normals, round_light, skin_light
from .mouth import lips, paint_mouth
from .shot import Shot
from .tile import Tile

EAR_DEPTH = -0.22
EAR_TINT = (0.97, 0.92, 0.90)
EAR = np.array([(0.90, -0.18), (1.0, -0.27), (1.12, -0.22), (1.14, -0.02), (1.08, 0.2), (1.03, 0.36), (0.92, 0.38)])
EAR_MIDDLE = np.array([0.9, 0.05])
SIDES = (-1, 1)


def draw_ears(canvas: np.ndarray, figure: Figure, shot: Shot) -> None:
    """Both ears; the head is laid over their inner edge."""
    p, unit = figure.person, figure.pose.unit
    shell = (EAR - EAR_MIDDLE) * p.ear_size + [0.9 * p.head_width, 0.05]
    bowl = (shell - shell.mean(axis=0)) * 0.62 + shell.mean(axis=0)
    for side in SIDES:
        rim = smooth(figure.at_depth(shell * [side, 1], EAR_DEPTH), closed=True)
        tile = Tile.around(canvas, rim, p.skin)
        tile.shape(rim)
        inner = smooth(figure.at_depth(bowl * [side, 1], EAR_DEPTH), closed=True)
        tile.soft(inner, mix(p.skin, (120, 46, 40), 0.38), 0.05 * unit, 0.8)
        tile.lit(round_light(figure, shot, tile.grid(), (0, 0), (1.6, 1.7), 0.5) * EAR_TINT)
        tile.lay()
        if p.earrings:
            _draw_stud(canvas, figure, figure.at_depth([shell[5] * [side, 1]], EAR_DEPTH)[0])


def draw_head(canvas: np.ndarray, figure: Figure, shot: Shot) -> None:
    """Skin and features, lit as one."""
    person, unit = figure.person, figure.pose.unit
    outline = figure.around(figure.outline)
    tile = Tile.around(canvas, outline, person.skin, margin=0.2 * unit)
    tile.shape(outline)
    _paint_blush(tile, figure, shot)
    _paint_skin_marks(tile, figure)
    _paint_age(tile, figure, shot)
    paint_beard(tile, figure, shot)
    _paint_nose(tile, figure)
    for side in SIDES:
        paint_eye(tile, figure, shot, side)
        paint_brow(tile, figure, shot, side)
    paint_mouth(tile, figure, shot)
    normals, open_sky = face_normals(figure, shot, tile.grid())
    tile.lit(*skin_light(normals, open_sky, shot, figure.pose.roll))
    for side in SIDES:
        paint_catchlight(tile, figure, shot, side)
    tile.lay()


def _draw_stud(canvas: np.ndarray, figure: Figure, centre: np.ndarray) -> None:
    radius = 0.045 * figure.pose.unit
    tile = Tile.around(canvas, centre + radius * ring(16), (226, 188, 104))
    tile.shape(centre + radius * ring(16))
    tile.fill(centre + radius * (0.4 * ring(12) - 0.25), (255, 244, 208))
    tile.lay()


def _paint_blush(tile: Tile, figure: Figure, shot: Shot) -> None:
    p, unit = figure.person, figure.pose.unit
    rosy = mix(p.skin, (214, 70, 72), 0.42)
    strength = 0.30 + 0.25 * p.makeup + 0.12 * max(shot.smile, 0)
    for side in SIDES:
        tile.soft(figure.on_face(oval(side * 0.58, 0.42, 0.24, 0.16)), rosy, 0.14 * unit, strength)
    tile.soft(figure.on_face(oval(0, p.nose_tip - 0.03, 0.13, 0.1), 0.3), rosy, 0.09 * unit, 0.28)


def _paint_skin_marks(tile: Tile, figure: Figure) -> None:
    p = figure.person
    if p.freckles:
        rng = np.random.default_rng(p.seed)
        colour = mix(p.skin, (150, 84, 50), 0.45)
        spots = rng.normal(0, 1, (int(46 * p.freckles), 2)) * [0.36, 0.11] + [0, 0.32]
        for x, y in spots[np.abs(spots[:, 0]) < 0.75]:
            tile.fill(figure.on_face(oval(x, y, 0.014, 0.012, 8)), colour)
    if p.mole:
        tile.fill(figure.on_face(oval(*p.mole, 0.024, 0.022, 10)), mix(p.skin, UMBER, 0.65))


def _paint_age(tile: Tile, figure: Figure, shot: Shot) -> None:
    """Lines of the forehead, beside the eyes, and from the nose to the mouth."""
    p, unit = figure.person, figure.pose.unit
    old = float(np.clip((p.age - 42) / 30, 0, 1))
    crease = mix(p.skin, (104, 50, 40), 0.42)
    corner = lips(figure, shot).top[-1]
    for side in SIDES:
        fold = smooth(
            [
                (p.nose_width + 0.05, p.nose_tip + 0.01),
                (corner[0] + 0.03, corner[1] - 0.17),
                (corner[0] + 0.09, corner[1] + 0.03),
            ]
        ) * [side, 1]
        tile.soft_line(figure.on_face(fold), crease, 0.035 * unit, 0.10 + 0.5 * old + 0.12 * max(shot.smile, 0))
    if not old:
        return
    for y in (-0.62, -0.76):
        line = smooth([(-0.42, y + 0.02), (-0.15, y - 0.02), (0.15, y - 0.02), (0.42, y + 0.02)])
        tile.soft_line(figure.on_face(line), crease, 0.022 * unit, 0.5 * old)
    edge = p.eye_gap + p.eye_size
    for side in SIDES:
        for dy in (-0.06, 0.01, 0.08):
            foot = [(side * (edge + 0.06), dy * 0.6), (side * (edge + 0.19), dy * 1.7)]
            tile.soft_line(figure.on_face(foot), crease, 0.018 * unit, 0.5 * old)


def _paint_nose(tile: Tile, figure: Figure) -> None:
    """What the relief's light cannot show: nostrils, wings, the shadow below."""
    p, unit = figure.person, figure.pose.unit
    shade = mix(p.skin, (96, 38, 30), 0.5)
    y, w = p.nose_tip, p.nose_width
    below = [
        (-w, y + 0.03),
        (-0.62 * w, y + 0.11),
        (0, y + 0.14),
        (0.62 * w, y + 0.11),
        (w, y + 0.03),
        (0.5 * w, y + 0.075),
        (0, y + 0.095),
        (-0.5 * w, y + 0.075),
    ]
    wing = [(0.88 * w, y - 0.09), (1.12 * w, y - 0.02), (1.10 * w, y + 0.06), (0.8 * w, y + 0.10)]
    nostril = [(0.18 * w, y + 0.08), (0.44 * w, y + 0.045), (0.72 * w, y + 0.06), (0.5 * w, y + 0.10)]
    tile.soft(figure.on_face(smooth(below, closed=True), 0.16), shade, 0.028 * unit, 0.75)
    for side in SIDES:
        tile.soft_line(figure.on_face(smooth(wing) * [side, 1], 0.10), shade, 0.034 * unit, 0.6)
        hole = figure.on_face(smooth(nostril, closed=True) * [side, 1], 0.2)
        tile.soft(hole, mix(p.skin, (36, 8, 10), 0.8), 0.010 * unit, 0.95)
        bridge = smooth([(side * 0.13, -0.16), (side * 0.105, 0.08), (side * 0.12, 0.30)])
        tile.soft_line(figure.on_face(bridge, 0.12), shade, 0.06 * unit, 0.18)
