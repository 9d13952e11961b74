"""Which names are probably wrong: arrays in, doubts out. numpy only; defined in docs/metrics.md."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from recognition.likeness import Calibration

_BLOCK = 16_000_000  # similarities held at once: 64 MB
OWN_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Doubt:
    """A face that is unlike its own person's other photos and like somebody else's.

    All faces are rows of the gallery. own: those of its person most alike, the likest first; nearest: the other
    person's face most alike. score: chance of the other person times the chance that it is not its own.
    """

    face: int
    score: float
    own: tuple[int, ...]
    own_similarity: float
    person: int
    nearest: int
    similarity: float
    own_probability: float
    probability: float


def name_doubts(
    probes: Sequence[int] | np.ndarray,
    vectors: np.ndarray,
    people: np.ndarray,
    photos: np.ndarray,
    *,
    calibration: Calibration,
    least: float = 0.0,
) -> list[Doubt]:
    """Doubts of at least `least`, the strongest first.

    probes: rows to look at; vectors: (n, d) of unit length; people, photos: whose each row is and in which photo.
    Each is compared with all but the faces of its own photo. A person seen in one photo only cannot be judged.
    """
    names, codes = np.unique(people, return_inverse=True)
    if len(names) < 2:
        return []
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(names)))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    columns = np.ascontiguousarray(vectors[order], dtype=np.float32)
    together = _by_photo(photos)
    doubts = []
    for block in _blocks(np.asarray(probes, dtype=np.int64), len(columns)):
        similarities = vectors[block].astype(np.float32) @ columns.T
        for row, face in zip(similarities, block, strict=True):
            row[place[together[photos[face]]]] = -np.inf
            doubt = _doubt(int(face), row, names, codes, order, starts, calibration)
            if doubt and doubt.score >= least:
                doubts.append(doubt)
    return sorted(doubts, key=lambda doubt: (-doubt.score, doubt.face))


def _by_photo(photos: np.ndarray) -> dict[int, np.ndarray]:
    order = np.argsort(photos, kind="stable")
    values, starts = np.unique(photos[order], return_index=True)
    return dict(zip(values.tolist(), np.split(order, starts[1:]), strict=True))


def _blocks(probes: np.ndarray, width: int) -> Iterator[np.ndarray]:
    step = max(1, _BLOCK // max(1, width))
    for start in range(0, len(probes), step):
        yield probes[start : start + step]


def _doubt(face: int, row, names, codes, order, starts, calibration: Calibration) -> Doubt | None:
    best = np.maximum.reduceat(row, starts)
    mine = codes[face]
    own = float(best[mine])
    best[mine] = -np.inf
    other = int(np.argmax(best))
    if not np.isfinite([own, best[other]]).all():
        return None
    rival = float(best[other])
    evidence = [[rival, rival - own, np.log(len(names))], [own, own - rival, np.log(len(names))]]
    is_other, is_own = calibration.probability(np.array(evidence))
    ours = slice(starts[mine], starts[mine + 1] if mine + 1 < len(starts) else len(row))
    theirs = slice(starts[other], starts[other + 1] if other + 1 < len(starts) else len(row))
    likest = np.argsort(-row[ours], kind="stable")[:OWN_SHOWN]
    return Doubt(
        face=face,
        score=float(is_other * (1 - is_own)),
        own=tuple(int(order[ours.start + at]) for at in likest if np.isfinite(row[ours.start + at])),
        own_similarity=own,
        person=int(names[other]),
        nearest=int(order[theirs.start + np.argmax(row[theirs])]),
        similarity=rival,
        own_probability=float(is_own),
        probability=float(is_other),
    )
