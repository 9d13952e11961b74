"""The vectors of a project's faces, kept by the worker between jobs and brought up to date before each.

Reading twenty thousand vectors takes seconds, and a person who names faces waits for what follows from it. So
only what changed is read: faces touched since, and faces that had no vector yet. Runs in workers only.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db.models import Count, Q, Sum

from labelling.models import Face, FaceState, Who
from recognition.known_faces import WAITING, KnownFaces
from recognition.models import Embedding
from recognition.serving import Served
from recognition.vectors import BATCH, unit

PROJECTS = 4  # as many stay in memory; the one used longest ago goes first
# A change is stamped when it is made and seen when it is committed; no transaction of ours takes so long.
OVERLAP = timedelta(minutes=2)
OUT = -1  # in place of a person: unknown, ignored or no face


def faces_of(project_id: int, embedder: str, served: Served | None = None) -> KnownFaces:
    """All faces of the project that are named or wait, as they are now. Vectors: shape (n, d), unit length; with
    `served` those that its head makes of them.
    """
    key = (project_id, embedder)
    table = _tables.pop(key, None) or _Table(project_id, embedder)
    table.refresh()
    _tables[key] = table
    while len(_tables) > PROJECTS:
        _tables.popitem(last=False)
    return table.faces(served)


def gallery_of(project_id: int, embedder: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The named faces: ids, vectors (n, d) and identity ids, in order of face id."""
    named = faces_of(project_id, embedder).named()
    return named.face_ids, named.vectors, named.people


def forget() -> None:
    """Drop everything that is kept."""
    _tables.clear()


@dataclass(slots=True)
class _Row:
    image: int
    person: int
    box: tuple[float, float, float, float]
    place: int | None = None  # of its vector; None while there is none of this box


class _Table:
    def __init__(self, project_id: int, embedder: str):
        self.project_id, self.embedder = project_id, embedder
        self._clear()

    def _clear(self) -> None:
        self.rows: dict[int, _Row] = {}
        self.vectors = np.zeros((0, 0), np.float32)
        self.used = 0
        self._moved_by(None)
        self.seen_until: datetime | None = None

    def refresh(self) -> None:
        if not self.used and not self._has_vectors():  # then reading half a million faces would be in vain
            return
        self._read_changes()
        if self.seen_until and not self._agrees():  # faces were deleted, or changed without leaving a date
            self._clear()
            self._read_changes()
        missing = [pk for pk, row in self.rows.items() if row.place is None and row.person != OUT]
        for start in range(0, len(missing), BATCH):
            self._read_vectors(missing[start : start + BATCH])

    def _has_vectors(self) -> bool:
        return Embedding.objects.filter(embedder=self.embedder, face__project=self.project_id).exists()

    def _read_changes(self) -> None:
        faces = Face.objects.filter(project=self.project_id)
        if self.seen_until:
            faces = faces.filter(updated_at__gte=self.seen_until - OVERLAP)
        columns = ("pk", "image_id", "state", "who", "identity_id", "x", "y", "w", "h", "updated_at")
        for pk, image, state, who, identity, *box, at in faces.values_list(*columns).iterator(chunk_size=BATCH):
            row = _Row(image, _person(state, who, identity), tuple(box))
            known = self.rows.get(pk)
            if known and known.box == row.box:
                row.place = known.place
            self.rows[pk] = row
            self.seen_until = max(self.seen_until or at, at)

    def _agrees(self) -> bool:
        named = Q(state=FaceState.CONFIRMED, who=Who.ASSIGNED)
        waiting = ~Q(state=FaceState.REJECTED) & Q(who=Who.UNASSIGNED)
        there = Face.objects.filter(project=self.project_id).aggregate(
            named=Count("pk", filter=named),
            waiting=Count("pk", filter=waiting),
            people=Sum("identity_id", filter=named, default=0),
        )
        people = [row.person for row in self.rows.values()]
        ours = {
            "named": sum(person > WAITING for person in people),
            "waiting": people.count(WAITING),
            "people": sum(person for person in people if person > WAITING),
        }
        return there == ours

    def _read_vectors(self, face_ids: list[int]) -> None:
        found = Embedding.objects.filter(embedder=self.embedder, face__in=face_ids)
        taken = []
        for pk, vector, *box in found.values_list("face_id", "vector", "x", "y", "w", "h"):
            if tuple(box) == self.rows[pk].box:
                self.rows[pk].place = self.used + len(taken)
                taken.append(np.asarray(vector, dtype=np.float32))
        if taken:
            self._append(unit(np.stack(taken)))

    def _append(self, more: np.ndarray) -> None:
        need = self.used + len(more)
        if need > len(self.vectors):
            roomy = np.zeros((max(need, 2 * len(self.vectors)), more.shape[1]), np.float32)
            if self.used:
                roomy[: self.used] = self.vectors[: self.used]
            self.vectors = roomy
        self.vectors[self.used : need] = more
        self.used = need

    def _moved_by(self, served: Served | None) -> None:
        self.moved_by = served and served.sha256
        self.moved, self.moved_used = np.zeros((0, 0), np.float32), 0

    def _through(self, served: Served | None) -> np.ndarray:
        """Each vector goes through the head once, for as long as that model serves."""
        if served is None:
            return self.vectors
        if self.moved_by != served.sha256:
            self._moved_by(served)
        if len(self.moved) != len(self.vectors):
            roomy = np.zeros_like(self.vectors)
            if self.moved_used:
                roomy[: self.moved_used] = self.moved[: self.moved_used]
            self.moved = roomy
        if self.moved_used < self.used:
            self.moved[self.moved_used : self.used] = served.project(self.vectors[self.moved_used : self.used])
            self.moved_used = self.used
        return self.moved

    def faces(self, served: Served | None = None) -> KnownFaces:
        vectors = self._through(served)
        ready = sorted(pk for pk, row in self.rows.items() if row.place is not None and row.person != OUT)
        rows = [self.rows[pk] for pk in ready]
        return KnownFaces(
            face_ids=np.array(ready, dtype=np.int64),
            vectors=vectors[[row.place for row in rows]] if rows else np.zeros((0, 0), np.float32),
            people=np.array([row.person for row in rows], dtype=np.int64),
            photos=np.array([row.image for row in rows], dtype=np.int64),
        )


def _person(state: str, who: str, identity: int | None) -> int:
    if state == FaceState.REJECTED:
        return OUT
    if who == Who.UNASSIGNED:
        return WAITING
    return identity if who == Who.ASSIGNED and state == FaceState.CONFIRMED else OUT


_tables: OrderedDict[tuple[int, str], _Table] = OrderedDict()
