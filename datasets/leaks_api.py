"""The leak report of a version over the API."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from datasets.leaks import ask_for_report, in_words
from datasets.models import LeakReport, LeakState, Version
from labelling.access import project_for
from labelling.models import Role


class LeakReportSerializer(serializers.ModelSerializer):
    """`found`: of each kind how many, with examples: two faces and their splits. `clean`: null until it is made."""

    version = serializers.IntegerField(source="version.number", read_only=True)
    clean = serializers.SerializerMethodField()
    said = serializers.SerializerMethodField()

    class Meta:
        model = LeakReport
        fields = ["version", "state", "message", "clean", "leaks", "said", "found", "job", "made_at"]

    def get_clean(self, report) -> bool | None:
        return report.leaks == 0 if report.state == LeakState.DONE else None

    def get_said(self, report) -> str:
        return in_words(report.found) if report.state == LeakState.DONE else ""


class Leaks(APIView):
    @extend_schema(responses=LeakReportSerializer)
    def get(self, request, slug: str, number: int):
        """What lies on two sides of the version's split. 404 until it was asked for: versions of before have none."""
        version = _version(request.user, slug, number)
        report = get_object_or_404(LeakReport.objects.select_related("version"), version=version)
        return Response(LeakReportSerializer(report).data)

    @extend_schema(request=None, responses={202: LeakReportSerializer})
    def post(self, request, slug: str, number: int):
        """Look again (engineers and owners): vectors or near-duplicates may have come since."""
        report = ask_for_report(_version(request.user, slug, number, Role.ENGINEER), by=request.user)
        return Response(LeakReportSerializer(report).data, status=status.HTTP_202_ACCEPTED)


def _version(user, slug: str, number: int, at_least: Role = Role.ANNOTATOR) -> Version:
    project = project_for(user, slug, at_least)
    return get_object_or_404(Version.objects.select_related("project"), project=project, number=number)
