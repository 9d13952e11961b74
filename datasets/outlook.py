"""What a version would hold if it were frozen now, counted live."""

from dataclasses import asdict, dataclass

from django.db.models import Count, Exists, OuterRef

from datasets.filters import finished_photos
from labelling.models import Face, FaceState, Identity, Project, Who
from labelling.progress import COUNTED_EACH_TIME
from labelling.recently import recently


@dataclass(frozen=True)
class Outlook:
    """Faces by what would become of them. `proposed` and `rejected` would be left out."""

    images: int
    people: int
    named: int
    unnamed: int
    unknown: int
    ignored: int
    proposed: int
    rejected: int

    @property
    def faces(self) -> int:
        return self.named + self.unnamed + self.unknown + self.ignored


def recent_outlook(project: Project) -> Outlook:
    """As `outlook`, for pages: that of a large project may be some seconds old."""
    counted = recently(
        f"outlook:{project.pk}",
        lambda: asdict(outlook(project)),
        is_large=lambda now: sum(now.values()) > COUNTED_EACH_TIME,
    )
    return Outlook(**counted)


def outlook(project: Project) -> Outlook:
    """Three queries, however large the project is; faces and people are counted from indexes alone."""
    rows = Face.objects.filter(project=project).order_by().values_list("state", "who").annotate(number=Count("*"))
    counts = {(state, who): number for state, who, number in rows}
    named = Face.objects.named().filter(identity=OuterRef("pk"))
    return Outlook(
        images=finished_photos(project.pk).count(),
        people=Identity.objects.in_project(project).filter(Exists(named)).count(),
        named=counts.get((FaceState.CONFIRMED, Who.ASSIGNED), 0),
        unnamed=counts.get((FaceState.CONFIRMED, Who.UNASSIGNED), 0),
        unknown=counts.get((FaceState.CONFIRMED, Who.UNKNOWN), 0),
        ignored=counts.get((FaceState.CONFIRMED, Who.IGNORED), 0),
        proposed=counts.get((FaceState.PROPOSED, Who.UNASSIGNED), 0),
        rejected=counts.get((FaceState.REJECTED, Who.UNASSIGNED), 0),
    )
