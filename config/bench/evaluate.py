"""facet bench evaluate: 13,000 probes against 13,000 gallery faces, and the same with half as many of each.

Made-up vectors of 128 numbers, people with few faces and with many. Measured is what an evaluation does with one model
once it has the vectors: search, recognition rate and CMC, AP of each person with 1,000 resamples, the exact ROC of all
pairs of probes, curves, histogram, confusions and mistakes. Each size has a process of its own.
FACET_BENCH_SCALE makes it smaller.
"""

import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

FACES, DIMENSIONS, FACES_A_PERSON = 13_000, 128, 10
NOISE = 1.6  # about one probe in five is taken for somebody else


def run(say: Callable[[str], None]) -> dict:
    scale = float(os.environ.get("FACET_BENCH_SCALE", "1"))
    size = max(100, round(FACES * scale))
    say(f"Evaluating {size:,} probes against {size:,} gallery faces …")
    whole = _apart(size)
    say(f"{size // 2:,} against {size // 2:,} …")
    quarter = _apart(size // 2)
    # Four times the products: a growth above 4 would be worse than the product of the sizes.
    return {**whole, "quarter": quarter, "growth": round(whole["seconds"] / quarter["seconds"], 2)}


def _apart(faces: int) -> dict:
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=_start) as pool:
        return pool.submit(_measured, faces).result()


def _start() -> None:
    import django

    django.setup()


def _measured(faces: int) -> dict:
    from recognition import measure

    gallery, probes = _faces(faces, 1), _faces(faces, 2)
    start = time.perf_counter()
    measured = measure.measure(measure.compare_vectors(gallery, probes), probes, seed=1)
    figures = measure.figures(measured)
    measure.confusion_at_strictest(measured)
    measure.curve_points(measured, probes)
    measure.mistakes(measured, gallery, probes)
    measure.confusions(measured, probes)
    seconds = time.perf_counter() - start
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    bare = _bare_products(gallery, probes)
    return {
        "seconds": round(seconds, 2),
        "rss_mb": round(rss_mb),
        "blas_fraction": round(bare / seconds, 3),
        "faces": faces,
        "people": figures["map"]["measured"] + figures["map"]["too_few"],
        "pairs": figures["verification"]["genuine"] + figures["verification"]["impostors"],
        "recognition_rate": round(figures["recognition_rate"]["value"], 4),
        "map": round(figures["map"]["macro"], 4),
    }


def _bare_products(gallery, probes) -> float:
    """Seconds for the similarities alone: probes with gallery faces, with means, and with each other once."""
    people = len(np.unique(gallery.names))
    means = gallery.vectors[:people].astype(np.float64)
    step = 1024
    start = time.perf_counter()
    probes.vectors.astype(np.float64) @ means.T
    for row in range(0, len(probes), step):
        probes.vectors[row : row + step] @ gallery.vectors.T
        probes.vectors[row : row + step] @ probes.vectors[row:].T
    return time.perf_counter() - start


def _faces(count: int, seed: int):
    """People of whom there are few faces and many: the square of a share, as in collections that grew by themselves."""
    from recognition.labelled_faces import LabelledFaces

    people = max(2, count // FACES_A_PERSON)
    centres = np.random.default_rng(5).normal(size=(people, DIMENSIONS))
    rng = np.random.default_rng(seed)
    codes = np.minimum((people * rng.random(count) ** 2).astype(np.int64), people - 1)
    vectors = centres[codes] + NOISE * rng.normal(size=(count, DIMENSIONS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = np.arange(count)
    names = np.array([f"Person {code:05d}" for code in codes])
    return LabelledFaces(ids, names, codes, np.full(count, "test"), ids, vectors.astype(np.float32))
