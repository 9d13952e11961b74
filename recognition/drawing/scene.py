"""Draws photos: portraits of one person and scenes of several, with the truth about their faces."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .background import draw_background
from .camera import develop
from .clothes import draw_body
from .face import draw_ears, draw_head
from .geometry import Figure, Pose
from .glasses import draw_glasses
from .hair import draw_back_hair, draw_front_hair, hides_ears
from .mouth import lips
from .names import person_name
from .person import make_person
from .shot import Shot, make_light, make_shot

PORTRAIT_STREAM, SCENE_STREAM = 1, 2  # so that a portrait and a scene of one seed share no random numbers
OVERSAMPLING = 1.5  # drawn larger and scaled down: smooth edges at little cost
FEWEST_IN_SCENE, MOST_IN_SCENE = 2, 8
MOST_IN_ROW = 4
BOX_TOP = -0.96  # detectors start a face at the hairline; face units


@dataclass(frozen=True)
class DrawnFace:
    """`box` is (x, y, w, h) in pixels inside the image; `landmarks` (5, 2): eyes, nose tip, mouth corners,
    the viewer's left before the right."""

    box: tuple[float, float, float, float]
    landmarks: np.ndarray
    name: str


@dataclass(frozen=True)
class DrawnPhoto:
    """`image` is uint8 RGB (h, w, 3); `quality` the JPEG quality its camera would save it with."""

    image: np.ndarray
    faces: tuple[DrawnFace, ...]
    quality: int


def draw_portrait(person_seed: int, photo_seed: int, size: tuple[int, int] = (480, 480)) -> DrawnPhoto:
    """Photo number `photo_seed` of a person. Seeds are >= 0, `size` is (w, h); equal calls give equal bytes."""
    rng = np.random.default_rng([PORTRAIT_STREAM, person_seed, photo_seed])
    width, height = _canvas_size(size)
    canvas = draw_background(rng, (width, height))
    light, contrast = make_light(rng)
    shot = make_shot(rng, light, contrast)
    unit = min(width, height) * rng.uniform(0.15, 0.235)
    centre = (width * (0.5 + np.clip(rng.normal(0, 0.04), -0.09, 0.09)), height * rng.uniform(0.42, 0.48))
    figure = Figure(make_person(person_seed), Pose(centre, unit, shot.yaw, shot.pitch, shot.roll))
    _draw_figure(canvas, figure, shot)
    return _photograph(canvas, size, rng, [(figure, shot)])


def draw_scene(people: Sequence[int], scene_seed: int, size: tuple[int, int] = (960, 640)) -> DrawnPhoto:
    """A group photo of 2 to 8 people, given by their seeds; faces come in the order of `people`."""
    if not FEWEST_IN_SCENE <= len(people) <= MOST_IN_SCENE:
        raise ValueError(f"A scene shows {FEWEST_IN_SCENE} to {MOST_IN_SCENE} people, not {len(people)}.")
    rng = np.random.default_rng([SCENE_STREAM, scene_seed, len(people)])
    width, height = _canvas_size(size)
    canvas = draw_background(rng, (width, height))
    light, contrast = make_light(rng)
    standing = []
    for person_seed, (centre, unit) in zip(people, _places(rng, len(people), width, height), strict=True):
        shot = make_shot(rng, light, contrast)
        standing.append((Figure(make_person(person_seed), Pose(centre, unit, shot.yaw, shot.pitch, shot.roll)), shot))
    for figure, shot in standing:  # the back row comes first, so that the front row stands before it
        _draw_figure(canvas, figure, shot)
    return _photograph(canvas, size, rng, standing)


def _canvas_size(size: tuple[int, int]) -> tuple[int, int]:
    return round(size[0] * OVERSAMPLING), round(size[1] * OVERSAMPLING)


def _places(rng: np.random.Generator, count: int, width: int, height: int) -> list[tuple[tuple[float, float], float]]:
    """Where heads go and how large they are, (centre, unit) in canvas pixels: one row, or two that interleave."""
    back = count // 2 if count > MOST_IN_ROW else 0
    rows = [(back, 0.30, 0.25, 0.92), (count - back, 0.56, -0.25, 1.0)] if back else [(count, 0.44, 0.0, 1.0)]
    widest = max(people for people, *_ in rows)
    spacing = width / (widest + 0.5)
    unit = min(spacing / 3.1, height * (0.092 if back else 0.14))
    places = []
    for people, level, shift, scale in rows:
        shift = shift if back == count - back else 0.0
        for number in range(people):
            x = width / 2 + (number - (people - 1) / 2 + shift + rng.uniform(-0.06, 0.06)) * spacing
            y = height * (level + rng.uniform(-0.025, 0.025))
            places.append(((x, y), unit * scale * rng.uniform(0.93, 1.04)))
    return places


def _draw_figure(canvas: np.ndarray, figure: Figure, shot: Shot) -> None:
    draw_back_hair(canvas, figure, shot)
    draw_body(canvas, figure, shot)
    if not hides_ears(figure.person.cut):
        draw_ears(canvas, figure, shot)
    draw_head(canvas, figure, shot)
    draw_front_hair(canvas, figure, shot)
    draw_glasses(canvas, figure, shot)


def _photograph(canvas, size: tuple[int, int], rng: np.random.Generator, standing) -> DrawnPhoto:
    image = develop(canvas, size, rng)
    scale = np.array(size) / canvas.shape[1::-1]
    faces = tuple(_truth(figure, shot, size, scale) for figure, shot in standing)
    return DrawnPhoto(image, faces, quality=int(rng.integers(82, 96)))


def _truth(figure: Figure, shot: Shot, size: tuple[int, int], scale: np.ndarray) -> DrawnFace:
    p = figure.person
    edge = figure.around(figure.outline[figure.outline[:, 1] > BOX_TOP]) * scale
    low, high = np.clip(edge.min(axis=0), 0, size), np.clip(edge.max(axis=0), 0, size)
    corners = lips(figure, shot).top[[0, -1]]
    landmarks = np.concatenate(
        [
            figure.on_face([(-p.eye_gap, 0), (p.eye_gap, 0)]),
            figure.on_face([(0, p.nose_tip)], lift=0.3),
            figure.on_face(corners, lift=0.03),
        ]
    )
    box = tuple(float(v) for v in (*low, *(high - low)))
    return DrawnFace(box, landmarks * scale, person_name(p.seed))
