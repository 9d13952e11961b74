"""One layer of a drawing: painted flat, lit as a whole, then laid over the picture."""

import cv2
import numpy as np

from .colour import Colour

SHIFT = 4  # sub-pixel bits of OpenCV's polygon coordinates
LIGHT_STEP = 5  # the light is worked out once for so many canvas pixels: it is soft anyway
LIGHT_ONE = 128  # this value of an 8-bit light map leaves a colour as it is


def fixed(points: np.ndarray) -> np.ndarray:
    """Pixel coordinates (n, 2) as OpenCV's fixed-point integers; whole numbers are pixel centres."""
    return np.round((points - 0.5) * (1 << SHIFT)).astype(np.int32)


class Tile:
    """A rectangle of the canvas with its own colours and coverage.

    `canvas` is uint8 RGB (h, w, 3) and is only touched by `lay`. `bounds` is (left, top, right, bottom) in
    canvas pixels; the part outside the canvas is not painted, and a tile wholly outside is laid nowhere.
    """

    def __init__(self, canvas: np.ndarray, bounds, colour: Colour):
        height, width = canvas.shape[:2]
        left, top = max(0, int(np.floor(bounds[0]))), max(0, int(np.floor(bounds[1])))
        right, bottom = min(width, int(np.ceil(bounds[2]))), min(height, int(np.ceil(bounds[3])))
        outside = right <= left or bottom <= top
        self._under = np.zeros((1, 1, 3), np.uint8) if outside else canvas[top:bottom, left:right]
        self.origin = np.array([left, top], dtype=np.float64)
        self.rgb = _plain(self._under.shape[:2], colour)
        self.cover = np.zeros(self.rgb.shape[:2], dtype=np.uint8)

    @classmethod
    def around(cls, canvas: np.ndarray, points: np.ndarray, colour: Colour, margin: float = 2.0) -> "Tile":
        """A tile just large enough for `points` (n, 2) in canvas pixels."""
        low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
        return cls(canvas, (*low, *high), colour)

    def shape(self, points: np.ndarray) -> None:
        """Add a polygon to what the tile covers."""
        cv2.fillPoly(self.cover, [fixed(points - self.origin)], 255, cv2.LINE_AA, SHIFT)

    def cut(self, points: np.ndarray, within: np.ndarray) -> None:
        """Uncover where both polygons overlap: an opening, and the head that is seen through it.

        In a turned head the opening runs past the head's outline; cut there, it would show the background.
        """
        holes = []
        for polygon in (points, within):
            hole = np.zeros_like(self.cover)
            cv2.fillPoly(hole, [fixed(polygon - self.origin)], 255, cv2.LINE_AA, SHIFT)
            holes.append(hole)
        self.cover = cv2.min(self.cover, 255 - cv2.min(*holes))

    def soft_cover(self, points: np.ndarray, blur: float) -> None:
        """Cover a polygon whose edge fades over about `blur` canvas pixels, and nothing else."""
        self.cover = soft_mask(points - self.origin, self.cover.shape, blur).astype(np.uint8)

    def fill(self, points: np.ndarray, colour: Colour) -> None:
        """Paint a polygon."""
        cv2.fillPoly(self.rgb, [fixed(points - self.origin)], colour, cv2.LINE_AA, SHIFT)

    def line(self, points: np.ndarray, colour: Colour, width: float) -> None:
        """Paint a line of at least one pixel."""
        at = fixed(points - self.origin)
        cv2.polylines(self.rgb, [at], False, colour, max(1, round(width)), cv2.LINE_AA, SHIFT)

    def lines(self, strands, colour: Colour, width: float) -> None:
        """Paint many open lines (each (n, 2)) in one colour."""
        paths = [fixed(strand - self.origin) for strand in strands]
        cv2.polylines(self.rgb, paths, False, colour, max(1, round(width)), cv2.LINE_AA, SHIFT)

    def cover_lines(self, strands, width: float, closed: bool = False) -> None:
        """Add lines to what the tile covers."""
        paths = [fixed(strand - self.origin) for strand in strands]
        cv2.polylines(self.cover, paths, closed, 255, max(1, round(width)), cv2.LINE_AA, SHIFT)

    def soft(self, points: np.ndarray, colour: Colour, blur: float, strength: float = 1.0) -> None:
        """Paint a polygon whose edge fades over about `blur` canvas pixels."""
        low = np.maximum(np.floor(points.min(axis=0) - self.origin - 3 * blur), 0).astype(int)
        high = np.minimum(np.ceil(points.max(axis=0) - self.origin + 3 * blur), self.cover.shape[::-1]).astype(int)
        if (high <= low).any():
            return
        part = self.rgb[low[1] : high[1], low[0] : high[0]]
        weight = soft_mask(points - self.origin - low, part.shape[:2], blur) * (strength / 255)
        part[:] = cv2.blendLinear(_plain(part.shape[:2], colour), part, weight, 1 - weight)

    def soft_line(self, path: np.ndarray, colour: Colour, width: float, strength: float) -> None:
        """Paint a line that tapers at its ends and fades sideways."""
        along = np.gradient(path, axis=0)
        across = np.stack([-along[:, 1], along[:, 0]], axis=1)
        across /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
        half = across * np.sin(np.linspace(0.15, np.pi - 0.15, len(path)))[:, None] * width / 2
        self.soft(np.concatenate([path + half, (path - half)[::-1]]), colour, width * 0.45, strength)

    def grid(self) -> np.ndarray:
        """Canvas coordinates (h, w, 2) at which the light map is worked out."""
        height, width = self.cover.shape
        rows, columns = -(-height // LIGHT_STEP), -(-width // LIGHT_STEP)
        x = (np.arange(columns) + 0.5) * (width / columns) + self.origin[0]
        y = (np.arange(rows) + 0.5) * (height / rows) + self.origin[1]
        return np.stack(np.meshgrid(x, y), axis=-1)

    def lit(self, light: np.ndarray, gloss: np.ndarray | None = None) -> None:
        """Multiply by a light map (h, w, 3) on `grid`, 1 = unchanged, and add gloss (h, w) in [0, 1]."""
        size = self.cover.shape[::-1]
        scaled = np.clip(light * LIGHT_ONE, 0, 255).astype(np.uint8)
        scaled = cv2.resize(scaled, size, interpolation=cv2.INTER_LINEAR)
        self.rgb = cv2.multiply(self.rgb, scaled, scale=1 / LIGHT_ONE)
        if gloss is not None:
            shine = cv2.resize(np.clip(gloss * 255, 0, 255).astype(np.uint8), size, interpolation=cv2.INTER_LINEAR)
            self.rgb = cv2.add(self.rgb, cv2.merge([shine, shine, shine]))

    def lay(self, opacity: float = 1.0) -> None:
        """Blend the tile over the canvas."""
        weight = self.cover.astype(np.float32) * np.float32(opacity / 255)
        self._under[:] = cv2.blendLinear(self.rgb, self._under, weight, 1 - weight)


def _plain(size: tuple[int, int], colour: Colour) -> np.ndarray:
    """One colour all over, uint8 RGB (h, w, 3). OpenCV fills such arrays several times faster than NumPy."""
    rgb = np.empty((*size, 3), dtype=np.uint8)
    cv2.rectangle(rgb, (0, 0), (size[1], size[0]), colour, cv2.FILLED)
    return rgb


def soft_mask(points: np.ndarray, size: tuple[int, int], blur: float) -> np.ndarray:
    """A blurred polygon, float32 of shape `size` (h, w), 0–255; worked out small, as blur hides the loss."""
    step = max(1.0, blur / 2)
    small = max(1, round(size[0] / step)), max(1, round(size[1] / step))
    mask = np.zeros(small, dtype=np.uint8)
    scale = np.array([small[1] / size[1], small[0] / size[0]])
    cv2.fillPoly(mask, [fixed(points * scale)], 255, cv2.LINE_AA, SHIFT)
    mask = cv2.GaussianBlur(mask, (0, 0), max(blur / step, 0.3))
    return cv2.resize(mask, size[::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32)
