"""How likely two groups of faces are one person, from the mean cosine between them. numpy only.

A mean over many pairs says more than one pair: the same figure means more certainty for larger groups. And a cosine
says nothing by itself: how far it lies above what strangers reach in the same project does.
"""

from dataclasses import dataclass, replace

import numpy as np

from recognition.known_faces import WAITING, KnownFaces
from recognition.likeness import FloatArray

FIT_ON = 3_000
RIVALS = 3
# As many named faces, and as many in photos of several, are compared to see how alike strangers are.
STRANGERS_AMONG = 1_000
# As many people, or photos of several, weigh as much as what is known of the embedder.
STRANGERS_TRUST = 8
QUARTILES_PER_SD = 1.349  # between the quartiles of a normal distribution


@dataclass(frozen=True)
class Linkage:
    """Logistic regression. z: mean cosine, centred and scaled; l: log2 of the number of pairs it is a mean of.

    weights: of 1, z, l and z·l.
    """

    centre: float
    scale: float
    weights: tuple[float, float, float, float]

    def probability(self, similarity: FloatArray, pairs: FloatArray) -> FloatArray:
        z = (np.asarray(similarity, float) - self.centre) / self.scale
        size = np.log2(np.minimum(pairs, MOST_PAIRS))
        one, slope, shift, steeper = self.weights
        return 0.5 * (1 + np.tanh(0.5 * (one + slope * z + shift * size + steeper * z * size)))


@dataclass(frozen=True)
class Strangers:
    """Cosines between faces of different people: their median, and their spread as a standard deviation."""

    middle: float
    spread: float


# What was fitted went as far as groups of 16; beyond, a mean gets no surer.
MOST_PAIRS = 256

# dlib: fitted on 9,000 pairs of groups of 1 to 16 faces, of 2,225 LFW faces of 100 people found by MTCNN: the own
# person and the two likest others, in four cases of ten with the own person absent. 1.7 % on the wrong side of ½.
_DLIB = Linkage(centre=0.9102, scale=0.0288, weights=(-3.893, 5.174, -0.615, 0.755))
# FaceNet: not measured; dlib's shape on the scale that recognition.likeness assumes for it.
_FACENET = replace(_DLIB, centre=0.42, scale=0.173)

DEFAULT_LINKAGES = {"dlib": _DLIB, "facenet": _FACENET}
# dlib: between the same 100 people. FaceNet: where dlib's shape puts them.
_STRANGERS = {"dlib": Strangers(0.8395, 0.0345), "facenet": Strangers(-0.005, 0.207)}


def default_linkage(embedder: str) -> Linkage:
    """Raises ValueError for an embedder nothing is known about."""
    if embedder.startswith("onnx:"):
        return _FACENET  # as in recognition.likeness
    if embedder not in DEFAULT_LINKAGES:
        raise ValueError(f"No linkage is known for the embedder “{embedder}”.")
    return DEFAULT_LINKAGES[embedder]


def linkage_of(faces: KnownFaces, embedder: str) -> Linkage:
    """The embedder's linkage, moved to where strangers of this project lie, then fitted on its named faces."""
    start = _among_strangers(default_linkage(embedder), _STRANGERS.get(embedder, _STRANGERS["facenet"]), faces)
    named = faces.named()
    return fit_linkage(named.vectors, named.people, start=start)


def _among_strangers(linkage: Linkage, usual: Strangers, faces: KnownFaces) -> Linkage:
    """Faces of one studio, one age or one pencil are all more alike than the faces an embedder is usually tried on."""
    cosines, weight = _between_strangers(faces)
    if weight == 0:
        return linkage
    low, middle, high = np.percentile(cosines, [25, 50, 75])
    share = weight / (weight + STRANGERS_TRUST)
    here = Strangers(
        middle=usual.middle + share * (float(middle) - usual.middle),
        spread=usual.spread + share * (float(high - low) / QUARTILES_PER_SD - usual.spread),
    )
    stretch = here.spread / usual.spread
    return replace(
        linkage, centre=here.middle + stretch * (linkage.centre - usual.middle), scale=stretch * linkage.scale
    )


