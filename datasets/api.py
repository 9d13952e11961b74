"""Versions and exports over the API."""

from django.http import Http404, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import generics, serializers, status
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.views import APIView

from datasets.changes import KINDS, as_dict
from datasets.comparisons import changes_of, compare_again, comparison_of
from datasets.downloads import download_name, stream_all
from datasets.export_options import ALIGNMENTS, CONTENTS, PEOPLE
from datasets.exports import start_export
from datasets.filters import read_filters
from datasets.freeze import start_freeze
from datasets.models import Comparison, ComparisonState, Export, ExportState, Version
from datasets.splits import KIND_CHOICES, MOST_FOLDS, MOST_GALLERY, SPLITS, BadPolicy, SplitPolicy
from labelling import storage
from labelling.access import project_for, require_role
from labelling.errors import Refused
from labelling.models import Role, Who

MOST_NUMBER = 2**31 - 1


class VersionSerializer(serializers.ModelSerializer):
    """`tag`: the first name that people gave it. `tags`: all that stand on it, `latest` too."""

    tag = serializers.CharField(read_only=True)
    tags = serializers.ListField(source="tag_names", child=serializers.CharField(), read_only=True)

    class Meta:
        model = Version
        fields = [
            "number", "state", "message", "tag", "tags", "note", "content_hash", "split_policy", "filters",
            "statistics", "faces_sha256", "images_sha256", "job", "created_at", "frozen_at",
        ]  # fmt: skip


class VersionInList(VersionSerializer):
    """Without the figures per person: a page of versions with thousands of people each would be megabytes."""

    statistics = serializers.JSONField(source="summary", read_only=True)


class FilterSerializer(serializers.Serializer):
    """Freezing only some of it. people, not_people: names or class ids. Days are in UTC, both included."""

    who = serializers.MultipleChoiceField(choices=Who.choices, required=False)
    consent = serializers.BooleanField(required=False)
    people = serializers.ListField(child=serializers.CharField(max_length=120), required=False)
    not_people = serializers.ListField(child=serializers.CharField(max_length=120), required=False)
    sessions = serializers.ListField(child=serializers.CharField(max_length=120), required=False)
    not_sessions = serializers.ListField(child=serializers.CharField(max_length=120), required=False)
    taken_from = serializers.DateField(required=False)
    taken_to = serializers.DateField(required=False)
    min_face = serializers.FloatField(required=False, min_value=0)
    min_sharpness = serializers.FloatField(required=False, min_value=0)
    min_brightness = serializers.FloatField(required=False, min_value=0)
    max_brightness = serializers.FloatField(required=False, min_value=0)

    def to_internal_value(self, data):
        strangers = sorted(set(data) - set(self.fields)) if isinstance(data, dict) else []
        if strangers:
            raise serializers.ValidationError({name: ["There is no such filter."] for name in strangers})
        return super().to_internal_value(data)


class FreezeSerializer(serializers.Serializer):
    note = serializers.CharField(required=False, allow_blank=True, max_length=500)
    tag = serializers.CharField(required=False, allow_blank=True, max_length=60)
    train = serializers.FloatField(required=False)
    val = serializers.FloatField(required=False)
    test = serializers.FloatField(required=False)
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    kind = serializers.ChoiceField(choices=KIND_CHOICES, required=False)
    folds = serializers.IntegerField(required=False, min_value=2, max_value=MOST_FOLDS)
    fold = serializers.IntegerField(required=False, min_value=1, max_value=MOST_FOLDS)
    gallery = serializers.IntegerField(required=False, min_value=1, max_value=MOST_GALLERY)
    by_session = serializers.BooleanField(required=False)
    by_likeness = serializers.BooleanField(required=False)
    sticky = serializers.BooleanField(required=False)
    filters = FilterSerializer(required=False)

    def policy(self) -> SplitPolicy:
        try:
            return SplitPolicy.from_dict(self.validated_data)
        except BadPolicy as error:
            raise Refused(str(error), fields={"train": [str(error)]}) from None


class NewestFirst(CursorPagination):
    ordering = "-id"
    page_size = 50


