"""Cut faces out of photos: turned upright and scaled by their landmarks, or by their box with a margin.

Pure geometry over arrays; worker-only because it uses OpenCV.
"""

from math import ceil, floor, hypot

import cv2
import numpy as np

FloatArray = np.ndarray


class DegenerateLandmarks(ValueError):
    """The landmarks do not fix a position, a size and an angle, such as five times the same point."""


class UnusableImage(ValueError):
    """The array is not an upright uint8 RGB image; the message says which one and what it is."""


def require_rgb(image: np.ndarray, position: int = 0) -> np.ndarray:
    """`image` itself, C-ordered, if it is uint8 RGB of shape (height, width, 3) and not empty.

    Raises UnusableImage otherwise: a float image, a tensor or channels in front would not fail in the
    networks, they would silently find no face.
    """
    if not isinstance(image, np.ndarray):
        found = f"a {type(image).__module__}.{type(image).__name__}"
    elif image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        found = f"{image.dtype} of shape {image.shape}"
    else:
        return np.ascontiguousarray(image)
    raise UnusableImage(
        f"Image {position + 1} is {found}. Give a uint8 RGB numpy array of shape (height, width, 3); "
        "turn grey or transparent pictures into RGB first."
    )


def similarity_transform(points: FloatArray, template: FloatArray) -> FloatArray:
    """The 2×3 matrix that turns, scales and moves `points` closest to `template`, without mirroring.

    points, template: shape (n, 2), n ≥ 2, matching rows. Minimises the summed squared distance.
    Raises DegenerateLandmarks when the points coincide or are not finite.
    Source: Umeyama, Least-squares estimation of transformation parameters between two point patterns,
    IEEE PAMI 13(4), 1991; in the plane its solution is one division of complex numbers.
    """
    points, template = np.asarray(points, float), np.asarray(template, float)
    if points.shape != template.shape or points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"Points of shape {points.shape} do not match a template of shape {template.shape}.")
    middle, target = points.mean(axis=0), template.mean(axis=0)
    source = (points - middle) @ [1, 1j]
    spread = np.vdot(source, source).real
    if not np.isfinite(spread) or spread < 1e-9:
        raise DegenerateLandmarks("The face's landmarks lie on one spot; it can only be cut out by its box.")
    turn = np.vdot(source, (template - target) @ [1, 1j]) / spread
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, target - linear @ middle])


def warp(image: np.ndarray, matrix: FloatArray, size_px: int) -> np.ndarray:
    """The square of `size_px` that `matrix` (2×3, image → square) fills; black where it leaves the image.

    image: uint8, shape (height, width) or (height, width, channels). A face larger than the square is
    averaged down first: picking single pixels would leave noise that a network takes for texture.
    """
    scale = hypot(matrix[0, 0], matrix[1, 0])
    patch, origin = _patch_under(image, matrix, size_px)
    if patch.size == 0 or scale == 0:
        return np.zeros((size_px, size_px, *image.shape[2:]), image.dtype)
    linear = matrix[:, :2]
    shift = matrix[:, 2] + linear @ origin
    if scale < 0.7:
        height, width = (max(1, round(side * scale)) for side in patch.shape[:2])
        shrink = np.array([width / patch.shape[1], height / patch.shape[0]])
        patch = cv2.resize(patch, (width, height), interpolation=cv2.INTER_AREA)
        # OpenCV keeps the outer edges of a picture in place, so pixel centres move by half a pixel.
        shift = shift + linear @ (0.5 / shrink - 0.5)
        linear = linear / shrink
    return cv2.warpAffine(patch, np.column_stack([linear, shift]), (size_px, size_px), flags=cv2.INTER_LINEAR)


def _patch_under(image: np.ndarray, matrix: FloatArray, size_px: int) -> tuple[np.ndarray, FloatArray]:
    """The part of the image that can reach the square, and its top-left corner (x, y)."""
    square = np.array([[0, 0], [size_px, 0], [0, size_px], [size_px, size_px]], float)
    linear = matrix[:, :2]
    if abs(np.linalg.det(linear)) < 1e-12:
        return image[:0], np.zeros(2)
    corners = (square - matrix[:, 2]) @ np.linalg.inv(linear).T
    height, width = image.shape[:2]
    limit = np.array([width, height])
    first = np.clip(np.floor(corners.min(axis=0)) - 2, 0, limit).astype(int)
    last = np.clip(np.ceil(corners.max(axis=0)) + 3, 0, limit).astype(int)
    return image[first[1] : last[1], first[0] : last[0]], first.astype(float)


def align(image: np.ndarray, landmarks: FloatArray, template: FloatArray, size_px: int) -> np.ndarray:
    """The face of `landmarks` (n, 2) laid over `template` (n, 2) in a square of `size_px`."""
    return warp(image, similarity_transform(landmarks, template), size_px)


def crop_with_margin(image: np.ndarray, box: tuple[float, float, float, float], margin: float = 0.0) -> np.ndarray:
    """The pixels of `box` (x, y, w, h) widened by `margin` × its size on every side, cut at the border.

    At least one pixel. Raises ValueError when the box lies outside the image or has no size.
    """
    x, y, w, h = box
    height, width = image.shape[:2]
    if not (w > 0 and h > 0 and x < width and y < height and x + w > 0 and y + h > 0):
        raise ValueError(f"The box {box} does not touch the image of {width}×{height} pixels.")
    left, top = max(0, floor(x - margin * w)), max(0, floor(y - margin * h))
    right, bottom = min(width, ceil(x + w + margin * w)), min(height, ceil(y + h + margin * h))
    return image[top:bottom, left:right]
