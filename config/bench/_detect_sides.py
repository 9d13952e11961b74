"""The two ways of finding faces that `facet bench detect` holds against each other, each in processes of its own.

Ours runs as workers should: a process for each core, one thread of torch in each. The naive way is one process that
asks facenet-pytorch's MTCNN photo by photo, with as many threads as torch likes to take: both may use all cores.
"""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context

import numpy as np


@dataclass(frozen=True)
class Found:
    """boxes: x, y, w, h; cpu_s: processor time of all threads that looked for them."""

    boxes: list[tuple[float, float, float, float]]
    scores: list[float]
    cpu_s: float


@dataclass
class Side:
    """What one way found so far, and in how much time."""

    look: Callable[[list[np.ndarray]], list[Found]]
    processes: int
    threads: int
    seconds: float = 0.0
    found: list[Found] = field(default_factory=list)

    def search(self, photos: list[np.ndarray]) -> None:
        start = time.perf_counter()
        found = self.look(photos)
        self.seconds += time.perf_counter() - start
        self.found += found

    @property
    def images_per_s(self) -> float:
        return len(self.found) / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Processor time for a photo."""
        return 1000 * sum(found.cpu_s for found in self.found) / len(self.found)


@contextmanager
def ours() -> Iterator[Side]:
    yield from _side(os.cpu_count() or 1, _load_ours, _find_ours)


@contextmanager
def naive() -> Iterator[Side]:
    yield from _side(1, _load_naive, _find_naive)


def _side(processes: int, load: Callable, find: Callable) -> Iterator[Side]:
    context = get_context("spawn")
    # None begins before all have their networks: starting up does not belong to what is measured.
    all_ready = context.Barrier(processes)
    with ProcessPoolExecutor(processes, context, initializer=_start, initargs=(load, all_ready)) as pool:
        first, *_ = [pool.submit(_threads) for _ in range(processes)]
        yield Side(lambda photos: list(pool.map(find, photos)), processes, first.result())


def _start(load: Callable, all_ready) -> None:
    load()
    all_ready.wait()


def _threads() -> int:
    import torch

    return torch.get_num_threads()


_detector = None
_WARM_UP = (240, 320, 3)


def _load_ours() -> None:
    global _detector
    from recognition.detectors import get_detector

    _detector = get_detector("mtcnn", min_face_px=20, threads=1)
    _detector.detect([np.zeros(_WARM_UP, np.uint8)])


def _find_ours(photo: np.ndarray) -> Found:
    start = time.process_time()
    (faces,) = _detector.detect([photo])
    return Found([face.box for face in faces], [face.score for face in faces], time.process_time() - start)


def _load_naive() -> None:
    global _detector
    from facenet_pytorch import MTCNN

    _detector = MTCNN(keep_all=True)
    _find_naive(np.random.default_rng(0).integers(0, 255, _WARM_UP, np.uint8))


def _find_naive(photo: np.ndarray) -> Found:
    start = time.process_time()
    try:
        corners, scores = _detector.detect(photo)
    except (RuntimeError, ValueError):  # how the library says that nothing passed its first network
        corners = None
    cpu_s = time.process_time() - start
    if corners is None:
        return Found([], [], cpu_s)
    kept = [(box, score) for box, score in zip(corners.tolist(), scores.tolist(), strict=True) if _has_area(box)]
    return Found([(x1, y1, x2 - x1, y2 - y1) for (x1, y1, x2, y2), _ in kept], [score for _, score in kept], cpu_s)


def _has_area(corners: list[float]) -> bool:
    return corners[2] > corners[0] and corners[3] > corners[1]
