"""Which faces a step sees: people alike, though some have hundreds of faces and some three."""

from collections.abc import Iterator

import numpy as np

BETA = 0.999


def effective_weights(counts: np.ndarray, beta: float = BETA) -> np.ndarray:
    """Weight of one face of each person, (1 - beta) / (1 - beta^n): of many faces each says less.

    counts: shape (people,), each at least 1. With beta near 1 this is 1 / n until n comes near 1 / (1 - beta).
    Source: Cui et al., Class-balanced loss based on effective number of samples, CVPR 2019.
    """
    return (1 - beta) / (1 - beta ** np.asarray(counts, np.float64))


def balanced_batches(codes: np.ndarray, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """As many draws as there are faces, with replacement, by effective weights. codes: each face's person from 0."""
    share = effective_weights(np.bincount(codes))[codes]
    order = rng.choice(len(codes), size=len(codes), p=share / share.sum())
    for start in range(0, len(order), size):
        yield order[start : start + size]


def batches_of_people(codes: np.ndarray, size: int, each: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """For losses that compare faces with each other: some people, `each` faces of each of them.

    People with one face cannot be compared with themselves, and are drawn only where nobody has two.
    """
    counts = np.bincount(codes)
    people = np.flatnonzero(counts >= 2) if (counts >= 2).any() else np.flatnonzero(counts)
    share = effective_weights(counts[people]) * counts[people]
    share /= share.sum()
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(counts)[:-1])
    at_once = min(len(people), max(2, size // each))
    for _ in range(-(-len(codes) // size)):
        chosen = rng.choice(people, size=at_once, replace=False, p=share)
        yield np.concatenate([_some(members[code], each, rng) for code in chosen])


def _some(faces: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(faces)[:count]
