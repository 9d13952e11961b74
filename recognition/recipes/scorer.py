"""What recipes have in common: the faces they see, the file of what they fitted, and how they compare."""

import json
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from recognition.labelled_faces import LabelledFaces
from recognition.measure import Compared, compare_vectors
from recognition.metrics.gallery import IdentityScores, best_scores_from
from recognition.metrics.pairs import ScoreSource

FORMAT = "facet recipe 1"


class CannotFit(ValueError):
    """The faces given cannot be learnt from; the message says why."""


class BadArtifact(ValueError):
    """These bytes are nothing that this recipe wrote."""


class Scorer(Protocol):
    def compare(self, gallery: LabelledFaces, probes: LabelledFaces) -> Compared: ...


@dataclass(frozen=True)
class Fitted:
    """artifact: safetensors, numbers and text only. notes: plain values about the training, for its page."""

    artifact: bytes
    notes: dict = field(default_factory=dict)


def to_artifact(recipe: str, arrays: dict[str, np.ndarray], notes: dict) -> bytes:
    """The same content gives the same bytes. Without any array a zero stands for none: the format wants one."""
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()} or {"nothing": np.zeros(1, np.uint8)}
    text = json.dumps({"format": FORMAT, "recipe": recipe, **notes}, sort_keys=True)
    return save_arrays(arrays, {"facet": text})


def from_artifact(recipe: str, data: bytes, *names: str) -> tuple[dict, dict[str, np.ndarray]]:
    """Notes and the arrays called so. Raises BadArtifact."""
    try:
        arrays = load_arrays(data)
        notes = notes_of(data)
        known = (notes["format"], notes["recipe"]) == (FORMAT, recipe)
        found = {name: arrays[name] for name in names}
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise BadArtifact(f"These bytes are no model that Facet wrote: {error}") from error
    if not known or not all(np.isfinite(array).all() for array in found.values() if array.dtype.kind == "f"):
        raise BadArtifact(f"This file holds something else than a model of the recipe “{recipe}”.")
    return notes, found


def notes_of(data: bytes) -> dict:
    """The text in a safetensors file: a length of eight bytes, then a JSON header."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["facet"])


def by_vectors(
    gallery: LabelledFaces, probes: LabelledFaces, mine: np.ndarray, theirs: np.ndarray, *, by_template: bool = False
) -> Compared:
    """Compare by other vectors than the embeddings: `mine` of the gallery, `theirs` of the probes; unit length."""
    return compare_vectors(gallery.with_vectors(mine), probes.with_vectors(theirs), by_template=by_template)


def by_similarity(gallery: LabelledFaces, count: int, pair: ScoreSource, to_gallery: ScoreSource) -> Compared:
    """Compare by a similarity that is no product of vectors: people are ranked by their nearest gallery face."""
    scores = best_scores_from(to_gallery, count, gallery.names)
    return Compared(search=scores, ranking=scores, pair=pair, to_gallery=to_gallery)


def by_classes(
    gallery: LabelledFaces, probes: LabelledFaces, classes: np.ndarray, gallery_scores: np.ndarray, scores: np.ndarray
) -> Compared:
    """Compare by a classifier's scores, shape (faces, classes), higher is surer.

    Enrolled people whom it does not know rank behind all whom it does. Two faces are alike as far as the classifier
    shares its belief among the same people: the cosine between their probabilities.
    """
    people = np.unique(gallery.names)
    known = np.isin(people, classes)
    lowest = float(scores.min(initial=0.0)) - 1.0
    columns = np.full((len(scores), len(people)), lowest)
    columns[:, known] = scores[:, np.searchsorted(classes, people[known])]
    told = by_vectors(gallery, probes, beliefs(gallery_scores), beliefs(scores))
    ranked = IdentityScores(people, columns)
    return Compared(search=ranked, ranking=ranked, pair=told.pair, to_gallery=told.to_gallery)


def beliefs(scores: np.ndarray) -> np.ndarray:
    """Softmax of class scores, brought to unit length; float32."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return (raised / np.linalg.norm(raised, axis=1, keepdims=True)).astype(np.float32)
