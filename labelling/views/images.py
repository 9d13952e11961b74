"""Photos of a project: taking them in, and finding them again."""

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from jobs.models import Job
from labelling.access import role_of
from labelling.bucket_places import allowed_places
from labelling.bucket_source import IN_PLACE
from labelling.errors import Refused
from labelling.forms import ImageFilterForm, add_refusal
from labelling.models import Face, FaceState, Identity, Image, Intake, Project, Role, Who
from labelling.paging import keyset_page
from labelling.photo_filters import filter_images, is_id
from labelling.views.frame import open_project, show, with_cancel_rights

PAGE_SIZE = 60
COUNT_UP_TO = 1000
RECENT_SESSIONS = 50
RECENT_PHOTOS = 2000
BATCHES_SHOWN = 5
INTAKE_JOBS = ("intake", "propose")
INTAKES_SHOWN = 8


@login_required
@require_safe
def ingest_page(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug)
    jobs = Job.objects.visible_to(request.user).in_project(project.pk).active().filter(kind__in=INTAKE_JOBS)
    sessions = _recent_sessions(project)
    return show(
        request, "labelling/ingest.html", project, "ingest",
        can_upload=True, sessions=sessions, recent_batches=_batches(project, sessions[:BATCHES_SHOWN]),
        intakes=_intakes(project),
        places=allowed_places() if role_of(request.user, project) >= Role.ENGINEER else [],
        in_place_words=IN_PLACE,
        jobs=with_cancel_rights(request.user, list(jobs[:5])),
    )  # fmt: skip


@login_required
@require_safe
def capture_page(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug)
    return show(request, "labelling/capture.html", project, "capture", sessions=_recent_sessions(project))


@login_required
@require_safe
def image_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Newest first. What the filters do not understand is said beside them, and nothing is listed."""
    project = open_project(request, slug)
    form = ImageFilterForm(_asked(request, project))
    images = _filtered(project, form)
    page = keyset_page(
        _with_face_counts(images).select_related("elsewhere"),
        request.GET.get("cursor", ""),
        by=("-id",),
        size=PAGE_SIZE,
    )
    found = images.order_by()[: COUNT_UP_TO + 1].count()
    return show(
        request, "labelling/images.html", project, "images",
        form=form, images=page.rows, found=found, too_many=found > COUNT_UP_TO, count_up_to=COUNT_UP_TO,
        is_filtered=any(form.data.get(name) for name in form.fields),
        sessions=_recent_sessions(project), **page.urls(request.GET),
    )  # fmt: skip


def _asked(request: HttpRequest, project: Project) -> dict[str, str]:
    """What the filters say; a person given by number, as links do, is shown by name."""
    asked = {name: request.GET.get(name, "").strip() for name in ImageFilterForm.base_fields}
    if is_id(asked["identity"]):
        known = Identity.objects.filter(project=project, pk=int(asked["identity"])).values_list("name", flat=True)
        asked["identity"] = known.first() or asked["identity"]
    return asked


def _filtered(project: Project, form: ImageFilterForm) -> QuerySet:
    if form.is_valid():
        try:
            return filter_images(Image.objects.in_project(project), form.cleaned_data)
        except Refused as error:
            add_refusal(form, error)
    return Image.objects.none()


def _with_face_counts(images: QuerySet) -> QuerySet:
    """`face_count` and `named_count`, counted for the rows shown only."""
    faces = Face.objects.filter(image=OuterRef("pk")).exclude(state=FaceState.REJECTED).order_by().values("image")

    def count(condition: Q) -> Coalesce:
        counted = faces.annotate(number=Count("pk", filter=condition)).values("number")
        return Coalesce(Subquery(counted), Value(0))

    return images.annotate(face_count=count(Q()), named_count=count(Q(who=Who.ASSIGNED)))


def _recent_sessions(project: Project) -> list[str]:
    """Those of the newest photos, latest first; all of a large project's would take too long to find."""
    newest = Image.objects.in_project(project).order_by("-id").values_list("session", flat=True)[:RECENT_PHOTOS]
    return [session for session in dict.fromkeys(newest) if session][:RECENT_SESSIONS]


def _intakes(project: Project) -> QuerySet:
    newest = list(Intake.objects.in_project(project).values_list("pk", flat=True)[:INTAKES_SHOWN])
    return Intake.objects.filter(pk__in=newest).with_counts().select_related("job")


def _batches(project: Project, sessions: list[str]) -> QuerySet:
    """How many photos each of these sessions has, and when its last one came."""
    photos = Image.objects.filter(project=project, session__in=sessions).values("session")
    return photos.annotate(count=Count("pk"), at=Max("created_at")).order_by("-at")
