"""Stores suggestions: only where they say something else than before, and only for faces that still wait."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from labelling.models import Face, Project, Suggestion
from recognition.freshness import changed_since

# A move of the probability that no screen would show is no news.
SAME_PROBABILITY = 0.01
WORTH_NAMING = 0.05


class Proposed(NamedTuple):
    """A suggestion before it is worth a row: of thousands that are compared most say what is stored already."""

    face: int
    rank: int
    person: int
    probability: float
    similarity: float | None
    nearest: int | None
    model_name: str
    model_version: str

    def row(self) -> Suggestion:
        return Suggestion(
            face_id=self.face,
            rank=self.rank,
            identity_id=self.person,
            probability=self.probability,
            similarity=self.similarity,
            nearest_face_id=self.nearest,
            model_name=self.model_name,
            model_version=self.model_version,
        )


class Stored(NamedTuple):
    person: int
    probability: float
    nearest: int | None
    model_name: str
    model_version: str


def replace_where_changed(image_ids: Sequence[int], proposed: Iterable[Proposed]) -> int:
    """Bring the suggestions of these photos to `proposed`; returns how many were written. Call it in a transaction.

    Faces that were deleted or named while we compared are left out, under lock.
    """
    wanted: dict[int, list[Proposed]] = defaultdict(list)
    for line in proposed:
        wanted[line.face].append(line)
    stored = _stored(image_ids)
    resting_on = {line.nearest for lines in stored.values() for line in lines} - {None}
    named = dict(Face.objects.named().filter(pk__in=resting_on).values_list("pk", "identity"))
    changed = [
        face for face in {*stored, *wanted} if not _says_the_same(stored.get(face, []), wanted.get(face, []), named)
    ]
    if not changed:
        return 0
    locked = Face.objects.select_for_update(no_key=True).filter(pk__in=changed).waiting().order_by("pk")
    waiting = set(locked.values_list("pk", flat=True))
    Suggestion.objects.filter(face__in=changed).delete()
    kept = [line.row() for face in changed if face in waiting for line in wanted.get(face, [])]
    Suggestion.objects.bulk_create(kept, batch_size=2000)
    return len(kept)


def _stored(image_ids: Sequence[int]) -> dict[int, list[Stored]]:
    stored: dict[int, list[Stored]] = defaultdict(list)
    columns = ("face", "identity", "probability", "nearest_face", "model_name", "model_version")
    for face, *line in Suggestion.objects.filter(face__image__in=image_ids).order_by("rank").values_list(*columns):
        stored[face].append(Stored(*line))
    return stored


def _says_the_same(old: list[Stored], new: list[Proposed], named: dict[int, int]) -> bool:
    """Whether nobody could tell them apart: the same first, the same people worth naming, about as probable.

    One that rests on a face that is no longer named so has to go, whatever it says.
    """
    if not old or not new:
        return not old and not new
    if any(line.nearest is not None and named.get(line.nearest) != line.person for line in old):
        return False
    if (old[0].person, _model(old[0]), len(old)) != (new[0].person, _model(new[0]), len(new)):
        return False
    before = {line.person: line.probability for line in old}
    after = {line.person: line.probability for line in new}
    if any(abs(chance - before.get(person, 0.0)) >= SAME_PROBABILITY for person, chance in after.items()):
        return False
    return all(person in after for person, chance in before.items() if chance >= WORTH_NAMING)


def _model(line: Stored | Proposed) -> tuple[str, str]:
    """Whose word it is. A calibration that was fitted anew is no other model."""
    return line.model_name, line.model_version.rpartition("-")[0]


def clear_decided(project: Project, *, since: datetime | None = None) -> None:
    """Take away what was suggested for faces that are decided by now; with `since` of photos changed lately."""
    decided = Face.objects.in_project(project).decided()
    if since is not None:
        decided = decided.filter(image__in=changed_since(project, since))
    Suggestion.objects.filter(face__in=decided).delete()
