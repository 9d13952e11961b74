"""Puts the waiting clusters in order again after a decision. Quick, because a person waits; runs in workers only.

Clusters keep their ids and their faces keep their places, so nothing moves under anybody's eyes: decided faces
leave, proposals are weighed against the grown gallery, and the line is put in order.
"""

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from django.utils import timezone

from jobs.work import Work
from labelling.models import Cluster, ClusterFace, ClusterKind, ClusterRun, Constraint, Identity, Project
from recognition.clusters import MOST_FACES, needy_people, sortable_faces
from recognition.grouping import Words
from recognition.known_faces import WAITING, KnownFaces
from recognition.linkage import Linkage
from recognition.serving import served_now
from recognition.sort_plan import PROPOSE, People, place_in_line
from recognition.word_lists import read_words

# A new clustering is worth its time when this many faces lie about beside clusters that were worked on,
# or when this many times as many people's faces are named as when the last one was made.
SCATTERED = 10
SCATTERED_SHARE = 0.02
GROWTH = 1.25
RUNS = 8  # whose members a worker remembers

CHANGED = ("waiting", "rank", "identity", "probability", "nearest_face")


@dataclass(frozen=True, eq=False)
class _Members:
    """Which faces each cluster was made of: written once, never changed."""

    clusters: np.ndarray
    faces: np.ndarray
    sizes: dict[int, int]


def rank_clusters(project: Project, work: Work) -> dict:
    """Bring the newest run up to date. Says in `fresh` whether a new clustering is worth its time."""
    run = ClusterRun.objects.filter(project=project, finished_at__isnull=False).first()
    served = served_now(project)
    faces = sortable_faces(project, served)
    if run is None or run.embedder != project.settings.embedder or "fit" not in run.params:
        return {"fresh": bool(len(faces.waiting())), "said": "There is no clustering yet."}
    if run.params.get("model") != (served and served.sha256):  # its similarities mean something else
        return {"fresh": bool(len(faces.waiting())), "said": "Another model serves now; groups are made anew."}
    ranking = _Ranking(project, run, faces)
    changed = ranking.weigh()
    with work.chunk():
        for cluster, face in ranking.gone:
            ClusterFace.objects.filter(cluster=cluster, face=face).delete()
        Cluster.objects.bulk_update(changed, CHANGED, batch_size=1000)
        ClusterRun.objects.filter(pk=run.pk).update(ranked_at=timezone.now())
    waiting = sum(row.waiting > 0 for row in ranking.rows)
    return {"fresh": ranking.is_scattered(), "changed": len(changed), "said": f"{waiting:,} groups wait."}


