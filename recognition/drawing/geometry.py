"""Where points of a head land in the picture: smooth curves, depth, pose.

Face units: one unit is half the width of an average head, the origin lies between the eyes,
x runs to the viewer's right, y down, z towards the viewer.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .person import Person

PIVOT = np.array([0.0, 1.25])  # heads tilt about the top of the neck, not about the eyes


@lru_cache(maxsize=8)
def _spline_basis(steps: int) -> np.ndarray:
    t = np.linspace(0, 1, steps, endpoint=False)
    return 0.5 * np.stack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2], axis=1)


def smooth(points, closed: bool = False, steps: int = 8) -> np.ndarray:
    """Catmull–Rom curve through `points` (n, d); returns (m, d) with `steps` points per span."""
    points = np.asarray(points, dtype=np.float64)
    if closed:
        padded = np.concatenate([points[-1:], points, points[:2]])
    else:
        first, last = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
        padded = np.concatenate([first[None], points, last[None]])
    spans = np.stack([padded[i : len(padded) - 3 + i] for i in range(4)], axis=1)
    curve = np.einsum("tk,skd->std", _spline_basis(steps), spans).reshape(-1, points.shape[1])
    return curve if closed else np.concatenate([curve, points[-1:]])


def jaw_forward(y):
    """How far the outline of the jaw lies before the ears at height y: nothing at the ears, most at the chin."""
    return 0.5 * np.clip((y - 0.35) / 1.05, 0, 1) ** 1.8


def mirrored(half) -> np.ndarray:
    """An open curve, left to right, from its right half (n, 2), which starts on the middle line."""
    half = np.asarray(half, dtype=np.float64)
    return smooth(np.concatenate([half[:0:-1] * [-1, 1], half]))


def moved(points: np.ndarray, x: float = 0.0, y: float = 0.0) -> np.ndarray:
    """Points (..., 2) shifted by (x, y)."""
    return points + np.array([x, y])


def symmetric(half) -> np.ndarray:
    """A closed curve from its right half (n, 2), given from top to bottom with both ends at x = 0."""
    half = np.asarray(half, dtype=np.float64)
    return smooth(np.concatenate([half, half[-2:0:-1] * [-1, 1]]), closed=True, steps=6)


def ring(steps: int) -> np.ndarray:
    """`steps` points of the unit circle, (n, 2)."""
    angle = np.linspace(0, 2 * np.pi, steps, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def oval(x: float, y: float, radius_x: float, radius_y: float, steps: int = 14) -> np.ndarray:
    """An ellipse round (x, y), (steps, 2)."""
    return ring(steps) * [radius_x, radius_y] + [x, y]


def evenly(path: np.ndarray, count: int) -> np.ndarray:
    """`count` points at even distances along an open path (n, 2)."""
    walked = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    at = np.linspace(0, walked[-1], count)
    return np.stack([np.interp(at, walked, path[:, 0]), np.interp(at, walked, path[:, 1])], axis=1)


@dataclass(frozen=True)
class Pose:
    """Where a head is and how it is turned. `centre` and `unit` in canvas pixels, angles in radians.

    yaw > 0 turns to the viewer's right, pitch > 0 looks down, roll > 0 tilts clockwise.
    """

    centre: tuple[float, float]
    unit: float
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0


class Figure:
    """A person in a pose: turns face units into canvas pixels."""

    def __init__(self, person: Person, pose: Pose):
        self.person, self.pose = person, pose
        self.outline = symmetric(person.head_half())
        right = self.outline[self.outline[:, 0] >= 0]
        order = np.argsort(right[:, 1])
        self._heights, self._widths = right[order, 1], right[order, 0]
        sin, cos = np.sin(pose.roll), np.cos(pose.roll)
        self._roll = np.array([[cos, sin], [-sin, cos]])  # row vectors: p @ roll

    def half_width(self, y) -> np.ndarray:
        """Half the head's width at height y."""
        return np.interp(y, self._heights, self._widths)

    def depth(self, x, y) -> np.ndarray:
        """How far the face stands out at (x, y)."""
        front = np.interp(y, [-1.5, -0.8, -0.2, 0.1, 0.9, 1.5], [0.35, 0.9, 0.92, 0.86, 0.98, 0.9])
        share = np.clip(np.abs(x) / (self.half_width(y) + 0.04), 0, 1)
        return front * np.sqrt(1 - share**2)

    def turned(self, points, lift=0.0) -> np.ndarray:
        """Face points (n, 2) after yaw and pitch, still in face units and before roll."""
        points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        x, y = points[:, 0], points[:, 1]
        return self._turn(x, y, self.depth(x, y) + lift)

    def turned_outline(self, points, swing: float = 1.0) -> np.ndarray:
        """Points of a silhouette (n, 2): its width hardly changes, but chin and jaw swing forward.

        `swing` 0 is for what hangs down beside the jaw instead of being part of it.
        """
        points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        x, y = points[:, 0], points[:, 1]
        forward = swing * jaw_forward(y)
        yaw, pitch = self.pose.yaw, self.pose.pitch
        swung = x * (1 - 0.06 * np.abs(np.sin(yaw))) + forward * np.sin(yaw)
        return np.stack([swung, y * np.cos(pitch) + (forward + 0.08) * np.sin(pitch)], axis=1)

    def on_face(self, points, lift=0.0) -> np.ndarray:
        """Canvas pixels of points on the face; `lift` raises them above the surface."""
        return self.to_canvas(self.turned(points, lift))

    def around(self, points, swing: float = 1.0) -> np.ndarray:
        """Canvas pixels of points on a silhouette: the head's outline, the outside of hair."""
        return self.to_canvas(self.turned_outline(points, swing))

    def at_depth(self, points, z) -> np.ndarray:
        """Canvas pixels of points off the face, such as ears or glasses; z is one depth or one for each."""
        points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        return self.to_canvas(self._turn(points[:, 0], points[:, 1], np.full(len(points), z)))

    def to_canvas(self, turned: np.ndarray) -> np.ndarray:
        """Roll about the neck and scale to canvas pixels."""
        return ((turned - PIVOT) @ self._roll + PIVOT) * self.pose.unit + self.pose.centre

    def from_canvas(self, pixels: np.ndarray) -> np.ndarray:
        """The way back: canvas pixels (..., 2) to turned face units."""
        return ((pixels - np.asarray(self.pose.centre)) / self.pose.unit - PIVOT) @ self._roll.T + PIVOT

    def upright(self, points) -> np.ndarray:
        """Canvas pixels of points of the body, which does not turn with the head."""
        return np.asarray(points, dtype=np.float64).reshape(-1, 2) * self.pose.unit + self.pose.centre

    def _turn(self, x, y, z) -> np.ndarray:
        sin_yaw, cos_yaw = np.sin(self.pose.yaw), np.cos(self.pose.yaw)
        sin_pitch, cos_pitch = np.sin(self.pose.pitch), np.cos(self.pose.pitch)
        forward = z * cos_yaw - x * sin_yaw
        return np.stack([x * cos_yaw + z * sin_yaw, y * cos_pitch + forward * sin_pitch], axis=1)