class VersionList(generics.ListAPIView):
    serializer_class = VersionInList
    pagination_class = NewestFirst

    def get_queryset(self):
        return (
            Version.objects.filter(project=project_for(self.request.user, self.kwargs["slug"]))
            .with_summary()
            .with_tags()
        )

    @extend_schema(request=FreezeSerializer, responses={201: VersionSerializer})
    def post(self, request, slug: str):
        """Freeze the labels as they stand. The answer comes at once; `state` turns to ready when it is done."""
        project = project_for(request.user, slug, Role.ENGINEER)
        shape = FreezeSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        version = start_freeze(
            project,
            by=request.user,
            note=data.get("note", ""),
            tag=data.get("tag", ""),
            policy=shape.policy(),
            filters=read_filters(project, data.get("filters", {}), today=timezone.localdate()),
        )
        return Response(VersionSerializer(version).data, status=status.HTTP_201_CREATED)


class VersionDetail(APIView):
    @extend_schema(responses=VersionSerializer)
    def get(self, request, slug: str, number: int):
        return Response(VersionSerializer(_version(request.user, slug, number)).data)


class AskedChanges(serializers.Serializer):
    """`against`: the older version, the one before by default. `identity`: a name or a class id."""

    against = serializers.IntegerField(required=False, min_value=1, max_value=MOST_NUMBER)
    kind = serializers.ChoiceField(choices=list(KINDS), required=False, allow_blank=True, default="")
    identity = serializers.CharField(required=False, allow_blank=True, max_length=120, default="")
    offset = serializers.IntegerField(required=False, min_value=0, max_value=MOST_NUMBER, default=0)


class VersionDiff(APIView):
    """What changed from version `against` to this one."""

    PAGE_SIZE = 100

    @extend_schema(
        parameters=[AskedChanges], responses={(200, "application/json"): OpenApiTypes.OBJECT, 202: OpenApiTypes.OBJECT}
    )
    def get(self, request, slug: str, number: int):
        """Counts of every kind of change, and a part of the list: of one `kind` or all, about one `identity` or all.

        202 with the `job` while it is being worked out: ask again. `state` is “failed” when that did not go well.
        """
        asked = self._asked(request)
        comparison = comparison_of(*self._versions(request.user, slug, number, asked), by=request.user)
        if comparison.state != ComparisonState.DONE:
            return _unfinished(comparison)
        try:
            found = changes_of(
                comparison, kind=asked["kind"], person=asked["identity"], start=asked["offset"], most=self.PAGE_SIZE
            )
        except storage.ObjectMissing:
            return _unfinished(compare_again(comparison, by=request.user))
        fitting = found.counts[asked["kind"]] if asked["kind"] else sum(found.counts.values())
        following = asked["offset"] + self.PAGE_SIZE
        return Response({
            "state": comparison.state, **comparison.summary, "found": found.counts, "offset": asked["offset"],
            "next_offset": following if following < fitting else None,
            "changes": [as_dict(row) for row in found.rows],
        })  # fmt: skip

    @extend_schema(request=None, parameters=[OpenApiParameter("against", int)], responses={202: OpenApiTypes.OBJECT})
    def post(self, request, slug: str, number: int):
        """Compare once more, after it failed."""
        versions = self._versions(request.user, slug, number, self._asked(request))
        return _unfinished(compare_again(comparison_of(*versions, by=request.user), by=request.user))

    def _asked(self, request) -> dict:
        shape = AskedChanges(data=request.query_params)
        shape.is_valid(raise_exception=True)
        return shape.validated_data

    def _versions(self, user, slug: str, number: int, asked: dict) -> tuple[Version, Version]:
        """The older and the newer one, without the figures per person."""
        project = project_for(user, slug)
        versions = Version.objects.filter(project=project).select_related("project").defer("statistics")
        new = get_object_or_404(versions, number=number)
        if "against" in asked:
            return get_object_or_404(versions, number=asked["against"]), new
        if new.parent_id is None:
            raise Refused("Say with which version to compare.", fields={"against": ["No version came before."]})
        return versions.get(pk=new.parent_id), new


def _unfinished(comparison: Comparison) -> Response:
    body = {"state": comparison.state, "message": comparison.message, "job": comparison.job_id}
    is_waiting = comparison.state == ComparisonState.WAITING
    return Response(body, status=status.HTTP_202_ACCEPTED if is_waiting else status.HTTP_200_OK)


class ExportFileSerializer(serializers.Serializer):
    name = serializers.CharField()
    sha256 = serializers.CharField()
    byte_size = serializers.IntegerField()
    url = serializers.CharField()