class _Ranking:
    def __init__(self, project: Project, run: ClusterRun, faces: KnownFaces):
        self.project, self.run, self.faces = project, run, faces
        # Those that are done as well: undo lets their faces wait again.
        self.rows = list(Cluster.objects.filter(run=run).order_by("rank"))
        self.members = _members_of(run)
        self.linkage = _linkage_of(run)
        self.people = People(faces)
        self.words: Words = read_words(project, faces)
        self.row_of = {int(pk): row for row, pk in enumerate(faces.face_ids) if faces.people[row] == WAITING}
        self.barred_of = self._barred_of()
        self.waiting = self._waiting_members()
        self.gone: list[tuple[int, int]] = []  # cluster and face

    def _waiting_members(self) -> dict[int, list[int]]:
        """Rows of the faces that still wait, by cluster."""
        found: dict[int, list[int]] = {row.pk: [] for row in self.rows}
        for cluster, face in zip(self.members.clusters.tolist(), self.members.faces.tolist(), strict=True):
            row = self.row_of.get(face)
            if row is not None and cluster in found:
                found[cluster].append(row)
        return found

    def weigh(self) -> list[Cluster]:
        """The clusters of which something is different now."""
        before = {row.pk: _state(row) for row in self.rows}
        for row in self.rows:
            self._let_go(row)
            row.waiting = len(self.waiting[row.pk])
        self._propose([row for row in self.rows if row.waiting and row.kind == ClusterKind.PERSON])
        self._put_in_line()
        return [row for row in self.rows if _state(row) != before[row.pk]]

    def _let_go(self, row: Cluster) -> None:
        """The few that cannot be the proposed person any more leave the others; a new clustering takes them up."""
        rows = self.waiting[row.pk]
        not_them = [place for place in rows if row.identity_id in self.barred_of.get(place, ())]
        if 2 * len(not_them) < len(rows) and not_them:
            self.waiting[row.pk] = [place for place in rows if place not in not_them]
            self.gone += [(row.pk, int(self.faces.face_ids[place])) for place in not_them]

    def _propose(self, rows: list[Cluster]) -> None:
        if not rows or not len(self.people.ids):
            for row in rows:
                row.identity_id, row.probability, row.nearest_face_id = None, 0.0, None
            return
        means = np.stack([self.faces.vectors[self.waiting[row.pk]].mean(axis=0) for row in rows])
        sizes = np.array([float(row.waiting) for row in rows])
        chances = self.people.chances(means, sizes, self.linkage)
        known = set(Identity.objects.in_project(self.project).values_list("pk", flat=True))
        for row, mean, found in zip(rows, means, chances, strict=True):
            person, chance = self.people.best(found, self._barred(self.waiting[row.pk]))
            alone = self.members.sizes[row.pk] == 1
            if person not in known or (chance < PROPOSE and person != row.identity_id and not alone):
                person, chance = 0, 0.0
            row.identity_id, row.probability = person or None, chance
            row.nearest_face_id = int(self.faces.face_ids[self.people.nearest(person, mean)]) if person else None

    def _barred_of(self) -> dict[int, set[int]]:
        """Whom a waiting face is known not to be, or stands beside; only faces of which there is anything to say."""
        not_person, in_photo = self.words.not_person, self.words.in_photo
        photos = self.faces.photos.tolist()
        return {
            row: not_person.get(face, set()) | in_photo.get(photos[row], set())
            for face, row in self.row_of.items()
            if face in not_person or photos[row] in in_photo
        }

    def _barred(self, rows: list[int]) -> set[int]:
        return set().union(*(self.barred_of[row] for row in rows if row in self.barred_of))

    def _put_in_line(self) -> None:
        needy = needy_people(self.project)
        open_rows = [row for row in self.rows if row.waiting]
        ordered = sorted(open_rows, key=lambda row: _place(row, needy))
        if [row.pk for row in ordered] != [row.pk for row in open_rows]:
            for rank, row in enumerate(ordered, start=1):
                row.rank = rank

    def is_scattered(self) -> bool:
        """Somebody told two faces the same or different; or faces lie about that are new, knocked out or left over."""
        answers = Constraint.objects.filter(project=self.project, other__isnull=False)
        if answers.filter(created_at__gt=self.run.finished_at).exists():
            return True
        waiting = min(len(self.row_of), MOST_FACES)
        untouched = sum(row.waiting for row in self.rows if row.waiting == self.members.sizes[row.pk])
        scattered = waiting - untouched
        if scattered <= 0:
            return False
        named = int((self.faces.people > WAITING).sum())
        return (
            scattered >= max(SCATTERED, SCATTERED_SHARE * waiting)
            or untouched == 0
            or named > GROWTH * self.run.params.get("named", 0) + SCATTERED
        )


def _linkage_of(run: ClusterRun) -> Linkage:
    fitted = run.params["fit"]
    return Linkage(fitted["centre"], fitted["scale"], tuple(fitted["weights"]))


def _place(row: Cluster, needy: set[int]) -> tuple:
    is_last = row.kind == ClusterKind.LEFTOVERS
    place = place_in_line(row.waiting, row.probability, row.certainty, row.identity_id in needy)
    return (is_last, *((False, 0) if is_last else place), row.rank)


def _state(row: Cluster) -> tuple:
    return (row.waiting, row.rank, row.identity_id, round(row.probability, 3), row.nearest_face_id)


def _members_of(run: ClusterRun) -> _Members:
    known = _runs.pop(run.pk, None)
    if known is None:
        pairs = ClusterFace.objects.filter(cluster__run=run).order_by("cluster_id", "position")
        both = np.array(list(pairs.values_list("cluster_id", "face_id")), dtype=np.int64).reshape(-1, 2)
        ids, sizes = np.unique(both[:, 0], return_counts=True)
        known = _Members(both[:, 0], both[:, 1], dict(zip(ids.tolist(), sizes.tolist(), strict=True)))
    _runs[run.pk] = known
    while len(_runs) > RUNS:
        _runs.popitem(last=False)
    return known


_runs: OrderedDict[int, _Members] = OrderedDict()
