"""Runs side by side, and a run once more: pages and API."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from labelling.access import project_for, require_role
from labelling.errors import Refused
from labelling.models import Role
from labelling.views.frame import open_project, show
from recognition.api import RunSerializer
from recognition.compare_runs import comparison, crops_of, exchange, runs_to_compare
from recognition.models import Run
from recognition.run_again import run_again

MOST_PEOPLE = 200


@login_required
@require_safe
def compare(request: HttpRequest, slug: str) -> HttpResponse:
    """`?run=` twice or more; what is gained and lost is shown from the first to the last."""
    project = open_project(request, slug)
    try:
        runs = runs_to_compare(project, _numbers(request.GET.getlist("run")))
    except Refused as error:
        messages.error(request, error.message)
        return redirect("runs", project.slug)
    told = comparison(runs)
    curves = [
        {"name": f"{run.pk}: {about['name']}", **{name: run.curves.get(name) for name in ("pr", "roc", "cmc")}}
        for run, about in zip(runs, told["runs"], strict=True)
    ]
    crops = crops_of(project, exchange(runs[0], runs[-1]))
    lists = [("Gained: wrong before, right now", crops["gained"], "confirmed")]
    lists.append(("Lost: right before, wrong now", crops["lost"], "rejected"))
    return show(
        request, "recognition/compare.html", project, "runs",
        told=told, people=told["people"][:MOST_PEOPLE], more=max(0, len(told["people"]) - MOST_PEOPLE), curves=curves,
        crop_lists=lists, last=told["changes"][-1],
    )  # fmt: skip


@login_required
@require_POST
def again(request: HttpRequest, slug: str, run_id: int) -> HttpResponse:
    project = open_project(request, slug, Role.ENGINEER)
    run = get_object_or_404(Run.objects.select_related("version", "model"), project=project, pk=run_id)
    run.version.project = project
    try:
        repeated = run_again(run, by=request.user)
    except Refused as error:
        messages.error(request, error.message)
        return redirect("run", project.slug, run.pk)
    return redirect("run", project.slug, repeated.pk)


class CompareRuns(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("run", int, many=True, description="Two to six evaluations, or trainings.")],
        responses={200: dict},
    )
    def get(self, request, slug: str):
        """Parameters that differ, figures, AP of each person, and faces gained and lost against the first."""
        project = project_for(request.user, slug)
        return Response(comparison(runs_to_compare(project, _numbers(request.query_params.getlist("run")))))


class RunAgain(APIView):
    @extend_schema(request=None, responses={201: RunSerializer})
    def post(self, request, run_id: int):
        """The same run once more (engineers and owners); its page says whether it came out the same."""
        runs = Run.objects.visible_to(request.user).select_related("version__project", "model", "project")
        run = get_object_or_404(runs, pk=run_id)
        require_role(request.user, run.project, Role.ENGINEER)
        return Response(RunSerializer(run_again(run, by=request.user)).data, status=status.HTTP_201_CREATED)


def _numbers(texts: list[str]) -> list[int]:
    """Of “3”, “4” and “5,6” alike; what is no number is passed over."""
    parts = (part for text in texts for part in text.split(","))
    return [int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) < 19]
