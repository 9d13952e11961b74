"""Draws hair: what hangs behind the head, and what lies over it. Caps of hair have a module of their own."""

import numpy as np

from .colour import BLACK, WHITE, Colour, mix
from .geometry import Figure, evenly, ring, smooth, symmetric
from .hair_cap import draw_cap
from .hair_texture import cast_shadow, paint_curls, paint_sheen, paint_strands
from .light import round_light
from .shot import Shot
from .tile import Tile

HANGING = {"long": 2.3, "wavy": 2.15, "curls": 1.85, "bob": 1.2, "fringe": 1.45}  # how far down, face units
PARTED = ("long", "wavy", "bob", "curls")
RINGLET = 0.15
POINTS = 48  # along either edge of parted hair
SCARF_BACK = [(0.8, -1.15), (1.12, -0.4), (1.16, 0.5), (1.25, 1.3), (1.6, 2.2), (1.2, 2.7), (0, 2.8)]
SCARF_FRONT = [(0.62, -1.37), (1.02, -0.75), (1.12, -0.1), (1.08, 0.7), (0.94, 1.35), (0.62, 1.85), (0, 2.1)]
SCARF_OPENING = [
    (0, -0.9),
    (0.42, -0.83),
    (0.74, -0.5),
    (0.86, 0.05),
    (0.80, 0.62),
    (0.62, 1.0),
    (0.34, 1.28),
    (0, 1.36),
]
SCARF_FOLDS = ((0.06, -0.2), (0.3, -0.13), (0.42, 0.12), (0.62, -0.1), (0.8, 0.1))  # from the face out; shade
PONYTAIL = np.array([(0.4, -0.9), (1.15, -0.45), (1.36, 0.3), (1.34, 1.1), (1.12, 1.9), (1.08, 1.2), (0.9, 0.4)])


def draw_back_hair(canvas: np.ndarray, figure: Figure, shot: Shot) -> None:
    """Hair that hangs or stands behind head, neck and shoulders."""
    p = figure.person
    deep = mix(p.hair, (20, 12, 14), 0.35)
    if p.cut in HANGING:
        length, side = _length(figure), 1.08 + 0.1 * p.hair_volume
        half = [
            (0, p.crown - 0.1),
            (0.7, -1.2),
            (side, -0.4),
            (side + 0.05, 0.5),
            (side + 0.02, length * 0.75),
            (0.85 * side, length),
            (0, length + 0.02),
        ]
        _draw_mass(canvas, figure, shot, symmetric(half), deep)
    elif p.cut == "ponytail":
        tail = PONYTAIL * [np.sign(p.part or 1), 1]
        _draw_mass(canvas, figure, shot, smooth(tail, closed=True), mix(p.hair, deep, 0.4))
    elif p.cut == "bun":
        knot = ring(28) * [0.40, 0.34] + [0.1 * np.sign(p.part), p.crown - 0.2]
        _draw_mass(canvas, figure, shot, knot, mix(p.hair, deep, 0.2))
    elif p.cut == "headscarf":
        half = [(0, p.crown - 0.06), *SCARF_BACK]
        _draw_mass(canvas, figure, shot, symmetric(half), mix(p.scarf, BLACK, 0.25))


def draw_front_hair(canvas: np.ndarray, figure: Figure, shot: Shot) -> None:
    """Hair, or a scarf, over forehead, temples and ears."""
    cut = figure.person.cut
    if cut == "headscarf":
        _draw_scarf(canvas, figure, shot)
    elif cut in PARTED:
        for side in (-1, 1):
            _draw_curtain(canvas, figure, shot, side)
    elif cut != "bald":
        draw_cap(canvas, figure, shot)


def hides_ears(cut: str) -> bool:
    """Whether ears would be covered anyway."""
    return cut in HANGING or cut in ("afro", "headscarf")


def _length(figure: Figure) -> float:
    return HANGING[figure.person.cut] * (0.92 + 0.22 * figure.person.hair_length)


def _draw_mass(canvas: np.ndarray, figure: Figure, shot: Shot, points: np.ndarray, colour: Colour) -> None:
    """One closed shape of hair or cloth behind the head, `points` (n, 2) in face units."""
    edge, unit = figure.around(points, swing=0), figure.pose.unit
    curly = figure.person.cut == "curls"
    tile = Tile.around(canvas, edge, colour, margin=(0.2 if curly else 0.05) * unit)
    tile.shape(edge)
    if curly:
        paint_curls(tile, figure, [evenly(np.concatenate([edge, edge[:1]]), 36)], RINGLET, colour)
    else:
        middle = edge.mean(axis=0)
        strands = [middle + (edge - middle) * [share, 1.0] for share in np.linspace(0.15, 0.93, 9)]
        paint_strands(tile, figure, strands, colour)
    tile.lit(round_light(figure, shot, tile.grid(), (0, 0), (1.5, 2.4)))
    tile.lay()


