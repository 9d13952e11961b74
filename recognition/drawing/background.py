"""Draws what lies behind people: out of focus, so that it is cheap and never mistaken for a face."""

import cv2
import numpy as np

STUDIOS = (
    (206, 212, 216),
    (186, 204, 212),
    (222, 208, 192),
    (178, 190, 178),
    (206, 190, 204),
    (120, 134, 150),
    (232, 222, 206),
)
BOOKS = ((134, 96, 84), (96, 112, 128), (170, 150, 120), (104, 124, 108), (150, 120, 132), (198, 188, 170))


def draw_background(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """A blurred place, uint8 RGB (h, w, 3) for `size` (w, h)."""
    width, height = size
    small = max(24, round(96 * width / max(size))), max(24, round(96 * height / max(size)))
    kind = str(rng.choice(["studio", "room", "park", "street"], p=[0.34, 0.28, 0.2, 0.18]))
    picture = {"studio": _studio, "room": _room, "park": _park, "street": _street}[kind](rng, *small)
    picture = cv2.GaussianBlur(picture, (0, 0), 1.6)
    return np.clip(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def _wash(width: int, height: int, top, bottom) -> np.ndarray:
    share = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    row = np.float32(top) * (1 - share) + np.float32(bottom) * share
    return np.ascontiguousarray(np.broadcast_to(row, (height, width, 3)))


def _colour(rgb) -> tuple[float, ...]:
    return tuple(float(channel) for channel in rgb)


def _studio(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    colour = np.float32(STUDIOS[int(rng.integers(len(STUDIOS)))])
    picture = _wash(width, height, colour * 1.04, colour * 0.86)
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    glow = np.exp(-((x - rng.normal(0, 0.4)) ** 2 + (y + 0.3) ** 2))[..., None]
    return picture * (0.9 + 0.16 * glow).astype(np.float32)


def _room(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    wall = np.float32(STUDIOS[int(rng.integers(len(STUDIOS)))]) * np.float32(0.92)
    picture = _wash(width, height, wall, wall * 0.9)
    left = int(rng.integers(0, width // 2))
    top, bottom, middle = height // 10, height // 2, left + width // 6
    cv2.rectangle(picture, (left, top), (left + width // 3, bottom), (238, 244, 248), cv2.FILLED)
    cv2.line(picture, (middle, top), (middle, bottom), _colour(wall * 0.8), 2)
    shelf = int(rng.integers(width // 2, width - 12))
    for row in range(3):
        top = height // 8 + row * height // 6
        for book in range(shelf, min(shelf + width // 3, width), 4):
            colour = BOOKS[int(rng.integers(len(BOOKS)))]
            cv2.rectangle(picture, (book, top), (book + 3, top + height // 9), colour, cv2.FILLED)
    return picture


def _park(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    picture = _wash(width, height, (188, 214, 232), (226, 234, 226))
    horizon = int(height * rng.uniform(0.45, 0.6))
    picture[horizon:] = _wash(width, height - horizon, (150, 178, 110), (112, 146, 84))
    for _ in range(26):
        centre = int(rng.integers(0, width)), int(horizon - abs(rng.normal(0, height * 0.18)))
        green = np.array([92, 132, 82]) * rng.uniform(0.75, 1.35)
        cv2.circle(picture, centre, int(rng.integers(5, 12)), _colour(green), cv2.FILLED)
    return picture


def _street(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    dusk = rng.random() < 0.5
    sky = ((72, 78, 108), (128, 112, 118)) if dusk else ((200, 210, 220), (206, 200, 192))
    picture = _wash(width, height, *sky)
    for left in range(0, width, 14):
        top = int(rng.uniform(0.02, 0.4) * height)
        tone = np.array([108, 104, 112] if dusk else [176, 164, 152]) * rng.uniform(0.75, 1.2)
        cv2.rectangle(picture, (left, top), (left + 13, height), _colour(tone), cv2.FILLED)
    for _ in range(18):
        centre = int(rng.integers(0, width)), int(rng.integers(0, int(height * 0.8)))
        glow = np.array([255, 214, 150]) * rng.uniform(0.8, 1.0)
        cv2.circle(picture, centre, int(rng.integers(2, 5)), _colour(glow), cv2.FILLED)
    return picture
