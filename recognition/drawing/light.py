"""Soft light on rounded things: heads with their relief, hair, cloth."""

import numpy as np

from .geometry import Figure, jaw_forward
from .person import Person
from .shot import Shot

# Shadows on skin turn warm because red light travels furthest in it.
SKIN_FALLOFF = np.array([0.78, 1.1, 1.22], dtype=np.float32)


def lamp(shot: Shot, roll: float = 0.0) -> np.ndarray:
    """Direction to the lamp (3,), seen from a head tilted by `roll`."""
    x, y, z = shot.light
    sin, cos = np.sin(roll), np.cos(roll)
    return np.array([x * cos + y * sin, -x * sin + y * cos, z])


def relief(person: Person, shot: Shot) -> list[tuple[float, float, float, float, float]]:
    """Bumps and hollows of a face: (x, y, spread x, spread y, height) in face units, mirrored where |x| > 0."""
    p, mouth = person, person.mouth_y
    smile = max(shot.smile, 0.0)
    old = np.clip((p.age - 45) / 30, 0, 1)
    return [
        (0.0, 0.12, 0.10, 0.32, 0.055 * p.nose_bridge),
        (0.0, p.nose_tip - 0.06, 0.085 + 0.04 * p.nose_bulb, 0.10, 0.13 + 0.03 * p.nose_bulb),
        (0.82 * p.nose_width, p.nose_tip + 0.02, 0.075, 0.065, 0.055),
        (p.eye_gap, 0.0, 0.25, 0.15, -0.055),
        (p.eye_gap * 1.02, -p.brow_height + 0.02, 0.27, 0.09, 0.028 + 0.03 * p.masculine),
        (0.56, 0.40 - 0.05 * smile, 0.24, 0.20, 0.055 + 0.045 * p.cheek + 0.05 * smile),
        (0.0, mouth, 0.34, 0.17, 0.045),
        (0.0, mouth + 0.205, 0.20, 0.05, -0.032),
        (0.0, 0.5 * (mouth + 0.2) + 0.5 * p.chin - 0.02, 0.20, 0.13, 0.055 + 0.03 * p.masculine),
        (0.45, 0.80, 0.11, 0.22, -0.02 - 0.035 * old - 0.03 * smile),
        (0.33, 0.23, 0.16, 0.05, -0.008 - 0.03 * old),
        (0.0, -0.75, 0.45, 0.28, 0.045),
    ]


def face_normals(figure: Figure, shot: Shot, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Normals (h, w, 3) of the posed head on canvas points `grid`, and hollows (h, w): 1 = open to the light."""
    at = figure.from_canvas(grid).astype(np.float32)
    x, y = at[..., 0], at[..., 1]
    person, pose = figure.person, figure.pose
    middle = jaw_forward(y) * np.sin(pose.yaw)
    across = np.clip((x - middle) / (1.06 * person.head_width), -1, 1)
    down = np.clip((y - 0.05) / 1.62, -1, 1)
    slope_x, slope_y = 0.95 * across**3 + 0.25 * across, 0.62 * down**3 + 0.15 * down
    hollow = np.ones_like(x)
    for bx, by, sx, sy, height in relief(person, shot):
        for side in (-1, 1) if bx else (1,):
            lift = 0.32 if bx == 0 and abs(by - person.nose_tip) < 0.1 else 0.0
            cx, cy = figure.turned([(side * bx, by)], lift)[0]
            dx, dy = (x - cx) / sx, (y - cy) / sy
            bump = height * np.exp(-0.5 * (dx * dx + dy * dy))
            slope_x, slope_y = slope_x + bump * dx / sx, slope_y + bump * dy / sy
            if height < 0:
                hollow = hollow + 1.6 * bump
    facing = 1 / np.sqrt(1 + slope_x**2 + slope_y**2)
    return np.stack([slope_x * facing, slope_y * facing, facing], axis=-1), hollow


def skin_light(normals: np.ndarray, hollow: np.ndarray, shot: Shot, roll: float) -> tuple[np.ndarray, np.ndarray]:
    """Light (h, w, 3) and gloss (h, w) for a face."""
    direction = lamp(shot, roll).astype(np.float32)
    toward = np.clip((normals @ direction + 0.25) / 1.25, 0, 1)
    level = (1.0 - 0.46 * shot.contrast) + 0.58 * shot.contrast * toward
    level = np.minimum(level * hollow, 1.12)
    light = level[..., None] ** SKIN_FALLOFF
    half = direction + np.array([0, 0, 1], dtype=np.float32)
    half /= np.linalg.norm(half)
    gloss = np.clip(normals @ half, 0, 1) ** 28 * 0.10 * shot.contrast
    return light, gloss


def round_light(figure: Figure, shot: Shot, grid: np.ndarray, centre, radii, depth: float = 0.5) -> np.ndarray:
    """Light (h, w, 3) on an ellipsoid given in face units, for hair and cloth. `depth` is how dark shadows get."""
    at = (figure.from_canvas(grid).astype(np.float32) - np.float32(centre)) / np.float32(radii)
    radius = np.sqrt((at**2).sum(axis=-1, keepdims=True))
    flat = at * np.minimum(1, 0.97 / np.maximum(radius, 1e-6))
    facing = np.sqrt(np.maximum(1 - (flat**2).sum(axis=-1), 0.05))
    direction = lamp(shot, figure.pose.roll).astype(np.float32)
    toward = np.clip(flat[..., 0] * direction[0] + flat[..., 1] * direction[1] + facing * direction[2], 0, 1)
    level = 1 - depth * shot.contrast + (depth + 0.12) * shot.contrast * toward
    return np.repeat(level[..., None], 3, axis=-1)
