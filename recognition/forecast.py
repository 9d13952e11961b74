"""What merging or splitting people would do to recognition, from stored vectors alone. Runs in workers only.

Compared are the people concerned and those most like them; the rest of the project does not notice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jobs.errors import JobFailed
from labelling.models import Identity, Project
from recognition.gallery_cache import KnownFaces, faces_of
from recognition.metrics.pairs import roc_of_embeddings
from recognition.metrics.thresholds import threshold_for_max_fpr
from recognition.what_if import Searched, search, share

OTHERS = 30  # people most like those concerned
OWN_FACES, OTHER_FACES = 1_000, 100  # at most, of each
TOLD = 5
NEW = -1  # in place of a person who is not there yet
FALSE_ACCEPTS = (0.01, 0.1)


@dataclass(frozen=True, eq=False)
class Change:
    """faces: those compared; after: whose each would be. groups: names of what is told apart, with their rows."""

    faces: KnownFaces
    after: np.ndarray
    groups: list[tuple[str, np.ndarray]]
    sampled: bool


def forecast(project: Project, params: dict) -> dict:
    """params: {"merge": id, "into": id} or {"split": id, "faces": [id, …], "to": id or None for somebody new}."""
    named = faces_of(project.pk, project.settings.embedder).named()
    change = _merge(project, named, params) if "merge" in params else _split(project, named, params)
    first, second = change.groups[0][1], change.groups[1][1]
    if not (first.any() and second.any()):
        raise JobFailed("There are no described faces on one of the two sides yet, so nothing can be compared.")
    concerned = np.any([rows for _, rows in change.groups], axis=0)
    before = search(change.faces.vectors, change.faces.people, change.faces.photos)
    after = search(change.faces.vectors, change.after, change.faces.photos)
    return {
        "compared": {
            "people": len(before.names), "faces": len(change.faces), "sampled": change.sampled,
        },
        "rows": [_row(name, rows, before, after) for name, rows in change.groups],
        "rest": _rest(~concerned, before, after),
        "likeness": _likeness(change.faces, first, second, ~concerned),
        "said": "Figures before and after are worked out.",
    }  # fmt: skip


def _merge(project: Project, named: KnownFaces, params: dict) -> Change:
    source, target = _people(project, [params["merge"], params["into"]])
    faces, sampled = _neighbourhood(named, [source.pk, target.pk])
    after = np.where(faces.people == source.pk, target.pk, faces.people)
    groups = [(person.name, faces.people == person.pk) for person in (source, target)]
    return Change(faces, after, groups, sampled)


def _split(project: Project, named: KnownFaces, params: dict) -> Change:
    person, *other = _people(project, [params["split"], *([params["to"]] if params["to"] else [])])
    faces, sampled = _neighbourhood(named, [person.pk, *(one.pk for one in other)], keep=params["faces"])
    moving = (faces.people == person.pk) & np.isin(faces.face_ids, params["faces"])
    after = np.where(moving, other[0].pk if other else NEW, faces.people)
    groups = [("Chosen faces", moving), (person.name, (faces.people == person.pk) & ~moving)]
    groups += [(one.name, faces.people == one.pk) for one in other]
    return Change(faces, after, groups, sampled)


def _people(project: Project, ids: list[int]) -> list[Identity]:
    found = Identity.objects.in_project(project).in_bulk(ids)
    if len(found) != len(set(ids)):
        raise JobFailed("One of these people is not there any more; look again.")
    return [found[pk] for pk in ids]


def _neighbourhood(named: KnownFaces, concerned: list[int], keep: Sequence[int] = ()) -> tuple[KnownFaces, bool]:
    """Faces of the people concerned and of those most like them; of each a seeded sample where they are many."""
    names, codes = np.unique(named.people, return_inverse=True)
    sums = np.zeros((len(names), named.vectors.shape[1] if len(named) else 0), np.float32)
    np.add.at(sums, codes, named.vectors)
    means = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    own = np.isin(names, concerned)
    closeness = (means @ means[own].T).max(axis=1, initial=-1.0)
    closeness[own] = np.inf
    order = np.argsort(-closeness, kind="stable")[: OTHERS + own.sum()]
    rng = np.random.default_rng(0)
    kept, sampled = [], False
    for code in order:
        rows = np.flatnonzero(codes == code)
        most = OWN_FACES if own[code] else OTHER_FACES
        if len(rows) > most:
            sampled = sampled or bool(own[code])
            chosen = np.isin(named.face_ids[rows], keep)
            drawn = rng.permutation(rows[~chosen])[: max(0, most - chosen.sum())]
            rows = np.concatenate([rows[chosen][:most], drawn])
        kept.append(rows)
    return named[np.sort(np.concatenate(kept))] if kept else named, sampled


def _row(name: str, rows: np.ndarray, before: Searched, after: Searched) -> dict:
    return {
        "name": name, "faces": int(rows.sum()), "before": _figures(rows, before), "after": _figures(rows, after),
    }  # fmt: skip


def _figures(rows: np.ndarray, searched: Searched) -> dict:
    whose = searched.people[rows]
    return {
        "nearest": share(searched.nearest[rows]),
        "by_mean": share(searched.by_mean[rows]),
        "ap": searched.ap(whose[0]) if len(whose) else None,
    }


def _rest(others: np.ndarray, before: Searched, after: Searched) -> dict:
    """Everybody else together, and those whose own figures change most. Their nearest faces stay as they are."""
    ids = np.unique(before.people[others])
    rows = []
    for pk in ids:
        theirs = before.people == pk
        was, will = share(before.by_mean[theirs]), share(after.by_mean[theirs])
        if was is not None and will is not None and was != will:
            rows.append({"identity": int(pk), "faces": int(theirs.sum()), "before": was, "after": will})
    rows.sort(key=lambda row: (-abs(row["after"] - row["before"]), row["identity"]))
    names = Identity.objects.in_bulk([row["identity"] for row in rows[:TOLD]])
    return {
        "people": len(ids),
        "before": share(before.by_mean[others]),
        "after": share(after.by_mean[others]),
        "changed": [{**row, "name": names[row["identity"]].name} for row in rows[:TOLD] if row["identity"] in names],
    }


def _likeness(faces: KnownFaces, first: np.ndarray, second: np.ndarray, others: np.ndarray) -> dict:
    """How alike the two sides are: all pairs across, those of one photo left out."""
    one, two = np.flatnonzero(first), np.flatnonzero(second)
    similar = faces.vectors[one] @ faces.vectors[two].T
    apart = faces.photos[one, None] != faces.photos[None, two]
    if not apart.any():
        return {"pairs": 0}
    scores = similar[apart]
    row, column = np.unravel_index(np.argmax(np.where(apart, similar, -np.inf)), similar.shape)
    threshold = _threshold(faces[others])
    return {
        "pairs": int(scores.size),
        "mean": float(scores.mean()),
        "threshold": threshold,
        "above": None if threshold is None else float((scores >= threshold).mean()),
        "closest": {
            "face": int(faces.face_ids[one[row]]),
            "other": int(faces.face_ids[two[column]]),
            "similarity": float(similar[row, column]),
        },
    }


def _threshold(others: KnownFaces) -> float | None:
    """From where on the people most like them count as the same; without enough of them there is none."""
    if not len(others):
        return None
    curve = roc_of_embeddings(others.vectors, others.people, groups=others.photos)
    points = (threshold_for_max_fpr(curve, limit).point for limit in FALSE_ACCEPTS)
    return next((float(point.threshold) for point in points if point and point.threshold is not None), None)
