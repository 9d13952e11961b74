"""Turns a finished canvas into a photo: size, focus, exposure, white balance, grain."""

import cv2
import numpy as np

MOST_BLUR_PX = 0.9
MOST_GRAIN = 0.03  # share of the tonal range
POOR_SHARE = 0.12  # of photos are badly lit or out of focus, as in any real collection


def develop(canvas: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Canvas to photo, both uint8 RGB (h, w, 3); `size` is (w, h)."""
    image = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    poor = str(rng.choice(["dark", "soft"])) if rng.random() < POOR_SHARE else "none"
    blur = rng.uniform(1.2, 2.0) if poor == "soft" else min(rng.normal(0.1, 0.35), MOST_BLUR_PX)
    if blur > 0.35:
        image = cv2.GaussianBlur(image, (0, 0), blur * min(size) / 480)
    exposure = rng.uniform(0.5, 0.66) if poor == "dark" else np.exp(np.clip(rng.normal(-0.02, 0.09), -0.24, 0.06))
    white_balance = 1 + np.clip(rng.normal(0, 0.022, 3), -0.045, 0.045)
    levels = np.arange(256)[:, None] * exposure * white_balance
    image = cv2.LUT(image, np.clip(levels, 0, 255).astype(np.uint8).reshape(1, 256, 3))
    grain = rng.integers(0, 256, image.shape[:2], dtype=np.uint8).astype(np.float32) - np.float32(127.5)
    grain *= np.float32(rng.uniform(0, MOST_GRAIN))
    return np.clip(image + grain[..., None], 0, 255).astype(np.uint8)