class ExportSerializer(serializers.ModelSerializer):
    """`download`: the one file with labels and pictures, or a tar of all `files` where there are several.

    `sha256` is that of the one file, or of `manifest.json`, which names the checksums of all.
    """

    version = serializers.IntegerField(source="version.number", read_only=True)
    download = serializers.SerializerMethodField()
    files = serializers.SerializerMethodField()

    class Meta:
        model = Export
        fields = [
            "id", "version", "format", "options", "state", "message", "sha256", "byte_size", "counts",
            "job", "created_at", "download", "files",
        ]  # fmt: skip

    def get_download(self, export) -> str | None:
        return reverse("api-export-download", args=[export.pk]) if export.state == ExportState.DONE else None

    @extend_schema_field(ExportFileSerializer(many=True))
    def get_files(self, export) -> list[dict]:
        """Empty until it is done."""
        if export.state != ExportState.DONE:
            return []
        return [
            {
                **{name: file[name] for name in ("name", "sha256", "byte_size")},
                "url": reverse("api-export-file", args=[export.pk, place]),
            }
            for place, file in enumerate(export.all_files)
        ]


class NewOptionsSerializer(serializers.Serializer):
    """What is left out is as the format has it by default; what it cannot do is refused in words."""

    contents = serializers.ChoiceField(choices=CONTENTS, required=False)
    splits = serializers.ListField(child=serializers.ChoiceField(choices=SPLITS), required=False)
    people = serializers.ChoiceField(choices=PEOPLE, required=False)
    anonymous = serializers.BooleanField(required=False)
    size = serializers.IntegerField(required=False)
    margin = serializers.FloatField(required=False)
    alignment = serializers.ChoiceField(choices=ALIGNMENTS, required=False)
    part_mb = serializers.IntegerField(required=False)


class DescribedExportSerializer(serializers.Serializer):
    format = serializers.CharField(max_length=20)
    options = NewOptionsSerializer(required=False)


class NewExportSerializer(serializers.Serializer):
    """As described, with options of any kind: `start_export` refuses what makes no sense, in its own words."""

    format = serializers.CharField(max_length=20)
    options = serializers.DictField(required=False)


class ExportList(APIView):
    @extend_schema(request=DescribedExportSerializer, responses={201: ExportSerializer})
    def post(self, request, slug: str, number: int):
        """Hand the version out in a format. Exporting is a right of engineers and owners."""
        version = _version(request.user, slug, number, Role.ENGINEER)
        shape = NewExportSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        export = start_export(version, data["format"], by=request.user, options=data.get("options"))
        return Response(ExportSerializer(export).data, status=status.HTTP_201_CREATED)


class ExportDetail(APIView):
    @extend_schema(responses=ExportSerializer)
    def get(self, request, export_id: int):
        return Response(ExportSerializer(_export(request.user, export_id)).data)


class ExportDownload(APIView):
    @extend_schema(responses={(200, "application/octet-stream"): bytes})
    def get(self, request, export_id: int):
        """All of it: its one file, or a tar of its files."""
        export = _finished_export(request.user, export_id)
        return _handed_out(download_name(export), export.sha256, lambda: stream_all(export))


class ExportFile(APIView):
    @extend_schema(responses={(200, "application/octet-stream"): bytes})
    def get(self, request, export_id: int, place: int):
        """One of its files."""
        files = _finished_export(request.user, export_id).all_files
        if place >= len(files):
            raise Http404
        file = files[place]
        return _handed_out(file["name"], file["sha256"], lambda: storage.stream(file["key"]))


def _handed_out(name: str, sha256: str, stream) -> StreamingHttpResponse:
    try:
        length, pieces = stream()
    except storage.ObjectMissing:
        raise Refused("The file of this export is gone from the object store; export the version again.") from None
    answer = StreamingHttpResponse(pieces, content_type="application/octet-stream")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Content-Length"] = str(length)
    answer["ETag"] = f'"{sha256}"'
    return answer


def _version(user, slug: str, number: int, at_least: Role = Role.ANNOTATOR) -> Version:
    project = project_for(user, slug, at_least)
    return get_object_or_404(Version.objects.select_related("project"), project=project, number=number)


def _finished_export(user, export_id: int) -> Export:
    export = _export(user, export_id)
    if export.state != ExportState.DONE:
        raise Refused(f"This export is {export.get_state_display()}; ask again once it is done.")
    return export


def _export(user, export_id: int) -> Export:
    export = get_object_or_404(Export.objects.visible_to(user).select_related("version__project"), pk=export_id)
    require_role(user, export.version.project, Role.ENGINEER)
    return export
