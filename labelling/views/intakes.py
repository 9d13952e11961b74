"""What workers took in: how far it is, and what became of each file."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from labelling.models import FileStatus, Intake
from labelling.paging import keyset_page
from labelling.views.frame import open_project, show, with_cancel_rights

PAGE_SIZE = 100


@login_required
@require_safe
def intake_page(request: HttpRequest, slug: str, intake_id: int) -> HttpResponse:
    project = open_project(request, slug)
    intakes = Intake.objects.in_project(project).with_counts().select_related("job", "identity", "created_by")
    intake = get_object_or_404(intakes, pk=intake_id)
    status = request.GET.get("status", "")
    status = status if status in FileStatus.values else ""
    files = intake.files.select_related("image")
    page = keyset_page(
        files.filter(status=status) if status else files, request.GET.get("cursor", ""), by=("-id",), size=PAGE_SIZE
    )
    tabs = [(each.value, each.label, getattr(intake, each)) for each in FileStatus]
    job = with_cancel_rights(request.user, [intake.job])[0] if intake.job else None
    return show(
        request, "labelling/intake.html", project, "ingest",
        intake=intake, job=job, files=page.rows, status=status, tabs=tabs, total=sum(tab[2] for tab in tabs),
        **page.urls(request.GET),
    )  # fmt: skip
