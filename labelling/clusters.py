"""What the Sort screen is shown: waiting clusters in their order, and the pairs worth asking about.

Workers write clusters; here they are read as they are now, so that what was decided a moment ago is gone.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.core.cache import cache
from django.db.models import Count, Exists, F, OuterRef, Q, Sum, Window
from django.db.models.functions import RowNumber

from jobs.models import Job
from labelling.models import (
    Cluster,
    ClusterFace,
    ClusterKind,
    ClusterRun,
    Constraint,
    Face,
    FaceState,
    Identity,
    PairQuestion,
    Project,
    Suggestion,
    Who,
)
from labelling.signals import clusters_wanted

MOST_FACES = 200
MOST_NEIGHBOUR_FACES = 12
MOST_PORTRAITS = 4
MOST_ALTERNATIVES = 8
# A group is one person's for so long after they were given it, among so many further ones in line.
HELD_S = 120
LOOK_PAST = 20
# What happens to photos before there are groups; each asks for the next.
STEPS = ("propose", "embed", "cluster")


@dataclass
class Shown:
    """A cluster with all that its grid shows. `faces` still wait, likest first; so do `neighbour_faces`."""

    cluster: Cluster
    faces: list[ClusterFace] = field(default_factory=list)
    size: int = 0
    neighbour_faces: list[ClusterFace] = field(default_factory=list)
    neighbour_size: int = 0
    portraits: list[Face] = field(default_factory=list)
    alternatives: list["Alternative"] = field(default_factory=list)
    similarity: float | None = None
    have: int | None = None
    identity: Identity | None = None


@dataclass
class Alternative:
    """Somebody else the cluster may show: the mean of what was suggested for its faces, and the nearest face."""

    identity: Identity
    probability: float
    nearest_face: Face | None


def newest_run(project: Project) -> ClusterRun | None:
    return ClusterRun.objects.filter(project=project, finished_at__isnull=False).first()


def state_of(project: Project, run: ClusterRun | None) -> tuple[str, Job | None]:
    """“ready”, “working” while the first clustering is being made, or “none” when there is nothing to sort.

    Beside “working” the job that has to end first. A project that was never clustered asks for it here: whoever looks
    wants to see it.
    """
    if run:
        return "ready", None
    if not Face.objects.in_project(project).waiting().exists():
        return "none", None
    if not Job.objects.in_project(project.pk).filter(kind="cluster").exists():
        clusters_wanted.send(sender=None, project_id=project.pk)
    job = Job.objects.in_project(project.pk).filter(kind__in=STEPS).active().order_by("pk").first()
    return ("working" if job else "none"), job


def counts(run: ClusterRun | None) -> dict[str, int]:
    """Faces and clusters that waited when they were last put in order."""
    rows = Cluster.objects.filter(run=run, waiting__gt=0)
    found = rows.aggregate(faces=Sum("waiting"), clusters=Count("pk"))
    return {"waiting_faces": found["faces"] or 0, "waiting_clusters": found["clusters"]}


def worth_sorting(project: Project) -> dict[str, int]:
    """Waiting faces of the newest clustering that are in groups of people, and how many such groups there are."""
    newest = ClusterRun.objects.filter(project=project, finished_at__isnull=False).values("pk")[:1]
    groups = Cluster.objects.filter(run__in=newest, kind=ClusterKind.PERSON, waiting__gt=1)
    found = groups.aggregate(faces=Sum("waiting"), groups=Count("pk"))
    return {"faces": found["faces"] or 0, "groups": found["groups"]}


def in_line(run: ClusterRun, *, without: Iterable[int] = (), limit: int = 1) -> list[Cluster]:
    """The next clusters somebody should look at; those of which everything was decided since are left out."""
    rows = _clusters().filter(run=run, waiting__gt=0).exclude(pk__in=list(without))
    return list(rows.filter(Exists(_waiting_members().filter(cluster=OuterRef("pk")))).order_by("rank")[:limit])


def hand_out(run: ClusterRun, user, *, without: Iterable[int] = (), limit: int = 1) -> list[Cluster]:
    """As `in_line`, but what somebody else was given a moment ago comes after everything else.

    Two people who sort one project then seldom look at the same faces. It is no lock: a decision about faces that
    changed meanwhile is refused, whoever held them.
    """
    line = in_line(run, without=without, limit=limit + LOOK_PAST)
    holder = _holders(line)
    line.sort(key=lambda cluster: holder.get(cluster.pk, user.pk) != user.pk)
    given = line[:limit]
    cache.set_many({_held(cluster.pk): user.pk for cluster in given}, HELD_S)
    return given


def _holders(clusters: Sequence[Cluster]) -> dict[int, int]:
    keys = {_held(cluster.pk): cluster.pk for cluster in clusters}
    # While the cache is away two may get the same group, and one of them is told.
    return {keys[key]: user_id for key, user_id in cache.get_many(keys).items()}


def _held(cluster_id: int) -> str:
    return f"sorting-{cluster_id}"


def find_cluster(user, cluster_id: int) -> Cluster | None:
    """A cluster of the newest run of its project, if `user` may see it and some of it still waits."""
    projects = Project.objects.visible_to(user).values("pk")
    cluster = _clusters().filter(pk=cluster_id, run__project__in=projects).select_related("run__project").first()
    if cluster is None or newest_run(cluster.run.project) != cluster.run:
        return None
    return cluster if _waiting_members().filter(cluster=cluster).exists() else None


def _clusters():
    return Cluster.objects.select_related("run", "identity", "nearest_face", "neighbour__identity")


def _waiting_members():
    return ClusterFace.objects.filter(face__in=Face.objects.waiting())


def shown(project: Project, clusters: Sequence[Cluster], *, most: int | None = MOST_FACES) -> list[Shown]:
    """The clusters with their faces and people, in the same number of queries whatever their number."""
    views = [Shown(cluster, identity=cluster.identity) for cluster in clusters]
    members = _members([*clusters, *(cluster.neighbour for cluster in clusters if cluster.neighbour)])
    for view in views:
        found = members.get(view.cluster.pk, [])
        view.faces, view.size = found[:most], len(found)
        beside = members.get(view.cluster.neighbour_id, [])
        view.neighbour_faces, view.neighbour_size = beside[:MOST_NEIGHBOUR_FACES], len(beside)
    _add_alternatives(views)
    _add_people(views)
    _add_targets(project, views)
    return views


def _members(clusters: Sequence[Cluster]) -> dict[int, list[ClusterFace]]:
    found: dict[int, list[ClusterFace]] = defaultdict(list)
    rows = _waiting_members().filter(cluster__in=clusters).select_related("face")
    for member in rows.order_by("cluster_id", "position"):
        found[member.cluster_id].append(member)
    return found


def _add_people(views: list[Shown]) -> None:
    """Portraits of the proposed person: the face that speaks for the proposal first, then the largest."""
    people = {view.identity.pk for view in views if view.identity}
    number = Window(RowNumber(), partition_by=F("identity"), order_by=[(F("w") * F("h")).desc(), F("pk").asc()])
    largest = defaultdict(list)
    if people:
        for face in Face.objects.named().filter(identity__in=people).annotate(n=number).filter(n__lte=MOST_PORTRAITS):
            largest[face.identity_id].append(face)
    for view in views:
        if view.identity:
            nearest = view.cluster.nearest_face
            first = [nearest] if nearest and nearest.identity_id == view.identity.pk else []
            rest = [face for face in largest[view.identity.pk] if face not in first]
            view.portraits = (first + rest)[:MOST_PORTRAITS]


def _add_alternatives(views: list[Shown]) -> None:
    owner = {member.face_id: view for view in views for member in view.faces}
    sums: dict[tuple[int, int], list[Suggestion]] = defaultdict(list)
    rows = Suggestion.objects.filter(face__in=owner).select_related("identity", "nearest_face")
    for row in rows.order_by("-probability", "pk"):
        sums[owner[row.face_id].cluster.pk, row.identity_id].append(row)
    barred = _barred(owner)
    for view in views:
        theirs = {person: found for (pk, person), found in sums.items() if pk == view.cluster.pk}
        own = theirs.pop(view.cluster.identity_id, [])
        if view.faces and barred[view.cluster.pk, view.cluster.identity_id] == len(view.faces):
            view.identity = None  # said a moment ago; the worker has not looked yet
        view.similarity = max((row.similarity for row in own if row.similarity is not None), default=None)
        total = len(view.faces)
        ranked = [
            Alternative(found[0].identity, sum(row.probability for row in found) / total, found[0].nearest_face)
            for person, found in theirs.items()
            if barred[view.cluster.pk, person] < total
        ]
        view.alternatives = sorted(ranked, key=lambda one: -one.probability)[:MOST_ALTERNATIVES]


def _barred(owner: dict[int, Shown]) -> dict[tuple[int, int], int]:
    """How many faces of each cluster somebody said are not that person, by cluster and person."""
    counts: dict[tuple[int, int], int] = defaultdict(int)
    said = Constraint.objects.filter(face__in=owner, identity__isnull=False)
    for face_id, identity_id in said.values_list("face_id", "identity_id"):
        counts[owner[face_id].cluster.pk, identity_id] += 1
    return counts


def _add_targets(project: Project, views: list[Shown]) -> None:
    wanting = {view.identity.pk for view in views if view.identity and view.identity.target_count}
    if not wanting:
        return
    named = Face.objects.in_project(project).named().filter(identity__in=wanting)
    have = dict(named.values_list("identity").annotate(n=Count("pk")))
    for view in views:
        if view.identity and view.identity.pk in wanting:
            view.have = have.get(view.identity.pk, 0)


def questions(run: ClusterRun, *, without: Iterable[int] = (), limit: int = 5) -> list[PairQuestion]:
    """Pairs nobody answered, one of which at least still waits; those that decide the most first."""
    waiting = Face.objects.waiting()
    not_open = Face.objects.filter(Q(state=FaceState.REJECTED) | Q(who__in=[Who.UNKNOWN, Who.IGNORED]))
    answered = Constraint.objects.filter(face=OuterRef("face"), other=OuterRef("other"))
    rows = PairQuestion.objects.filter(Q(face__in=waiting) | Q(other__in=waiting), ~Exists(answered), run=run)
    rows = rows.exclude(face__in=not_open).exclude(other__in=not_open).exclude(pk__in=list(without))
    return list(rows.select_related("face", "other").order_by("-decides", "id")[:limit])
