"""What differs from photo to photo of one person: pose, expression, light, camera."""

from dataclasses import dataclass

import numpy as np

from .colour import Colour

CLOTHES: tuple[Colour, ...] = (
    (58, 76, 108),
    (150, 66, 62),
    (232, 228, 220),
    (74, 98, 82),
    (214, 162, 78),
    (60, 60, 68),
    (128, 96, 140),
    (176, 196, 208),
    (206, 120, 92),
    (92, 132, 148),
    (112, 82, 62),
    (226, 190, 188),
)
GARMENTS = ("crew", "vneck", "shirt", "hoodie", "blazer", "stripes")


@dataclass(frozen=True)
class Shot:
    """Angles in radians; smile, jaw_drop, brow_raise in [-1, 1]; light points from the scene to the lamp."""

    yaw: float
    pitch: float
    roll: float
    smile: float
    jaw_drop: float
    brow_raise: float
    eyes_open: float
    gaze: tuple[float, float]
    light: tuple[float, float, float]
    contrast: float
    garment: str
    cloth: Colour
    trim: Colour


def make_shot(rng: np.random.Generator, light: tuple[float, float, float], contrast: float) -> Shot:
    """Draw a pose, an expression and clothes."""
    grins = rng.random() < 0.35
    return Shot(
        yaw=float(np.radians(np.clip(rng.normal(0, 11), -24, 24))),
        pitch=float(np.radians(np.clip(rng.normal(0, 5), -9, 9))),
        roll=float(np.radians(np.clip(rng.normal(0, 5), -11, 11))),
        smile=float(rng.uniform(0.55, 1.0) if grins else np.clip(rng.normal(0.52, 0.2), 0.02, 0.95)),
        jaw_drop=float(rng.uniform(0.35, 0.9) if grins else max(0.0, rng.normal(-0.2, 0.25))),
        brow_raise=float(np.clip(rng.normal(0.1, 0.35), -0.5, 0.9)),
        eyes_open=float(np.clip(rng.normal(1.0, 0.1), 0.72, 1.18)),
        gaze=(float(np.clip(rng.normal(0, 0.25), -0.6, 0.6)), float(np.clip(rng.normal(0, 0.15), -0.4, 0.4))),
        light=light,
        contrast=contrast,
        garment=str(rng.choice(GARMENTS)),
        cloth=CLOTHES[int(rng.integers(len(CLOTHES)))],
        trim=CLOTHES[int(rng.integers(len(CLOTHES)))],
    )


def make_light(rng: np.random.Generator) -> tuple[tuple[float, float, float], float]:
    """A lamp's direction (unit length, y down, z towards the viewer) and how hard it shines in [0, 1]."""
    side = rng.normal(0, 0.55)
    above = -abs(rng.normal(0.45, 0.2))
    direction = np.array([side, above, 1.0])
    direction /= np.linalg.norm(direction)
    return tuple(float(v) for v in direction), float(rng.uniform(0.45, 0.95))
