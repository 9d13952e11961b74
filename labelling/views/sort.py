"""The Sort screen: the page around it; groups of faces, questions and decisions go over the API."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from labelling.guidelines import render_guidelines
from labelling.views.frame import open_project, show

SKELETON_TILES = 21  # what a screen of 1280 by 800 shows until the first group is there


@login_required
@require_safe
def sort_page(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug)
    return show(
        request, "labelling/sort.html", project, "sort",
        guidelines_html=render_guidelines(project.guidelines),
        skeleton=range(SKELETON_TILES),
    )  # fmt: skip
