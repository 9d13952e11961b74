"""Faces as arrays: what is compared with each other. numpy only."""

from dataclasses import dataclass

import numpy as np

WAITING = 0  # in place of a person: nobody said yet who it is


@dataclass(frozen=True, eq=False)
class KnownFaces:
    """Faces with a vector of their present box, by id. people: identity ids, 0 for faces that wait."""

    face_ids: np.ndarray
    vectors: np.ndarray
    people: np.ndarray
    photos: np.ndarray

    def __len__(self) -> int:
        return len(self.face_ids)

    def __getitem__(self, kept: np.ndarray) -> "KnownFaces":
        return KnownFaces(self.face_ids[kept], self.vectors[kept], self.people[kept], self.photos[kept])

    def named(self) -> "KnownFaces":
        return self[self.people > WAITING]

    def waiting(self) -> "KnownFaces":
        return self[self.people == WAITING]

    def first_waiting(self, most: int) -> "KnownFaces":
        """All named faces, and of those that wait the `most` that came first."""
        waiting = np.flatnonzero(self.people == WAITING)[most:]
        return self[np.setdiff1d(np.arange(len(self)), waiting)] if len(waiting) else self