def _between_strangers(faces: KnownFaces) -> tuple[FloatArray, int]:
    """Cosines between faces that surely show two people, and how many people and photos they come from.

    Sure are two names, and two faces of one photo. Quartiles do not mind a label that is wrong.
    """
    random = np.random.default_rng(0)
    named = random.permutation(np.flatnonzero(faces.people > WAITING))[:STRANGERS_AMONG]
    _, photo_of, in_photo = np.unique(faces.photos, return_inverse=True, return_counts=True)
    shared = np.flatnonzero(in_photo[photo_of] > 1)
    shared = shared[np.argsort(photo_of[shared], kind="stable")][:STRANGERS_AMONG]
    rows = np.union1d(named, shared)
    people, photos = faces.people[rows], faces.photos[rows]
    differ = (people[:, None] != people[None]) & (people[:, None] > WAITING) & (people[None] > WAITING)
    differ |= photos[:, None] == photos[None]
    vectors = faces.vectors[rows]
    cosines = (vectors @ vectors.T)[np.triu(differ, 1)]
    weight = len(np.unique(faces.people[named])) - 1 if len(named) else 0
    return cosines, max(weight, 0) + len(np.unique(faces.photos[shared]))


def fit_linkage(vectors: FloatArray, people: np.ndarray, *, start: Linkage, trust: float = 25.0) -> Linkage:
    """`start`, moved as far as the named faces say: each against the others of its person and against its rivals.

    vectors: (n, d) of unit length; people: whose each is. `trust`: precision of the prior around `start`, in
    effect how many faces it takes to move it. Only offset and slope move: one project has its own groups' sizes.
    """
    kept = np.random.default_rng(0).permutation(len(people))[:FIT_ON]
    vectors, people = vectors[kept], people[kept]
    names, codes = np.unique(people, return_inverse=True)
    if len(names) < 2:
        return start
    sizes = np.bincount(codes).astype(float)
    sums = np.zeros((len(names), vectors.shape[1]))
    np.add.at(sums, codes, vectors)
    rows = np.arange(len(codes))
    totals = vectors @ sums.T
    totals[rows, codes] -= 1.0  # not compared with itself
    counts = np.repeat(sizes[None], len(codes), axis=0)
    counts[rows, codes] -= 1
    means = np.where(counts > 0, totals / np.maximum(counts, 1), -np.inf)
    own = means[rows, codes]
    others = means.copy()
    others[rows, codes] = -np.inf
    nearest = np.argsort(-others, axis=1)[:, : min(RIVALS - 1, len(names) - 1)]
    similarity = np.concatenate([own, np.take_along_axis(others, nearest, 1).ravel()])
    pairs = np.concatenate([counts[rows, codes], np.take_along_axis(counts, nearest, 1).ravel()])
    is_same = np.concatenate([np.ones(len(own), bool), np.zeros(nearest.size, bool)])
    there = np.isfinite(similarity)
    return _refined(start, similarity[there], pairs[there], is_same[there], trust)


def _refined(start: Linkage, similarity: FloatArray, pairs: FloatArray, is_same: np.ndarray, trust: float) -> Linkage:
    """Newton's method on offset and slope, with a Gaussian prior around those of `start`."""
    z = (similarity - start.centre) / start.scale
    size = np.log2(np.minimum(pairs, MOST_PAIRS))
    fixed = start.weights[2] * size + start.weights[3] * z * size
    design = np.column_stack([np.ones(len(z)), z])
    prior = np.array(start.weights[:2])
    weights = prior.copy()
    for _ in range(50):
        chances = 0.5 * (1 + np.tanh(0.5 * (design @ weights + fixed)))
        slope = design.T @ (chances - is_same) + trust / 10 * (weights - prior)
        curvature = (design * (chances * (1 - chances))[:, None]).T @ design + trust / 10 * np.eye(2)
        step = np.clip(np.linalg.solve(curvature, slope), -1, 1)
        weights = weights - step
        if np.abs(step).max() < 1e-6:
            break
    return replace(start, weights=(float(weights[0]), max(0.5, float(weights[1])), *start.weights[2:]))
