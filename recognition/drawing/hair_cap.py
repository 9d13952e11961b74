"""Draws hair that sits on the head like a cap: short cuts, curls, an afro, hair tied back."""

import cv2
import numpy as np

from .geometry import Figure, evenly, mirrored, moved
from .hair_texture import cast_shadow, paint_curls, paint_sheen, paint_strands
from .light import round_light
from .shot import Shot
from .tile import Tile

POINTS = 64  # along either edge of a cap
VOLUME = {  # above the crown, beside the temples; face units
    "buzz": (0.025, 0.012),
    "receding": (0.03, 0.05),
    "short": (0.12, 0.045),
    "side": (0.17, 0.05),
    "quiff": (0.20, 0.03),
    "curly": (0.13, 0.05),
    "afro": (0.38, 0.34),
    "bun": (0.06, 0.02),
    "ponytail": (0.08, 0.03),
    "pixie": (0.16, 0.08),
    "fringe": (0.12, 0.13),
}
TUFT = {"quiff": 0.16, "side": 0.06}
CURL_SIZE = {"curly": 0.125, "afro": 0.14}
SWEEP = {"side": 0.22, "pixie": 0.22, "short": 0.08}  # how far hair falls over the forehead at the parting


def draw_cap(canvas: np.ndarray, figure: Figure, shot: Shot) -> None:
    """Hair from the hairline up and over the crown."""
    p, unit = figure.person, figure.pose.unit
    top, side = np.array(VOLUME[p.cut]) * p.hair_volume
    hairline = _hairline(figure)
    outer = evenly(figure.around(_outside(figure, top, side), swing=0), POINTS)
    inner = evenly(figure.on_face(hairline, 0.02), POINTS)
    curl = CURL_SIZE.get(p.cut, 0)
    tile = Tile.around(canvas, np.concatenate([outer, inner]), p.hair, margin=(curl * 1.3 + 0.05) * unit)
    tile.shape(np.concatenate([outer, inner[-1:], inner[:1]]))
    tile.cut(_opening(inner, unit), within=figure.around(figure.outline))
    if curl:
        shares = np.linspace(0.12, 0.93, 7 if p.cut == "afro" else 4)
        rows = [(inner + (outer - inner) * share)[number % 3 :: 3] for number, share in enumerate(shares)]
        paint_curls(tile, figure, rows, curl, p.hair)
    elif p.cut != "buzz":
        paint_strands(tile, figure, _combed(figure, inner, outer), p.hair)
        paint_sheen(tile, figure, inner, outer, slice(POINTS // 4, 3 * POINTS // 4))
    tile.lit(round_light(figure, shot, tile.grid(), (0, -0.25), (1.35 + side, 1.5 + top)))
    cast_shadow(canvas, figure, hairline)
    if p.cut == "buzz":
        tile.cover = cv2.GaussianBlur(tile.cover, (0, 0), 0.02 * unit)
    tile.lay(0.8 if p.cut == "buzz" else 1.0)


def _outside(figure: Figure, top: float, side: float) -> np.ndarray:
    """The outer edge from the viewer's left over the crown to the right, (n, 2) in face units."""
    p = figure.person
    w, t = p.head_width, p.temple
    path = mirrored(
        [
            (0, p.crown - top),
            (0.34 * w, p.crown + 0.05 - 0.98 * top),
            (0.66 * w + 0.3 * side, p.crown + 0.23 - 0.8 * top),
            (0.89 * w * t + 0.7 * side, p.crown + 0.55 - 0.45 * top),
            (w * t + side, -0.42),
            (w + 0.7 * side, 0.9 if p.cut == "fringe" else -0.02),
        ]
    )
    tuft = np.exp(-(((path[:, 0] - 0.3 * np.sign(p.part)) / 0.42) ** 2)) * (path[:, 1] < -0.8)
    path[:, 1] -= TUFT.get(p.cut, 0) * tuft
    return path


def _hairline(figure: Figure) -> np.ndarray:
    """Where hair meets the face, from the viewer's left to the right, (n, 2) in face units."""
    p = figure.person
    w, top, brow = p.head_width, p.crown + 0.44, -p.brow_height - 0.13
    sideburn = [(0.90 * w, -0.2), (0.965 * w, 0.22)]
    if p.cut == "receding":
        line = mirrored([(0, top - 0.16), (0.3, top - 0.30), (0.62, top - 0.16), (0.80 * w, -0.47), *sideburn])
    elif p.cut == "fringe":
        curtain = [(0.80 * w, -0.1), (0.86 * w, 0.3), (0.88 * w, 0.85)]
        line = mirrored([(0, brow), (0.35, brow + 0.01), (0.64, brow + 0.07), *curtain])
    else:
        line = mirrored([(0, top), (0.35, top + 0.02), (0.64, top + 0.15), (0.82 * w, -0.5), *sideburn])
    forehead = np.clip(-2.5 * (line[:, 1] + 0.4), 0, 1)
    line[:, 1] += SWEEP.get(p.cut, 0) * forehead * np.exp(-(((line[:, 0] - 1.1 * p.part) / 0.55) ** 2))
    return line


def _opening(inner: np.ndarray, unit: float) -> np.ndarray:
    """What the cap leaves free: all below the hairline, (n, 2) in canvas pixels."""
    left, right = inner[0], inner[-1]
    nick = np.array([0.02, 0.05]) * unit
    return np.concatenate([inner, [right + nick, right + unit, moved(left, -unit, unit), left + nick * [-1, 1]]])


def _combed(figure: Figure, inner: np.ndarray, outer: np.ndarray, count: int = 56) -> list[np.ndarray]:
    """Strands from the hairline up and over, away from the parting, each (9, 2) in canvas pixels."""
    p = figure.person
    rng = np.random.default_rng(p.seed)
    along, last = np.linspace(0, 1, 9)[:, None], len(inner) - 1
    strands = []
    for start in np.linspace(0, last, count):
        middling = 4 * (start / last) * (1 - start / last)  # sideburns are not combed across
        end = np.clip(start + (16 * p.part + rng.normal(0, 0.8)) * middling, 0, last)
        root, tip = inner[round(start)], outer[round(end)]
        bow = np.array([p.part, -0.25]) * 0.22 * middling * figure.pose.unit * np.sin(np.pi * along)
        strands.append(root + (tip - root) * along + bow)
    return strands
