"""Clusters of waiting faces for the Sort screen: made anew as a numbered run, put in order after every decision.

A run becomes visible whole. What people decided is read as constraints and never written here. Runs in workers only.
"""

from collections import Counter
from dataclasses import asdict

import numpy as np
from django.db.models import Count, F, Max, Q
from django.utils import timezone

from jobs.work import Work
from labelling.models import (
    Cluster,
    ClusterFace,
    ClusterKind,
    ClusterRun,
    Event,
    Face,
    FaceState,
    Identity,
    PairQuestion,
    Project,
    Verb,
    Who,
)
from labelling.overlap import faces_kept_apart
from recognition import sort_plan
from recognition.gallery_cache import faces_of
from recognition.known_faces import WAITING, KnownFaces
from recognition.linkage import linkage_of
from recognition.serving import Served, served_now
from recognition.sort_plan import Planned, Question, plan
from recognition.word_lists import read_words

# Comparing faces with each other grows as their square; what is beyond comes when these are decided.
MOST_FACES = 20_000
KEPT_RUNS = 3  # of older ones only the number stays


def make_clusters(project: Project, work: Work) -> dict:
    """Put all waiting faces of the project together anew. Safe to repeat at any time."""
    embedder = project.settings.embedder
    served = served_now(project)
    faces = sortable_faces(project, served).first_waiting(MOST_FACES)
    if not len(faces.waiting()):
        return {"clusters": 0, "said": "No face waits."}
    work.progress(total=1, message="Comparing faces")
    linkage = linkage_of(faces, embedder)
    alone = _left_alone(project)
    clusters, questions = plan(faces, read_words(project, faces), linkage, needy=needy_people(project), alone=alone)
    params = {
        "join": sort_plan.JOIN,
        "gather": sort_plan.GATHER,
        "fit": asdict(linkage),
        "named": len(faces.named()),
        "alone": sorted(alone),
        **({"model": served.sha256} if served else {}),
    }
    with work.chunk():
        run = _write(project, embedder, params, faces, clusters, questions)
    return {"run": run.number, "clusters": run.clusters, "said": f"{run.faces:,} faces in {run.clusters:,} groups."}


def sortable_faces(project: Project, served: Served | None = None) -> KnownFaces:
    """Named faces, and those that wait in photos where a name may be seen by everybody."""
    faces = faces_of(project.pk, project.settings.embedder, served)
    apart = list(faces_kept_apart(project))
    return faces[(faces.people != WAITING) | ~np.isin(faces.face_ids, apart)] if apart else faces


def needy_people(project: Project) -> set[int]:
    """Those with fewer named faces than they should have."""
    named = Count("faces", filter=Q(faces__state=FaceState.CONFIRMED, faces__who=Who.ASSIGNED))
    people = Identity.objects.in_project(project).filter(target_count__gt=0).annotate(have=named)
    return set(people.filter(have__lt=F("target_count")).values_list("pk", flat=True))


def _left_alone(project: Project) -> set[int]:
    """Faces that stayed when the rest of their page of leftovers was set aside: somebody looked, and knew better."""
    last = ClusterRun.objects.filter(project=project, finished_at__isnull=False).first()
    if last is None:
        return set()
    page_of = dict(
        ClusterFace.objects.filter(cluster__run=last, cluster__kind=ClusterKind.LEFTOVERS).values_list(
            "face_id", "cluster_id"
        )
    )
    size = Counter(page_of.values())
    looked_at = set()
    events = Event.objects.filter(project=project, verb=Verb.DECIDE, created_at__gte=last.finished_at)
    for faces in events.filter(undone_by=None).values_list("after__faces", flat=True):
        pages = Counter(page_of.get(row["id"]) for row in faces)
        looked_at |= {page for page, count in pages.items() if 2 * count >= size[page]}
    left = {face for face, page in page_of.items() if page in looked_at} | set(last.params.get("alone", []))
    return set(Face.objects.waiting().filter(pk__in=left).values_list("pk", flat=True))


