"""What people said about a detector's proposals, in the photos they went through from one end to the other.

A photo tells something about a detector when that one alone searched it before anybody decided about it, down to a
known confidence, and when somebody then looked at all of it in Label: naming faces in Sort does not show what the
detector missed.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from django.db.models import Exists, OuterRef

from labelling.models import DetectorSetup, Event, Face, FaceState, Image, ImageState, Origin, Project, Verb
from recognition.metrics.proposals import ProposalCurve, proposal_curve

# Older photos were labelled under other rules, and maybe by others.
LATEST = 2_000
WENT_THROUGH = (Verb.SUBMIT, Verb.JUDGE, Verb.APPROVE)
# Photos that were searched down to a lower confidence tell more. They are taken alone once they hold as many faces.
ENOUGH_FACES = 300


@dataclass(frozen=True)
class Setup:
    """A detector with its parameters, however sure it had to be."""

    name: str
    weights: str | None
    parameters: dict

    @classmethod
    def of(cls, row: DetectorSetup) -> "Setup":
        told = row.description
        return cls(row.name, told.get("weights_sha256"), told.get("parameters", {}))

    @property
    def key(self) -> str:
        return json.dumps([self.name, self.weights, self.parameters], sort_keys=True)


@dataclass
class PhotoEvidence:
    """What one photo tells. floor: proposals below that confidence were never made."""

    floor: float
    scores: list[float] = field(default_factory=list)
    is_face: list[bool] = field(default_factory=list)
    missed: int = 0

    @property
    def faces(self) -> int:
        return sum(self.is_face) + self.missed


@dataclass(frozen=True)
class Evidence:
    """The photos that count for one detector. left_out: those searched only down to a higher confidence than `floor`.

    least: what the detector itself takes for a face at all.
    """

    setup: Setup
    least: float
    floor: float
    photos: list[PhotoEvidence]
    left_out: int

    @cached_property
    def curve(self) -> ProposalCurve:
        rows = [row for photo in self.photos for row in zip(photo.scores, photo.is_face, strict=True)]
        kept = [(score, is_face) for score, is_face in rows if score >= self.floor]
        # Below the floor some photos were not searched: what was confirmed there counts as missed from the floor on.
        below = sum(is_face for score, is_face in rows if score < self.floor)
        scores, is_face = np.array(kept, float).reshape(-1, 2).T
        return proposal_curve(scores, is_face, missed=below + sum(photo.missed for photo in self.photos))

    @property
    def drawn(self) -> int:
        return sum(photo.missed for photo in self.photos)


def read_evidence(project: Project) -> list[Evidence]:
    """Of each detector that photos tell something about, the one that was set up last first."""
    rows = {row.pk: row for row in DetectorSetup.objects.filter(project=project) if "min_score" in row.description}
    keys = {pk: Setup.of(row).key for pk, row in rows.items()}
    together: dict[str, list[PhotoEvidence]] = defaultdict(list)
    newest: dict[str, int] = {}
    for searched_by, photo in _photos(project, rows, keys):
        key = keys[searched_by]
        together[key].append(photo)
        newest[key] = max(newest.get(key, 0), searched_by)
    last_first = sorted(together, key=lambda key: -newest[key])
    return [_evidence(rows[newest[key]], together[key]) for key in last_first]


def _evidence(row: DetectorSetup, photos: list[PhotoEvidence]) -> Evidence:
    floor = _lowest_with_enough(photos)
    counted = [photo for photo in photos if photo.floor <= floor]
    return Evidence(Setup.of(row), _least(row), floor, counted, len(photos) - len(counted))


def _lowest_with_enough(photos: list[PhotoEvidence]) -> float:
    """Curves begin at the highest floor among their photos; a lower one needs photos enough of its own."""
    floors = sorted({photo.floor for photo in photos})
    for floor in floors:
        if sum(photo.faces for photo in photos if photo.floor <= floor) >= ENOUGH_FACES:
            return floor
    return floors[-1]


def _photos(project: Project, rows: dict[int, DetectorSetup], keys: dict[int, str]):
    """(id of who searched it, what it tells) of each photo that counts."""
    finished = _finished(project, rows)
    decided: dict[int, list] = defaultdict(list)
    columns = ("image_id", "origin", "state", "score", "w", "h", "detector_id")
    for image_id, *face in Face.objects.filter(image__in=finished).values_list(*columns):
        decided[image_id].append(face)
    for image_id, searched_by in finished.items():
        faces = decided[image_id]
        if all(_is_about(face, keys[searched_by], keys) for face in faces):
            yield searched_by, _told(faces, rows[searched_by])


def _finished(project: Project, rows: dict[int, DetectorSetup]) -> dict[int, int]:
    """Who searched each of the newest photos that somebody went through."""
    images = Image.objects.in_project(project).filter(state=ImageState.LABELLED, searched_by__in=rows)
    newest = dict(images.order_by("-pk").values_list("pk", "searched_by")[:LATEST])
    # Asked apart: in one statement the database looks at all photos there are before it takes the newest.
    taken_back = Event.objects.filter(undoes=OuterRef("pk"))
    looks = Event.objects.filter(~Exists(taken_back), image__in=newest, verb__in=WENT_THROUGH)
    return {image: newest[image] for image in set(looks.values_list("image", flat=True))}


def _is_about(face: list, key: str, keys: dict[int, str]) -> bool:
    """Imported boxes kept the detector from proposing its own, and another detector's decisions are not this one's."""
    origin, detector = face[0], face[-1]
    return keys.get(detector) == key if origin == Origin.MODEL else origin == Origin.HUMAN


def _told(faces: list[list], row: DetectorSetup) -> PhotoEvidence:
    photo = PhotoEvidence(floor=max(row.description["min_score"], _least(row)))
    smallest = row.description.get("parameters", {}).get("min_face_px", 0)
    for origin, state, score, w, h, _ in faces:
        is_face = state == FaceState.CONFIRMED
        if is_face and min(w, h) < smallest:  # too small to have been looked for: no miss, and no find either
            continue
        if origin == Origin.MODEL and score is not None:
            photo.scores.append(score)
            photo.is_face.append(is_face)
        elif is_face:
            photo.missed += 1
    return photo


def _least(row: DetectorSetup) -> float:
    return row.description.get("least_score", 0.0)
