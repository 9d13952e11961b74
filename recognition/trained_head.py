"""A trained head as numbers: one matrix over frozen embeddings. numpy only, so that any process may read and use it."""

import json
from dataclasses import dataclass, field

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

FORMAT = "residual head 1"


class BadHead(ValueError):
    """These bytes are no head that Facet wrote."""


@dataclass(frozen=True, eq=False)
class TrainedHead:
    """weight: shape (d, d) float32. metadata: plain values about the training."""

    weight: np.ndarray
    metadata: dict = field(default_factory=dict)

    def project(self, vectors: np.ndarray) -> np.ndarray:
        """vectors: shape (n, d), unit length. Returns the same shape, float32, unit length.

        Raises ValueError for vectors of another embedder's dimension.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.weight.shape[0]:
            raise ValueError(
                f"This head takes vectors of {self.weight.shape[0]} numbers, not of shape {vectors.shape}."
            )
        moved = vectors + vectors @ self.weight.T
        return (moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)).astype(np.float32)

    def to_bytes(self) -> bytes:
        """As safetensors: numbers and text only, no code. The same head gives the same bytes."""
        # One entry, because the format keeps several in no particular order.
        notes = json.dumps({"format": FORMAT, "training": self.metadata}, sort_keys=True)
        return save_tensors({"adapter.weight": np.ascontiguousarray(self.weight)}, {"facet": notes})

    @classmethod
    def from_bytes(cls, data: bytes) -> "TrainedHead":
        """Raises BadHead for anything else than what to_bytes wrote."""
        try:
            weight = load_tensors(data)["adapter.weight"]
            notes = json.loads(_safetensors_notes(data)["facet"])
            known, metadata = notes["format"] == FORMAT, notes["training"]
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise BadHead(f"These bytes are no head that Facet wrote: {error}") from error
        if not known or weight.dtype != np.float32 or weight.ndim != 2 or weight.shape[0] != weight.shape[1]:
            raise BadHead(f"A head is one square matrix of the format “{FORMAT}”; this file holds something else.")
        return cls(weight, metadata)


def _safetensors_notes(data: bytes) -> dict:
    """The text entries of a safetensors file: a length of eight bytes, then a JSON header."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length])["__metadata__"]