def _write(
    project: Project,
    embedder: str,
    params: dict,
    faces: KnownFaces,
    clusters: list[Planned],
    questions: list[Question],
) -> ClusterRun:
    # Faces before the project, as those do who name somebody new: neither waits for the other in a circle.
    alive = _still_there(faces, clusters) - faces_kept_apart(project)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)  # numbers are given one after the other
    number = (ClusterRun.objects.filter(project=project).aggregate(n=Max("number"))["n"] or 0) + 1
    clusters = [cluster for cluster in clusters if any(faces.face_ids[row] in alive for row in cluster.rows)]
    people = set(Identity.objects.in_project(project).values_list("pk", flat=True))
    run = ClusterRun.objects.create(
        project=project,
        number=number,
        embedder=embedder,
        params=params,
        faces=sum(len(cluster.members) for cluster in clusters),
        clusters=len(clusters),
    )
    rows = Cluster.objects.bulk_create(
        [_row(run, rank, cluster, faces, alive, people) for rank, cluster in enumerate(clusters, start=1)],
        batch_size=2000,
    )
    row_of = {id(cluster): row for cluster, row in zip(clusters, rows, strict=True)}
    with_neighbour = []
    for cluster, row in zip(clusters, rows, strict=True):
        beside = row_of.get(id(cluster.neighbour))
        if beside:
            row.neighbour, row.neighbour_similarity = beside, cluster.neighbour_similarity
            with_neighbour.append(row)
    Cluster.objects.bulk_update(with_neighbour, ["neighbour", "neighbour_similarity"], batch_size=2000)
    ClusterFace.objects.bulk_create(_members(faces, clusters, rows, alive), batch_size=5000)
    PairQuestion.objects.bulk_create(
        [
            PairQuestion(
                run=run, face_id=one.first, other_id=one.second, similarity=one.similarity,
                probability=one.probability, decides=one.decides,
            )
            for one in questions
            if {one.first, one.second} <= alive
        ]
    )  # fmt: skip
    run.finished_at = run.ranked_at = timezone.now()
    run.save(update_fields=["finished_at", "ranked_at"])
    old = ClusterRun.objects.filter(project=project, number__lte=number - KEPT_RUNS)
    Cluster.objects.filter(run__in=old).delete()
    PairQuestion.objects.filter(run__in=old).delete()
    return run


def _still_there(faces: KnownFaces, clusters: list[Planned]) -> set[int]:
    """Faces that were not deleted while we compared, under lock against it."""
    ids = {int(faces.face_ids[row]) for cluster in clusters for row in cluster.rows}
    ids |= {int(faces.face_ids[cluster.nearest]) for cluster in clusters if cluster.nearest is not None}
    locked = Face.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    return set(locked.values_list("pk", flat=True))


def _row(run: ClusterRun, rank: int, cluster: Planned, faces: KnownFaces, alive: set[int], people: set[int]) -> Cluster:
    nearest = int(faces.face_ids[cluster.nearest]) if cluster.nearest is not None else None
    return Cluster(
        run=run,
        kind=ClusterKind.LEFTOVERS if cluster.leftovers else ClusterKind.PERSON,
        rank=rank,
        waiting=sum(int(faces.face_ids[row]) in alive for row in cluster.rows),
        identity_id=cluster.person if cluster.person in people else None,
        probability=cluster.probability,
        nearest_face_id=nearest if nearest in alive else None,
        certainty=cluster.certainty,
    )


def _members(faces: KnownFaces, clusters: list[Planned], rows: list[Cluster], alive: set[int]):
    for cluster, row in zip(clusters, rows, strict=True):
        kept = [member for member in cluster.members if int(faces.face_ids[member.row]) in alive]
        for position, member in enumerate(kept, start=1):
            yield ClusterFace(
                cluster=row,
                face_id=int(faces.face_ids[member.row]),
                position=position,
                likeness=member.likeness,
                doubtful=member.doubtful,
            )
