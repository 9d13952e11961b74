"""How good suggestions are, and from when on they are accepted."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from labelling.access import require_role, role_of
from labelling.errors import Refused
from labelling.models import Project, Role
from labelling.views.frame import open_project, show
from recognition.accept_threshold import follow_ledger, use_threshold
from recognition.forms import AcceptForm
from recognition.ledger_page import suggestions_page


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def suggestions(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug)
    if request.method == "POST":
        require_role(request.user, project, Role.ENGINEER)
        _choose(request, project)
        return redirect("review-suggestions", project.slug)
    role = role_of(request.user, project)
    return show(
        request, "recognition/suggestions.html", project, "review",
        may_review=role >= Role.REVIEWER, may_choose=role >= Role.ENGINEER, **suggestions_page(project),
    )  # fmt: skip


def _choose(request: HttpRequest, project: Project) -> None:
    form = AcceptForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Give a probability from 0.5 to 1. Nothing was changed.")
        return
    if form.cleaned_data["mode"] == "learnt":
        learnt = follow_ledger(project, True)
        messages.success(request, _following(learnt, project))
        return
    try:
        use_threshold(project, form.cleaned_data["threshold"] or project.settings.accept_probability)
    except Refused as error:
        messages.error(request, error.message)
        return
    messages.success(request, f"Suggestions are accepted from {project.settings.accept_probability:g} on.")


def _following(learnt: float | None, project: Project) -> str:
    now = f"{project.settings.accept_probability:g}"
    if learnt is None:
        return f"The threshold follows the decisions as soon as there are enough; until then it stays {now}."
    return f"The threshold follows the decisions. It is {now} now."
