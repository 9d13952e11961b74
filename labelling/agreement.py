"""How far people agree who labelled the same photos without seeing each other's word. Definitions: docs/metrics.md."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

import numpy as np

from labelling.matching import match_boxes
from labelling.models import Opinion, Project
from labelling.said import Row, seen, who_it_is, with_people_of_now

Z95 = 1.959963984540054
RESAMPLES = 400


@dataclass(frozen=True)
class Comparison:
    """Two people's words about one photo. `labels`: what each said of the faces both saw, with the boxes' IoU."""

    photo: int
    labels: Sequence[tuple[object, object, float]]
    alone: int  # boxes that only one of them has


@dataclass(frozen=True)
class Share:
    """A share of `n`, and where it may lie at 95 % (Wilson 1927); None without any."""

    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Agreement:
    photos: int
    faces: int  # that both saw
    mean_iou: float | None
    found_by_both: Share  # of the boxes either has
    same: Share  # of the faces both saw: the same person, or both unknown, or both ignored
    kappa: float | None
    kappa_low: float | None
    kappa_high: float | None


def compare(photo: int, ours: Sequence[Row], theirs: Sequence[Row]) -> Comparison:
    ours, theirs = seen(ours), seen(theirs)
    pairs = match_boxes([row["box"] for row in ours], [row["box"] for row in theirs])
    labels = [(who_it_is(ours[i]), who_it_is(theirs[j]), overlap) for i, j, overlap in pairs]
    return Comparison(photo, labels, alone=len(ours) + len(theirs) - 2 * len(pairs))


def agreement(comparisons: Sequence[Comparison]) -> Agreement:
    labels = [pair for one in comparisons for pair in one.labels]
    either = len(labels) + sum(one.alone for one in comparisons)
    low, high = _kappa_interval(comparisons)
    return Agreement(
        photos=len({one.photo for one in comparisons}),
        faces=len(labels),
        mean_iou=sum(overlap for *_, overlap in labels) / len(labels) if labels else None,
        found_by_both=share(len(labels), either),
        same=share(sum(ours == theirs for ours, theirs, _ in labels), len(labels)),
        kappa=cohens_kappa([pair[0] for pair in labels], [pair[1] for pair in labels]),
        kappa_low=low,
        kappa_high=high,
    )


def share(part: int, whole: int) -> Share:
    if whole == 0:
        return Share(None, None, None, 0)
    p, square = part / whole, Z95 * Z95 / whole
    middle = (p + square / 2) / (1 + square)
    half = Z95 / (1 + square) * sqrt(p * (1 - p) / whole + square / (4 * whole))
    low = 0.0 if part == 0 else max(0.0, middle - half)
    high = 1.0 if part == whole else min(1.0, middle + half)
    return Share(p, low, high, whole)


def cohens_kappa(ours: Sequence[object], theirs: Sequence[object]) -> float | None:
    """Agreement beyond what two people with these habits reach by chance (Cohen 1960).

    None without labels, and where both only ever say one and the same thing: then chance alone agrees fully.
    """
    if not ours:
        return None
    a, b, kinds = _coded(ours, theirs)
    return _kappa(a, b, kinds, np.ones(len(a)))


def _coded(ours: Sequence[object], theirs: Sequence[object]) -> tuple[np.ndarray, np.ndarray, int]:
    codes: dict[object, int] = {}
    coded = [[codes.setdefault(label, len(codes)) for label in labels] for labels in (ours, theirs)]
    return np.array(coded[0]), np.array(coded[1]), len(codes)


def _kappa(a: np.ndarray, b: np.ndarray, kinds: int, weights: np.ndarray) -> float | None:
    total = weights.sum()
    if total == 0:
        return None
    observed = weights[a == b].sum() / total
    by_chance = (np.bincount(a, weights, kinds) * np.bincount(b, weights, kinds)).sum() / total**2
    return float((observed - by_chance) / (1 - by_chance)) if by_chance < 1 - 1e-12 else None


def _kappa_interval(comparisons: Sequence[Comparison]) -> tuple[float | None, float | None]:
    """Middle 95 % when photos are drawn anew: faces of one photo are not independent of each other."""
    labels = [(ours, theirs, one.photo) for one in comparisons for ours, theirs, _ in one.labels]
    photos = {photo: place for place, photo in enumerate(dict.fromkeys(photo for *_, photo in labels))}
    if len(photos) < 2:
        return None, None
    a, b, kinds = _coded([label[0] for label in labels], [label[1] for label in labels])
    photo_of = np.array([photos[photo] for *_, photo in labels])
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(len(photos), np.full(len(photos), 1 / len(photos)), size=RESAMPLES)
    found = [_kappa(a, b, kinds, weights[photo_of].astype(float)) for weights in drawn]
    usable = [value for value in found if value is not None]
    if not usable:
        return None, None
    low, high = np.quantile(usable, (0.025, 0.975))
    return float(low), float(high)


def comparisons_of(project: Project, *, newest: int | None = None) -> dict[tuple[int, int], list[Comparison]]:
    """Every two people's comparisons, by their ids, the smaller first. `newest`: of that many opinions only."""
    opinions = Opinion.objects.filter(project=project, is_gold=False, user__isnull=False).order_by("-pk")
    rows = list(opinions.values_list("image_id", "user_id", "faces")[:newest])
    faces = with_people_of_now([row[2] for row in rows])
    by_photo: dict[int, dict[int, list[Row]]] = defaultdict(dict)
    for (image_id, user_id, _), said in zip(rows, faces, strict=True):
        by_photo[image_id][user_id] = said
    pairs: dict[tuple[int, int], list[Comparison]] = defaultdict(list)
    for image_id, said in by_photo.items():
        for one, other in combinations(sorted(said), 2):
            pairs[one, other].append(compare(image_id, said[one], said[other]))
    return dict(pairs)


def over_all(pairs: Iterable[Sequence[Comparison]]) -> Agreement:
    return agreement([one for comparisons in pairs for one in comparisons])
