"""Labels that are probably wrong, for reviewers: the ranked list, and their word about each."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs.models import Job
from labelling.access import require_role
from labelling.models import Project, Role
from labelling.paging import keyset_page
from labelling.views.frame import open_project, show
from recognition.models import Suspicion, SuspicionKind
from recognition.suspicion_list import open_suspicions, say_right, suspects
from recognition.work_left import suspect_now

PAGE_SIZE = 24
KINDS = {SuspicionKind.OUTLIER: "Names", SuspicionKind.TWICE: "Twice in a photo", SuspicionKind.BOX: "Boxes"}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def suspicions(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug, Role.REVIEWER)
    if request.method == "POST":
        suspect_now(project.pk, by=request.user)
        messages.success(request, "All labels are looked over again. What is found shows up here.")
        return redirect("review-suspicions", project.slug)
    kind = request.GET.get("kind", "")
    rows = open_suspicions(project).select_related("face__image", "face__identity", "identity", "nearest_face")
    if kind in SuspicionKind.values:
        rows = rows.filter(kind=kind)
    page = keyset_page(rows, request.GET.get("cursor", ""), by=("-score", "id"), size=PAGE_SIZE)
    return show(
        request, "recognition/suspicions.html", project, "review",
        suspects=suspects(page.rows), kind=kind, kinds=KINDS.items(), job=_newest_job(project),
        **page.urls(request.GET),
    )  # fmt: skip


def _newest_job(project: Project) -> Job | None:
    return Job.objects.in_project(project.pk).filter(kind="suspect").order_by("-id").first()


class VerdictSerializer(serializers.Serializer):
    is_right = serializers.BooleanField()


class SuspicionDetail(APIView):
    @extend_schema(request=VerdictSerializer, responses={200: dict})
    def post(self, request, suspicion_id: int):
        """Say that a doubted label is right, or take that back (reviewers and up)."""
        mine = Project.objects.visible_to(request.user).values("pk")
        suspicion = get_object_or_404(Suspicion.objects.select_related("project"), pk=suspicion_id, project__in=mine)
        require_role(request.user, suspicion.project, Role.REVIEWER)
        shape = VerdictSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        say_right(suspicion, shape.validated_data["is_right"], by=request.user)
        return Response({"suspicion": suspicion.pk, **shape.validated_data})
