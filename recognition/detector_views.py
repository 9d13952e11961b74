"""How well the detector finds this project's faces, and from which confidence on it proposes them."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from labelling.access import require_role, role_of
from labelling.models import Project, Role
from labelling.views.frame import open_project, show
from recognition.detector_page import detector_page
from recognition.detector_threshold import propose_for_recall, propose_from
from recognition.forms import ProposeForm, RecallForm


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def detector(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug)
    if request.method == "POST":
        require_role(request.user, project, Role.ENGINEER)
        _choose(request, project)
        return redirect("review-detector", project.slug)
    role = role_of(request.user, project)
    return show(
        request, "recognition/detector.html", project, "review",
        may_review=role >= Role.REVIEWER, may_choose=role >= Role.ENGINEER, **detector_page(project),
    )  # fmt: skip


def _choose(request: HttpRequest, project: Project) -> None:
    """A recall to keep, or a confidence, whichever was sent."""
    form = (RecallForm if "recall" in request.POST else ProposeForm)(request.POST)
    if not form.is_valid():
        messages.error(request, f"{next(iter(form.errors.values()))[0]} Nothing was changed.")
    elif "recall" not in form.cleaned_data:
        propose_from(project, form.cleaned_data["threshold"])
        messages.success(request, _in_force(project))
    elif propose_for_recall(project, form.cleaned_data["recall"]) is None:
        messages.warning(request, f"The recall is noted, but no confidence is known to keep it. {_in_force(project)}")
    else:
        messages.success(request, _in_force(project))


def _in_force(project: Project) -> str:
    return f"New photos are proposed faces from a confidence of {project.settings.min_score:g} on."
