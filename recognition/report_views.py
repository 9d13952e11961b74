"""What a reader of a report does about it: doubts a label, and asks for the figures with today's labels."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from labelling.access import require_role
from labelling.errors import Refused
from labelling.models import Project, Role
from labelling.views.frame import open_project
from recognition.models import Run, RunKind, RunState
from recognition.today import doubt_label, score_again, today


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def run_today(request: HttpRequest, slug: str, run_id: int) -> HttpResponse:
    """The strip with today's figures; POST asks for them."""
    project = open_project(request, slug)
    run = _report(project, run_id)
    if request.method == "POST":
        require_role(request.user, project, Role.ANNOTATOR)
        score_again(run, by=request.user)
        if not request.htmx:
            return redirect("run", project.slug, run.pk)
    return render(request, "recognition/_today.html", {"project": project, "run": run, "today": today(run)})


@login_required
@require_POST
def run_doubt(request: HttpRequest, slug: str, run_id: int) -> HttpResponse:
    """“The label is wrong” about one face of the report: it goes to Review."""
    project = open_project(request, slug, Role.ANNOTATOR)
    run = _report(project, run_id)
    face = request.POST.get("face", "")
    try:
        if not (face.isascii() and face.isdecimal() and len(face) < 19):
            raise Refused("This face is not in the report any more; reload the page.")
        event = doubt_label(run, int(face), by=request.user, event_id=uuid.uuid4())
    except Refused as error:
        if request.htmx:
            return render(request, "recognition/_doubted.html", {"refused": error.message})
        messages.error(request, error.message)
    else:
        if request.htmx:
            return render(request, "recognition/_doubted.html", {"project": project})
        undo = reverse("api-undo", args=[event.pk]) if event else ""
        messages.success(request, "Sent to Review: the label is doubted there.", extra_tags=undo)
    return redirect(f"{reverse('run', args=[project.slug, run.pk])}#mistakes-title")


def _report(project: Project, run_id: int) -> Run:
    runs = Run.objects.select_related("version", "model").defer("version__statistics", "environment")
    run = get_object_or_404(runs, project=project, pk=run_id, kind=RunKind.EVALUATE, state=RunState.DONE)
    run.project = project
    return run


class RunToday(APIView):
    @extend_schema(responses={200: dict})
    def get(self, request, run_id: int):
        """Figures with today's labels as they were last worked out: `result`, and the `job` under way."""
        return Response(_told(_visible(request.user, run_id)))

    @extend_schema(request=None, responses={202: dict})
    def post(self, request, run_id: int):
        """Work them out again; nothing is trained."""
        run = _visible(request.user, run_id)
        require_role(request.user, run.project, Role.ANNOTATOR)
        score_again(run, by=request.user)
        return Response(_told(run), status=status.HTTP_202_ACCEPTED)


def _told(run: Run) -> dict:
    found = today(run)
    return {
        "job": found["job"].pk if found["job"] else None,
        "is_stale": found["is_stale"],
        "frozen": {name: run.metrics.get(name) for name in ("map", "recognition_rate")},
        "result": found["result"],
    }


def _visible(user, run_id: int) -> Run:
    runs = Run.objects.visible_to(user).select_related("project").filter(kind=RunKind.EVALUATE, state=RunState.DONE)
    return get_object_or_404(runs, pk=run_id)
