"""Carries out the protocol of an evaluation (enrolment.py). Arrays in, arrays out."""

from dataclasses import replace

import numpy as np

from datasets.slices import SLICINGS
from recognition.enrolment import Enrolment, Policy
from recognition.labelled_faces import LabelledFaces
from recognition.measure import Compared
from recognition.metrics.gallery import GalleryPolicy, IdentityScores, identity_scores, mean_templates

# What a face must have to be enrolled by the gated policy: pixels, degrees at most, sharpness of its photo.
LEAST = {"size": 32, "sharpness": 50}
MOST_TURNED = 35
ROWS_AT_ONCE = 1024


def divided(faces: LabelledFaces) -> tuple[LabelledFaces, LabelledFaces]:
    """Gallery and probes: as the version was frozen to have them, else what is learnt from and what is tested on."""
    if has_roles(faces):
        return faces.only(faces.roles == "gallery"), faces.only(faces.roles == "probe")
    return faces.where("train", "val"), faces.where("test")


def has_roles(faces: LabelledFaces) -> bool:
    return faces.roles is not None and bool((faces.roles != "").any())


def enrolled(gallery: LabelledFaces, enrolment: Enrolment) -> LabelledFaces:
    """The faces of the gallery that the policy takes; of several the first in the order of the version."""
    if enrolment.gallery in (Policy.ONE, Policy.FEW):
        return gallery.only(_first(gallery.names, 1 if enrolment.gallery == Policy.ONE else enrolment.gallery_size))
    if enrolment.gallery == Policy.GATED and gallery.qualities is not None:
        return gallery.only(_good(gallery))
    return gallery


def _first(names: np.ndarray, most: int) -> np.ndarray:
    """A mask of the first so many faces of each person."""
    order = np.argsort(names, kind="stable")
    _, starts, counts = np.unique(names[order], return_index=True, return_counts=True)
    place = np.arange(len(names)) - np.repeat(starts, counts)
    kept = np.zeros(len(names), bool)
    kept[order[place < most]] = True
    return kept


def _good(gallery: LabelledFaces) -> np.ndarray:
    """A mask of the faces that are good enough, and of each person's largest where none is: nobody is left out.

    What is not known does not speak against a face.
    """
    values = {slicing.name: gallery.qualities[:, column] for column, slicing in enumerate(SLICINGS)}
    bad = np.any([values[name] < least for name, least in LEAST.items()], axis=0) | (values["turn"] > MOST_TURNED)
    kept = ~bad
    without = np.setdiff1d(gallery.names, gallery.names[kept])
    for name in without:
        rows = np.flatnonzero(gallery.names == name)
        kept[rows[np.argmax(values["size"][rows])]] = True
    return kept


def pair_groups(probes: LabelledFaces, enrolment: Enrolment) -> np.ndarray:
    """Which probes are never compared with each other: of one photo, and with it of one session."""
    if not enrolment.apart_sessions or probes.sessions is None:
        return probes.photos
    return np.column_stack([probes.photos, _coded(probes.sessions)[0]])


def under(compared: Compared, gallery: LabelledFaces, probes: LabelledFaces, enrolment: Enrolment) -> Compared:
    """The same way of comparing under the protocol. `gallery` is what `compared` was made with."""
    apart = enrolment.apart_sessions and probes.sessions is not None
    by_mean = enrolment.gallery == Policy.MEAN
    if not apart and not by_mean:
        return compared
    sessions = _coded(probes.sessions, gallery.sessions) if apart else None
    by_template = by_mean or compared.by_template
    if compared.vectors is None:
        policy = GalleryPolicy.MEAN if by_mean else GalleryPolicy.BEST
        ranking = search = _pooled(compared, gallery, len(probes), policy, sessions)
    else:
        ranking = _templates_apart(*compared.vectors, gallery.names, sessions) if apart else compared.ranking
        search = ranking if by_template else _pooled(compared, gallery, len(probes), GalleryPolicy.BEST, sessions)
    to_gallery = _apart(compared.to_gallery, sessions)
    return replace(compared, search=search, ranking=ranking, to_gallery=to_gallery, by_template=by_template)


def _pooled(compared: Compared, gallery: LabelledFaces, probes: int, policy: GalleryPolicy, sessions) -> IdentityScores:
    """Scores of people from those of their faces, some probes at a time."""
    everybody = np.arange(len(gallery))
    parts = []
    for start in range(0, probes, ROWS_AT_ONCE):
        rows = slice(start, min(start + ROWS_AT_ONCE, probes))
        groups = {} if sessions is None else {"probe_groups": sessions[0][rows], "gallery_groups": sessions[1]}
        parts.append(identity_scores(compared.to_gallery(rows, everybody), gallery.names, policy, **groups))
    return IdentityScores(parts[0].identities, np.concatenate([part.scores for part in parts]))


def _templates_apart(theirs: np.ndarray, mine: np.ndarray, names: np.ndarray, sessions) -> IdentityScores:
    """By the mean of a person's faces, where only faces of other sessions than the probe's count."""
    people, means = mean_templates(theirs, names)
    scores = mine.astype(np.float64) @ means.T
    person = np.searchsorted(people, names)
    of_probes, of_gallery = sessions
    for session in np.intersect1d(of_probes[of_probes >= 0], of_gallery):
        rows = np.flatnonzero(of_probes == session)
        for column in np.unique(person[of_gallery == session]):
            others = theirs[(person == column) & (of_gallery != session)]
            if len(others):
                _, (mean,) = mean_templates(others, np.zeros(len(others), np.int64))
                scores[rows, column] = mine[rows].astype(np.float64) @ mean
            else:
                scores[rows, column] = -np.inf
    return IdentityScores(people, scores)


def _apart(source, sessions):
    """The same similarities; a face of the probe's own session is like nothing."""
    if sessions is None:
        return source
    of_probes, of_gallery = sessions

    def masked(rows, columns):
        same = of_probes[rows][:, None] == of_gallery[columns][None, :]
        same &= of_probes[rows][:, None] >= 0
        return np.where(same, np.float32(-np.inf), source(rows, columns))

    return masked


def _coded(*sessions: np.ndarray) -> list[np.ndarray]:
    """Numbers for names, the same in all; -1 for none."""
    every = np.unique(np.concatenate(sessions))
    return [np.where(names == "", -1, np.searchsorted(every, names)) for names in sessions]