def _draw_curtain(canvas: np.ndarray, figure: Figure, shot: Shot, side: int) -> None:
    """One half of parted hair that falls beside the face."""
    p, unit = figure.person, figure.pose.unit
    inside, outside = _curtain_edges(figure, side)
    falls = np.clip((inside[:, 1:] - 0.1) / 1.3, 0, 1)  # from lying on the cheek to hanging free
    inner = evenly(figure.on_face(inside, 0.03) * (1 - falls) + figure.at_depth(inside, 0.25) * falls, POINTS)
    outer = evenly(figure.around(outside, swing=0), POINTS)
    edge = np.concatenate([inner, outer[::-1]])
    curly = p.cut == "curls"
    tile = Tile.around(canvas, edge, p.hair, margin=(0.2 if curly else 0.05) * unit)
    tile.shape(edge)
    if curly:
        rows = [(inner + (outer - inner) * share)[skip::3] for skip, share in enumerate((0.3, 0.6, 0.9))]
        paint_curls(tile, figure, rows, RINGLET, p.hair)
    else:
        strands = [inner + (outer - inner) * share for share in np.linspace(0.03, 0.97, 37)]
        paint_strands(tile, figure, strands, p.hair)
        paint_sheen(tile, figure, inner, outer, slice(9, 16))
    tile.lit(round_light(figure, shot, tile.grid(), (0, 0.2), (1.5, 2.2)))
    cast_shadow(canvas, figure, inside[inside[:, 1] < 0.9])
    tile.lay()


def _curtain_edges(figure: Figure, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Inner and outer edge of parted hair from the parting down, (n, 2) each, in face units."""
    p = figure.person
    w, part, length = p.head_width, 0.5 * p.part * side, _length(figure)
    thick, rise = 0.05 + 0.09 * p.hair_volume, 0.10 * p.hair_volume
    low = np.linspace(1.2, length, 4 if length > 1.6 else 2)
    inner = [
        (part, p.crown + 0.30),
        (0.5 * part + 0.36, p.crown + 0.46),
        (0.79 * w, -0.55),
        (0.90 * w, -0.1),
        (0.89 * w, 0.4),
        (0.82 * w, 0.85),
        *((0.76 + 0.06 * y, y) for y in low),
    ]
    outer = [
        (part, p.crown - rise),
        (0.5 * part + 0.36, p.crown + 0.03 - rise),
        (0.70 * w, p.crown + 0.22 - 0.8 * rise),
        (0.92 * w + 0.5 * thick, p.crown + 0.55 - 0.3 * rise),
        (w + thick, -0.42),
        (1.03 * w + 1.2 * thick, 0.1),
        (1.05 * w + 1.3 * thick, 0.6),
        *((1.06 * w + 1.35 * thick, y) for y in low[:-1]),
        (1.06 * w + 1.1 * thick, length),
    ]
    return tuple(_waved(smooth(edge), p.cut) * [side, 1] for edge in (inner, outer))


def _waved(path: np.ndarray, cut: str) -> np.ndarray:
    sway = (0.055 if cut == "wavy" else 0.012) * np.sin(5.2 * path[:, 1] + 0.6)
    return path + (sway * np.clip(path[:, 1] + 0.5, 0, 1))[:, None] * [1, 0]


def _draw_scarf(canvas: np.ndarray, figure: Figure, shot: Shot) -> None:
    p, unit = figure.person, figure.pose.unit
    outer = figure.around(symmetric([(0, p.crown - 0.12), *SCARF_FRONT]), swing=0.6)
    opening = figure.on_face(symmetric(np.array(SCARF_OPENING) * [p.head_width, p.chin / 1.42]))
    tile = Tile.around(canvas, outer, p.scarf)
    tile.shape(outer)
    tile.cut(opening, within=figure.around(figure.outline))
    out, into = (evenly(np.concatenate([path, path[:1]]), 60) for path in (outer, opening))
    for share, shade in SCARF_FOLDS:
        colour = mix(p.scarf, WHITE if shade > 0 else BLACK, abs(shade))
        fold = into + (out - into) * share
        tile.soft(np.concatenate([fold, (fold + (out - into) * 0.09)[::-1]]), colour, 0.035 * unit, 0.8)
    tile.lit(round_light(figure, shot, tile.grid(), (0, 0.1), (1.3, 1.9), 0.55))
    tile.lay()
