"""The Label screen: the page around it; photos, leases and submits go over the API."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from labelling.access import role_of
from labelling.guidelines import render_guidelines
from labelling.models import Image, Project, Role
from labelling.views.frame import open_project, show


@login_required
@require_safe
def label_page(request: HttpRequest, slug: str) -> HttpResponse:
    """`?image=` opens that photo of the project instead of the next one in the queue."""
    project = open_project(request, slug)
    return show(
        request, "labelling/label.html", project, "label",
        can_label=True,
        can_settle=role_of(request.user, project) >= Role.REVIEWER,
        image_id=_chosen(project, request.GET.get("image", "")),
        accept_threshold=project.settings.accept_probability,
        guidelines_html=render_guidelines(project.guidelines),
    )  # fmt: skip


def _chosen(project: Project, image: str) -> int | None:
    if not image:
        return None
    is_id = image.isascii() and image.isdigit() and len(image) < 19
    if not is_id or not Image.objects.in_project(project).filter(pk=int(image)).exists():
        raise Http404("That photo is not in this project.")
    return int(image)
