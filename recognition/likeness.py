"""From similarities to ranked people with honest probabilities. numpy only: usable in any process.

A similarity means nothing to a person, and means something else for every embedder. What a screen shows is
the calibrated chance that the face is that person, learnt from how close the face is, how far behind the
next person is, and how many people there are to be mistaken for.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

FloatArray = np.ndarray

_BLOCK = 16_000_000  # similarities held at once: 64 MB


@dataclass(frozen=True, slots=True)
class Candidate:
    """`person` may be the one: `similarity` to their closest face, `nearest`: its row in the gallery."""

    person: Hashable
    similarity: float
    nearest: int
    probability: float


@dataclass(frozen=True)
class Calibration:
    """Logistic regression on standardised evidence.

    Evidence columns: cosine similarity to the person's closest face; that minus the best similarity to anybody
    else (negative for all but the first candidate); natural logarithm of the number of people compared.
    centre, scale: of each column. weights: intercept, then one per column. stranger_similarity: what the
    closest of a few strangers typically reaches; stands in for "anybody else" where there is one person only.
    fitted_on: for people to read.
    """

    centre: tuple[float, float, float]
    scale: tuple[float, float, float]
    weights: tuple[float, float, float, float]
    stranger_similarity: float
    fitted_on: str

    def probability(self, evidence: FloatArray) -> FloatArray:
        """evidence: shape (n, 3). Returns shape (n,), in (0, 1)."""
        return _logistic(self._design(evidence) @ self.weights)

    def _design(self, evidence: FloatArray) -> FloatArray:
        standard = (np.asarray(evidence, float).reshape(-1, 3) - self.centre) / self.scale
        return np.column_stack([np.ones(len(standard)), standard])

    def to_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping) -> "Calibration":
        """Raises TypeError when a field is missing or not known."""
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in stored.items()})


# dlib: fitted on 2,784 LFW faces of 1,330 people, found by MTCNN and aligned as DlibEmbedder does: 400 random
# galleries of 2 to 370 people with 1 to 5 faces each, as many probes of strangers as of people enrolled, the
# three best candidates of each probe. Fitted on half of the people, the other half's first candidates had an
# expected calibration error of 0.010 and a Brier score of 0.032. stranger_similarity: median best of five.
_DLIB = Calibration(
    centre=(0.9102, -0.0125, 4.279),
    scale=(0.0288, 0.0409, 1.0346),
    weights=(-6.070, 4.387, 3.141, -0.279),
    stranger_similarity=0.872,
    fitted_on="2,784 faces of Labeled Faces in the Wild",
)

# FaceNet: not measured, its weights are not part of an installation. dlib's shape, stretched so that the usual
# verification threshold (cosine 0.45) takes the place of dlib's (0.915) and the scale is six times as wide.
_FACENET = replace(
    _DLIB,
    centre=(0.42, -0.075, 4.279),
    scale=(0.173, 0.245, 1.0346),
    stranger_similarity=0.19,
    fitted_on="an assumption, not a measurement",
)

DEFAULT_CALIBRATIONS = {"dlib": _DLIB, "facenet": _FACENET}


def default_calibration(embedder: str) -> Calibration:
    """What to assume until a project has confirmed faces enough to fit its own. Raises ValueError."""
    if embedder.startswith("onnx:"):
        return _FACENET  # most networks of today spread their vectors as it does; confirmed faces soon correct it
    if embedder not in DEFAULT_CALIBRATIONS:
        raise ValueError(f"No calibration is known for the embedder “{embedder}”. Fit one with fit_calibration.")
    return DEFAULT_CALIBRATIONS[embedder]


def rank_people(
    probes: FloatArray,
    gallery: FloatArray,
    people: Sequence[Hashable] | np.ndarray,
    *,
    embedder: str = "dlib",
    calibration: Calibration | None = None,
    limit: int = 5,
    ruled_out: Sequence[Collection[Hashable]] | None = None,
) -> list[list[Candidate]]:
    """For each probe the `limit` likeliest people, best first; empty lists where the gallery is empty.

    probes: shape (n, d), gallery: shape (m, d), rows of unit length; people: whose face each gallery row is.
    Probabilities of one probe sum to at most 1; the rest is the chance of somebody else. Ties in similarity go
    to the person that sorts first. `calibration` defaults to the embedder's own. ruled_out: for each probe the
    people it is known not to be; they are left out, and do not stand in anybody's way.
    Raises ValueError for shapes that do not match, numbers that are none, or an embedder without calibration.
    """
    probes, gallery = np.atleast_2d(np.asarray(probes)), np.atleast_2d(np.asarray(gallery))
    people = np.asarray(people)
    if len(people) == 0 or probes.size == 0:
        return [[] for _ in range(len(probes) if probes.size else 0)]
    _must_match(probes, gallery, people)
    calibration = calibration or default_calibration(embedder)
    ranked: list[list[Candidate]] = []
    grouped = _Gallery(gallery, people)
    for similarities in grouped.blocks(probes):
        best = grouped.best_per_person(similarities)
        if ruled_out is not None:
            grouped.rule_out(best, ruled_out[len(ranked) : len(ranked) + len(best)])
        for row, best_row, chosen in zip(similarities, best, _likeliest(best, max(limit, 2)), strict=True):
            chosen = chosen[np.isfinite(best_row[chosen])]
            ranked.append(_candidates(grouped, row, best_row[chosen], chosen, calibration, limit))
    return ranked


def _likeliest(best: FloatArray, limit: int) -> np.ndarray:
    """The `limit` highest columns of each row, highest first, without sorting thousands of people for nine."""
    if best.shape[1] > 8 * limit:
        few = np.sort(np.argpartition(-best, limit, axis=1)[:, :limit], axis=1)
        order = np.argsort(-np.take_along_axis(best, few, axis=1), axis=1, kind="stable")
        return np.take_along_axis(few, order, axis=1)
    return np.argsort(-best, axis=1, kind="stable")[:, :limit]


class _Gallery:
    """Gallery rows sorted by person, so that the best per person is one pass."""

    def __init__(self, vectors: FloatArray, people: np.ndarray):
        self.names, codes = np.unique(people, return_inverse=True)
        self.rows = np.argsort(codes, kind="stable")
        self.vectors = np.ascontiguousarray(vectors[self.rows], dtype=np.float32)
        self.starts = np.searchsorted(codes[self.rows], np.arange(len(self.names)))
        self.ends = np.append(self.starts[1:], len(codes))

    def blocks(self, probes: FloatArray) -> Iterator[FloatArray]:
        step = max(1, _BLOCK // max(1, len(self.vectors)))
        for start in range(0, len(probes), step):
            yield probes[start : start + step].astype(np.float32) @ self.vectors.T

    def best_per_person(self, similarities: FloatArray) -> FloatArray:
        return np.maximum.reduceat(similarities, self.starts, axis=1)

    def rule_out(self, best: FloatArray, ruled_out: Sequence[Collection[Hashable]]) -> None:
        """Put the people a probe cannot be out of reach, in place."""
        for row, people in zip(best, ruled_out, strict=True):
            if people:
                row[np.isin(self.names, list(people))] = -np.inf

    def nearest(self, similarities: FloatArray, person: int) -> int:
        start = self.starts[person]
        return int(self.rows[start + np.argmax(similarities[start : self.ends[person]])])


def _candidates(
    grouped: _Gallery,
    similarities: FloatArray,
    best: FloatArray,
    chosen: np.ndarray,
    calibration: Calibration,
    limit: int,
) -> list[Candidate]:
    if len(chosen) == 0:
        return []
    probabilities = calibration.probability(_evidence(best, len(grouped.names), calibration.stranger_similarity))
    probabilities = probabilities[:limit] / max(1.0, probabilities[:limit].sum())
    return [
        Candidate(grouped.names[person].item(), float(similarity), grouped.nearest(similarities, person), float(chance))
        for person, similarity, chance in zip(chosen[:limit], best[:limit], probabilities, strict=True)
    ]


def _evidence(best: FloatArray, people: int, stranger_similarity: float) -> FloatArray:
    """best: similarities of one probe to its candidates, falling. Returns shape (len(best), 3)."""
    rivals = np.full(len(best), best[0], dtype=float)
    rivals[0] = best[1] if len(best) > 1 else stranger_similarity
    return np.column_stack([best, best - rivals, np.full(len(best), np.log(people))])


def one_person_per_photo(
    ranked: Sequence[Sequence[Candidate]],
    photos: Sequence[Hashable],
    already_there: Mapping[Hashable, Collection[Hashable]] | None = None,
    *,
    persons: Sequence[Hashable] | None = None,
) -> list[list[Candidate]]:
    """Propose nobody twice in a photo: the likeliest face keeps the person, the others go on to their next.

    ranked: one list per face, best first, as from rank_people; photos: the photo each face is in;
    already_there: people named in a photo by somebody; persons: equal where faces are known to be one person, who
    may then stand in a photo twice. Greedy by probability, then similarity, then position.
    Returns the lists in the same order, without the candidates who are somebody else in the same photo.
    """
    persons = range(len(ranked)) if persons is None else persons
    faces_of: dict[Hashable, list[int]] = defaultdict(list)
    for index, photo in enumerate(photos):
        faces_of[photo].append(index)
    kept: list[list[Candidate]] = [[] for _ in ranked]
    for photo, faces in faces_of.items():
        owner = _owners({index: ranked[index] for index in faces}, persons, (already_there or {}).get(photo, ()))
        for index in faces:
            kept[index] = [c for c in ranked[index] if owner.get(c.person, persons[index]) == persons[index]]
    if len(kept) != len(photos):
        raise ValueError(f"{len(ranked)} ranked faces do not match {len(photos)} photos.")
    return kept


def _owners(
    ranked: Mapping[int, Sequence[Candidate]], persons: Sequence[Hashable], taken: Collection[Hashable]
) -> dict[Hashable, Hashable]:
    """Who is proposed as which person; nobody (None) for people taken already."""
    owner: dict[Hashable, Hashable] = dict.fromkeys(taken)
    settled: set[Hashable] = set()
    pairs = [(-c.probability, -c.similarity, index, c.person) for index, found in ranked.items() for c in found]
    for *_, index, person in sorted(pairs, key=lambda pair: pair[:3]):
        if persons[index] not in settled and person not in owner:
            owner[person] = persons[index]
            settled.add(persons[index])
    return owner


# ── calibration ───────────────────────────────────────────────────────────────────────────────────────────


def leave_one_out_evidence(
    vectors: FloatArray, people: Sequence[Hashable] | np.ndarray, groups: Sequence[Hashable] | np.ndarray | None = None
) -> tuple[FloatArray, np.ndarray]:
    """What fit_calibration learns from, made of a project's confirmed faces alone.

    Each face is searched among all others twice: as it is, and as the stranger it would be if its own person
    were missing, because waiting faces are often of nobody enrolled. vectors: shape (n, d), unit length.
    groups: faces of one group (photo, session) are not compared: frames of a burst would flatter every figure.
    Returns the evidence of the two best candidates of each search (k, 3), and whether each was right (k,). Time
    grows with n²: a sample of a few thousand faces tells as much.
    """
    vectors, people = np.asarray(vectors, np.float32), np.asarray(people)
    _must_match(vectors, vectors, people)
    grouped = _Gallery(vectors, people)
    own = np.searchsorted(grouped.names, people)
    group = np.unique(groups, return_inverse=True)[1] if groups is not None else np.arange(len(people))
    evidence, right = [np.empty((0, 3))], [np.empty(0, dtype=bool)]
    rows = (row for block in grouped.blocks(vectors) for row in block)
    for face, row in enumerate(rows):
        apart = np.where(group[grouped.rows] == group[face], -np.inf, row)
        best = grouped.best_per_person(apart[None])[0].astype(float)
        for absent in ([], [own[face]]):
            best[absent] = -np.inf
            order = np.argsort(-best, kind="stable")[: np.isfinite(best).sum()]
            if len(order) >= 2:
                evidence.append(_evidence(best[order[:2]], len(order), stranger_similarity=0.0))
                right.append(order[:2] == own[face])
    return np.concatenate(evidence), np.concatenate(right)


def fit_calibration(
    evidence: FloatArray,
    is_same: np.ndarray,
    *,
    start: Calibration,
    trust: float = 1.0,
    fitted_on: str = "this project",
) -> Calibration:
    """The logistic regression that explains `is_same` best without straying from `start` for no reason.

    evidence: shape (n, 3), columns as in Calibration; is_same: shape (n,), bool. `trust` is the precision of the
    Gaussian prior around the weights of `start`: at 1, a few dozen examples begin to matter, none leave it as it is.
    Newton's method (iteratively reweighted least squares) with halved steps; the penalised problem is convex.
    Weights of similarity and margin stay at least 0: a closer face must never look less likely.
    Raises ValueError for shapes that do not match or numbers that are none.
    """
    evidence, is_same = np.asarray(evidence, float).reshape(-1, 3), np.asarray(is_same, bool)
    if len(evidence) != len(is_same) or not np.isfinite(evidence).all():
        raise ValueError(f"Evidence of shape {evidence.shape} must be finite and match {is_same.shape} answers.")
    if trust <= 0:
        raise ValueError(f"trust is {trust}; it must be above 0, or few examples would give certainty.")
    design, prior = start._design(evidence), np.array(start.weights)
    # One project has one number of people: it says nothing about how that number matters.
    precision = trust * np.array([1.0, 1.0, 1.0, 1000.0])
    weights = prior.copy()
    for _ in range(100):
        chances = _logistic(design @ weights)
        slope = design.T @ (chances - is_same) + precision * (weights - prior)
        curvature = (design * (chances * (1 - chances))[:, None]).T @ design + np.diag(precision)
        step = np.linalg.solve(curvature, slope)
        length = 1.0
        now = _penalised(design, is_same, weights, prior, precision)
        while length > 1e-6 and _penalised(design, is_same, weights - length * step, prior, precision) > now:
            length /= 2
        weights = weights - length * step
        if np.abs(length * step).max() < 1e-9:
            break
    weights[1:3] = np.maximum(weights[1:3], 0.0)
    return replace(start, weights=tuple(map(float, weights)), fitted_on=fitted_on)


def _penalised(
    design: FloatArray, is_same: np.ndarray, weights: FloatArray, prior: FloatArray, precision: FloatArray
) -> float:
    scores = design @ weights
    surprise = np.logaddexp(0.0, np.where(is_same, -scores, scores)).sum()
    return float(surprise + np.sum(precision * (weights - prior) ** 2) / 2)


def _logistic(scores: FloatArray) -> FloatArray:
    return 0.5 * (1.0 + np.tanh(0.5 * scores))  # does not overflow


def _must_match(probes: FloatArray, gallery: FloatArray, people: np.ndarray) -> None:
    if probes.ndim != 2 or gallery.ndim != 2 or probes.shape[1] != gallery.shape[1] or len(gallery) != len(people):
        raise ValueError(
            f"Probes {probes.shape}, gallery {gallery.shape} and {len(people)} names do not fit each other."
        )
    if not (np.isfinite(probes).all() and np.isfinite(gallery).all()):
        raise ValueError("Some vectors hold numbers that are not finite; embed those faces again.")
