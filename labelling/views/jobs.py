"""A project's background work: what runs, what waits, and how the rest ended."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from jobs.models import ACTIVE, Job, State
from labelling.paging import keyset_page
from labelling.views.frame import open_project, show, with_cancel_rights

PAGE_SIZE = 50
ACTIVE_SHOWN = 20
# Asked for by the dozen with every photo, and over in a blink: they would bury all others.
LITTLE = ("look",)
TROUBLE = (State.FAILED, State.ERRORED)


@login_required
@require_safe
def job_list(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug)
    jobs = (
        Job.objects.visible_to(request.user)
        .in_project(project.pk)
        .exclude(kind__in=LITTLE)
        .defer("log", "result", "params")
    )
    only_trouble = request.GET.get("only") == "trouble"
    ended = jobs.filter(state__in=TROUBLE) if only_trouble else jobs.exclude(state__in=ACTIVE)
    page = keyset_page(ended.select_related("created_by"), request.GET.get("cursor", ""), by=("-id",), size=PAGE_SIZE)
    active = list(jobs.active().order_by("id")[:ACTIVE_SHOWN])
    with_cancel_rights(request.user, [*active, *page.rows])
    return show(
        request, "labelling/jobs.html", project, "jobs",
        active=active,
        ended=page.rows, only_trouble=only_trouble, **page.urls(request.GET),
    )  # fmt: skip
