"""Where a project stands in the loop: counts, asked for anew each time."""

from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields

from django.db.models import Count, F, Value
from django.db.models.functions import Now

from labelling.models import Face, FaceState, Identity, Image, ImageState, Lease, Project, Who
from labelling.recently import recently

# Nobody can tell 400,000 faces from 399,990.
COUNTED_EACH_TIME = 20_000


@dataclass(frozen=True)
class Standing:
    images: int
    images_new: int
    images_waiting: int
    images_disputed: int
    images_labelled: int
    faces: int
    faces_waiting: int
    faces_confirmed: int
    faces_named: int
    identities: int


_IMAGES_IN = {
    ImageState.NEW: "images_new",
    ImageState.PROPOSED: "images_waiting",
    ImageState.DISPUTED: "images_disputed",
    ImageState.LABELLED: "images_labelled",
}


def standing(project: Project) -> Standing:
    """Counted when asked: a stored counter drifts."""
    return standings([project])[project.pk]


def recent_standing(project: Project) -> Standing:
    """As `standing`, for pages: that of a large project may be some seconds old."""
    figures = recently(
        f"standing:{project.pk}",
        lambda: asdict(standing(project)),
        is_large=lambda now: now["images"] + now["faces"] > COUNTED_EACH_TIME,
    )
    return Standing(**figures)


def standings(projects: Collection[Project]) -> dict[int, Standing]:
    """Each project's standing by its id, in one query however many they are.

    Rows are counted by state and summed up here, so that an index alone answers: half a million faces in 40 ms.
    """
    counts = {project.pk: Counter() for project in projects}
    photos, faces = _tally(Image, counts, F("state"), Value("")), _tally(Face, counts, F("state"), F("who"))
    people = _tally(Identity, counts, Value(""), Value(""))
    for pk, table, state, who, number in photos.union(faces, people, all=True).order_by():
        counts[pk].update(dict.fromkeys(_figures(table, state, who), number))
    names = [field.name for field in fields(Standing)]
    return {pk: Standing(**{name: found[name] for name in names}) for pk, found in counts.items()}


def _tally(model, projects: Collection[int], state, who):
    """Rows of a table: project, table, state, who, and how many there are of them."""
    kinds = {"table": Value(model._meta.model_name), "kind": state, "said": who}
    rows = model.objects.filter(project__in=projects).order_by().annotate(**kinds).values("project_id", *kinds)
    return rows.annotate(number=Count("*")).values_list("project_id", *kinds, "number")


def _figures(table: str, state: str, who: str) -> list[str]:
    """Which figures a row of that kind counts for; what is no face counts for none."""
    if table == "identity":
        return ["identities"]
    if table == "image":
        return ["images", _IMAGES_IN[state]]
    if state == FaceState.REJECTED:
        return []
    if state == FaceState.PROPOSED:
        return ["faces", "faces_waiting"]
    return ["faces", "faces_confirmed", *(["faces_named"] if who == Who.ASSIGNED else [])]


def people_at_work(project: Project) -> list[Lease]:
    """Live leases only: a lapsed one says nothing about who works now."""
    live = Lease.objects.filter(image__project=project, until__gt=Now())
    return list(live.select_related("user", "image"))
