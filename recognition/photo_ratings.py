"""How doubtful a waiting photo is, and how much its people lack faces: what the queue may order by."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction

from labelling.models import Face, Identity, Image, ImageState, Project, Suggestion

# Less than that changes no order worth changing, and every change moves the photo within the indexes.
SAME = 0.005


@dataclass(frozen=True)
class Rating:
    """doubt: 1 less the best probability of the least certain waiting face, 1 where nothing is suggested.
    need: the largest share of faces somebody suggested lacks, each weighed by the chance that it is them.
    """

    doubt: float
    need: float


def rate_photos(project: Project, image_ids: Sequence[int], people: np.ndarray) -> int:
    """Write the ratings of these photos where they changed. people: whose face each confirmed one is.

    Not a change of the photo: its version stays. A photo that somebody holds right now is left for the next time.
    """
    ratings = photo_ratings(project, image_ids, people)
    stored = Image.objects.filter(pk__in=ratings, state=ImageState.PROPOSED).values_list("pk", "doubt", "need")
    changed = [pk for pk, doubt, need in stored if _differs(ratings[pk], doubt, need)]
    if not changed:
        return 0
    with transaction.atomic():
        free = Image.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        images = list(free.filter(pk__in=changed).order_by("pk").only("pk", "doubt", "need"))
        for image in images:
            image.doubt, image.need = ratings[image.pk].doubt, ratings[image.pk].need
        Image.objects.bulk_update(images, ["doubt", "need"])
    return len(images)


def _differs(rating: Rating, doubt: float, need: float) -> bool:
    return abs(rating.doubt - doubt) >= SAME or abs(rating.need - need) >= SAME


def photo_ratings(project: Project, image_ids: Sequence[int], people: np.ndarray) -> dict[int, Rating]:
    """Of the photos with waiting faces."""
    faces = list(Face.objects.filter(image__in=image_ids).waiting().values_list("pk", "image_id"))
    chances: dict[int, list[tuple[int, float]]] = defaultdict(list)
    rows = Suggestion.objects.filter(face__in=[pk for pk, _ in faces])
    for face, person, chance in rows.values_list("face", "identity", "probability"):
        chances[face].append((person, chance))
    lacking = missing_shares(project, {person for found in chances.values() for person, _ in found}, people)
    ratings: dict[int, Rating] = {}
    for face, image in faces:
        before = ratings.get(image, Rating(0.0, 0.0))
        doubt = 1.0 - max((chance for _, chance in chances[face]), default=0.0)
        need = max((chance * lacking[person] for person, chance in chances[face]), default=0.0)
        ratings[image] = Rating(max(before.doubt, doubt), max(before.need, need))
    return ratings


def missing_shares(project: Project, persons: set[int], people: np.ndarray) -> dict[int, float]:
    """(wanted − have) / wanted of each person, 0 to 1."""
    names, counts = np.unique(people, return_counts=True)
    have = dict(zip(names.tolist(), counts.tolist(), strict=True))
    usual = wanted_by_default(project, counts)
    wishes = dict(Identity.objects.filter(pk__in=persons).values_list("pk", "target_count"))
    shares = {}
    for person in persons:
        wanted = usual if wishes.get(person) is None else wishes[person]
        shares[person] = max(0.0, (wanted - have.get(person, 0)) / wanted) if wanted else 0.0
    return shares


def wanted_by_default(project: Project, counts: np.ndarray) -> int:
    """How many faces somebody should have of whom nobody said it: what the project says, or else as many as half of
    all people have. counts: faces of each person.
    """
    if project.settings.target_faces:
        return project.settings.target_faces
    return int(np.ceil(np.median(counts))) if len(counts) else 0
