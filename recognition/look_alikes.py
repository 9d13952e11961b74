"""Who looks like whom: pairs of people whose faces are close. Runs in workers only.

Two people whose means are far apart have no close faces; so means are compared block by block, and faces only of
the pairs that are left. What people said against a pair is kept by the faces it was said of, and looked up when shown.
"""

import numpy as np
from django.db import transaction

from jobs.work import Work
from labelling.models import Face, Identity, Project
from recognition.gallery_cache import KnownFaces, faces_of
from recognition.models import LookAlike

NEIGHBOURS = 5  # of each person, by their means
ALIKE = 0.9  # cosine of means; dlib's vectors of two people are seldom nearer
MOST = 2_000  # pairs of a project, the closest ones
BLOCK = 1_024
FACES = 300  # of each person, when two are compared


def find_look_alikes(project: Project, work: Work) -> dict:
    """Replace the project's look-alikes. Safe to repeat at any time."""
    named = faces_of(project.pk, project.settings.embedder).named()
    people, means, rows = _means(named)
    work.progress(done=0, total=len(people), message="Comparing people")
    found: dict[tuple[int, int], float] = {}
    for start in range(0, len(people), BLOCK):
        work.check()
        found.update(_near(means, start))
        work.progress(done=min(start + BLOCK, len(people)))
    closest = sorted(found, key=lambda pair: (-found[pair], pair))[:MOST]
    pairs = [_closest_faces(project.pk, named, people, rows, pair) for pair in closest]
    with work.chunk(0):
        _replace(project, [pair for pair in pairs if pair])
    return {"pairs": len(pairs), "said": f"{len(pairs):,} pairs of people look alike."}


def _means(named: KnownFaces) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """People in order of id, their means at unit length, and the rows of each."""
    people, codes = np.unique(named.people, return_inverse=True)
    sums = np.zeros((len(people), named.vectors.shape[1]), np.float32)
    np.add.at(sums, codes, named.vectors)
    order = np.argsort(codes, kind="stable")
    rows = np.split(order, np.searchsorted(codes[order], np.arange(1, len(people)))) if len(people) else []
    return people, sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9), rows


def _near(means: np.ndarray, start: int) -> dict[tuple[int, int], float]:
    """Pairs of places, the smaller first, of which one is in this block."""
    block = means[start : start + BLOCK] @ means.T
    places = np.arange(start, start + len(block))
    block[np.arange(len(block)), places] = -1
    count = min(NEIGHBOURS, block.shape[1])
    best = np.argpartition(-block, count - 1, axis=1)[:, :count]
    return {
        (min(place, other), max(place, other)): float(block[row, other])
        for row, place in enumerate(places.tolist())
        for other in best[row].tolist()
        if block[row, other] >= ALIKE
    }


def _closest_faces(project_id: int, named: KnownFaces, people, rows, pair: tuple[int, int]) -> LookAlike | None:
    """Of different photos: two faces of one photo are two people, however alike."""
    one, two = (rows[place][:FACES] for place in pair)
    similar = named.vectors[one] @ named.vectors[two].T
    similar[named.photos[one, None] == named.photos[None, two]] = -1
    row, column = np.unravel_index(np.argmax(similar), similar.shape)
    if similar[row, column] <= -1:
        return None
    return LookAlike(
        project_id=project_id,
        identity_id=int(people[pair[0]]),
        other_id=int(people[pair[1]]),
        similarity=float(similar[row, column]),
        face_id=int(named.face_ids[one[row]]),
        other_face_id=int(named.face_ids[two[column]]),
    )


@transaction.atomic
def _replace(project: Project, pairs: list[LookAlike]) -> None:
    """People and faces that went while we compared are left out."""
    there = set(Identity.objects.in_project(project).values_list("pk", flat=True))
    ids = [pk for pair in pairs for pk in (pair.face_id, pair.other_face_id)]
    faces = set(Face.objects.filter(pk__in=ids).values_list("pk", flat=True))
    LookAlike.objects.filter(project=project).delete()
    LookAlike.objects.bulk_create(
        [
            pair
            for pair in pairs
            if {pair.identity_id, pair.other_id} <= there and {pair.face_id, pair.other_face_id} <= faces
        ],
        batch_size=2000,
    )
