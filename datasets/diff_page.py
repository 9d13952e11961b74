"""What changed between two versions, made ready for a page: rows with the faces, photos and people there still are."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasets.changes import BOX, KINDS
from labelling.crops import MARGIN
from labelling.identities import attach_portraits
from labelling.models import Face, Identity, Image, Project, Who

# Short words for the strip of counts, by group.
GROUPS = {
    "People": {
        "person_merged": "merged", "person_split": "split off", "person_renamed": "renamed", "person_new": "new",
        "person_gone": "gone",
    },
    "Faces": {
        "face_moved": "somebody else now", "face_added": "added", "face_removed": "removed",
        "box_changed": "box changed", "split_changed": "in another split",
    },
    "Photos": {"photo_added": "added", "photo_removed": "removed", "photo_split_changed": "in another split"},
}  # fmt: skip
HINTS = {
    "person_merged": "The person is gone, and all their faces that remain are one other person's.",
    "person_split": "Some of the faces are now those of somebody who was not there before.",
    "person_renamed": "The same person, as the class id says, under another name.",
    "person_new": "People with faces in the newer version only, those who were split off included.",
    "person_gone": "People with faces in the older version only, those who were merged included.",
    "face_moved": "The same box, but another person, or named in one version only.",
    "face_added": "Faces in the newer version only.",
    "face_removed": "Faces in the older version only.",
    "box_changed": "The same face in another box: dashed as it was, solid as it is now.",
    "split_changed": "A model that was trained on some of these must not be tested on them in the newer version.",
    "photo_added": "Photos in the newer version only.",
    "photo_removed": "Photos in the older version only.",
    "photo_split_changed": "Photos in another split, those without a face too.",
}
# Lines of the table of before and after: words, where the figure stands in the summary, digits.
_BALANCE = (
    ("Most faces", "most", 0), ("Fewest faces", "fewest", 0), ("Median faces", "median", 1),
    ("Most to fewest", "ratio", 1), ("Gini", "gini", 3), ("Evenness", "normalised_entropy", 3),
    ("Effective people", "effective_people", 1),
)  # fmt: skip


@dataclass(frozen=True)
class Tile:
    """A kind in the strip of counts."""

    kind: str
    words: str
    count: int


@dataclass(frozen=True)
class Overlay:
    """Two boxes over a crop, in pixels of the photo, written as SVG wants them."""

    view: str
    old: dict[str, str]
    new: dict[str, str]


@dataclass(frozen=True)
class Item:
    """A change on the page. `face`, `image` and the people are None where they are no longer in the project."""

    row: dict
    old_words: str
    new_words: str
    tone: str
    face: Face | None = None
    image: Image | None = None
    old_person: Identity | None = None
    new_person: Identity | None = None
    overlay: Overlay | None = None


def tiles(counts: dict[str, int]) -> dict[str, list[Tile]]:
    return {
        group: [Tile(kind, words, counts[kind]) for kind, words in kinds.items()] for group, kinds in GROUPS.items()
    }


def first_kind(counts: dict[str, int]) -> str:
    """What a page begins with: the first kind there is something of."""
    return next((kind for kind in KINDS if counts[kind]), "face_moved")


def before_and_after(summary: dict) -> list[dict]:
    """Lines of figures: those of content first, then how evenly faces are spread over people."""
    old, new = summary["old"], summary["new"]
    rows = [
        {"words": words, "old": old[name], "new": new[name], "digits": 0, "change": new[name] - old[name]}
        for words, name in (("Photos", "images"), ("Faces", "faces"), ("People", "identities"))
    ]
    before, after = summary["imbalance"]["old"], summary["imbalance"]["new"]
    return rows + [
        {"words": words, "old": before[name], "new": after[name], "digits": digits, "change": None}
        for words, name, digits in _BALANCE
    ]


def moves(summary: dict) -> list[dict]:
    return [{**way, "old": Who(way["old"]).label, "new": Who(way["new"]).label} for way in summary["moves"]]


def items(project: Project, rows: Sequence[dict]) -> list[Item]:
    """The rows with what the project still has of them, in a fixed number of queries."""
    faces, images, people = _faces(project, rows), _images(project, rows), _people(project, rows)
    made = []
    for row in rows:
        face = faces.get(row["face_id"])
        made.append(
            Item(
                row=row,
                old_words=_words(row, "old"),
                new_words=_words(row, "new"),
                tone=row["new_who"] or row["old_who"] or "",
                face=face,
                image=images.get(row["image_sha256"]),
                old_person=people.get(row["old_class_id"]),
                new_person=people.get(row["new_class_id"]),
                overlay=_overlay(face, row) if face and row["kind"] == "box_changed" else None,
            )
        )
    return made


def _words(row: dict, side: str) -> str:
    """Who it is, on one side; empty where the face was not there."""
    who = row[f"{side}_who"]
    return row[f"{side}_name"] or (Who(who).label if who else "")


def _faces(project: Project, rows: Sequence[dict]) -> dict[int, Face]:
    wanted = [row["face_id"] for row in rows if row["face_id"] is not None]
    found = Face.objects.in_project(project).filter(pk__in=wanted) if wanted else ()
    return {face.pk: face for face in found}


def _images(project: Project, rows: Sequence[dict]) -> dict[str, Image]:
    wanted = {row["image_sha256"] for row in rows if row["image_sha256"]}
    found = Image.objects.in_project(project).filter(sha256__in=wanted).only("sha256", "name") if wanted else ()
    return {image.sha256: image for image in found}


def _people(project: Project, rows: Sequence[dict]) -> dict[int, Identity]:
    """Those whom a list of people shows, merged ones too; a face already shows whom it is about."""
    wanted = {row[f"{side}_class_id"] for row in rows for side in ("old", "new") if row["face_id"] is None} - {None}
    if not wanted:
        return {}
    found = attach_portraits(list(Identity.objects.filter(project=project, class_id__in=wanted)))
    return {identity.class_id: identity for identity in found}


def _overlay(face: Face, row: dict) -> Overlay:
    """The crop is a square around the box of today (labelling/crops.py)."""
    side = max(face.w, face.h) * (1 + 2 * MARGIN)
    left, top = face.x + face.w / 2 - side / 2, face.y + face.h / 2 - side / 2
    old, new = ({edge: f"{row[f'{when}_{edge}']:.2f}" for edge in BOX} for when in ("old", "new"))
    return Overlay(f"{left:.2f} {top:.2f} {side:.2f} {side:.2f}", old, new)
