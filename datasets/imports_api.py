"""Imports over the API."""

from uuid import UUID, uuid4

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from datasets.api import NewestFirst
from datasets.import_files import apply_import, check_again, keep_file
from datasets.imports import READERS
from datasets.models import Import
from jobs.api import JobSerializer
from labelling.access import project_for, require_role
from labelling.api.intakes import must_fit
from labelling.errors import Refused
from labelling.models import Role


class ImportInList(serializers.ModelSerializer):
    class Meta:
        model = Import
        fields = [
            "id", "uid", "format", "name", "byte_size", "take_theirs", "partly", "state", "message",
            "created_at", "finished_at",
        ]  # fmt: skip


class ImportSerializer(ImportInList):
    job = JobSerializer(read_only=True)

    class Meta(ImportInList.Meta):
        fields = [*ImportInList.Meta.fields, "report", "job"]


class ChoicesSerializer(serializers.Serializer):
    take_theirs = serializers.BooleanField(default=False, help_text="Believe the file where people here differ.")
    partly = serializers.BooleanField(default=False, help_text="Leave photos out that are not here or do not fit.")


class AskedSerializer(ChoicesSerializer):
    format = serializers.ChoiceField(choices=list(READERS), required=False, allow_blank=True, default="")
    dry_run = serializers.BooleanField(default=True, help_text="Only tell what would happen; apply it later.")


class ImportList(generics.ListAPIView):
    """Files of labels that were sent, newest first. For engineers and owners."""

    serializer_class = ImportInList
    pagination_class = NewestFirst

    def get_queryset(self):
        project = project_for(self.request.user, self.kwargs["slug"], Role.ENGINEER)
        return Import.objects.filter(project=project).defer("report")

    @extend_schema(
        request={
            "multipart/form-data": {
                "type": "object",
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "format": {"type": "string", "enum": list(READERS)},
                    **{name: {"type": "boolean"} for name in ("dry_run", "take_theirs", "partly")},
                },
                "required": ["file"],
            }
        },
        responses={201: ImportSerializer},
    )
    def post(self, request, slug: str):
        """Send a file of labels as `file`. Its job looks through it; `report` then says what importing would do.

        Without a `format` it is found by what is inside. `Idempotency-Key` makes a repeat harmless. With `dry_run` off
        it is imported at once, whole or not at all.
        """
        project = project_for(request.user, slug, Role.ENGINEER)
        must_fit(request)
        shape = AskedSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        asked = shape.validated_data
        file = request.FILES.get("file")
        if file is None:
            raise Refused("Send the file of labels in the field “file”.", fields={"file": ["Missing."]})
        row = keep_file(
            project, file, file.name or "", asked["format"], uid=_key(request), by=request.user,
            take_theirs=asked["take_theirs"], partly=asked["partly"], dry_run=asked["dry_run"],
        )  # fmt: skip
        return Response(ImportSerializer(row).data, status=status.HTTP_201_CREATED)


class ImportDetail(APIView):
    @extend_schema(responses=ImportSerializer)
    def get(self, request, import_id: int):
        return Response(ImportSerializer(_import(request.user, import_id)).data)


class ImportCheck(APIView):
    @extend_schema(request=ChoicesSerializer, responses=ImportSerializer)
    def post(self, request, import_id: int):
        """Look through the file again, with other choices."""
        row = _import(request.user, import_id)
        shape = ChoicesSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        return Response(ImportSerializer(check_again(row, by=request.user, **shape.validated_data)).data)


class ImportApply(APIView):
    @extend_schema(request=None, responses=ImportSerializer)
    def post(self, request, import_id: int):
        """Take in what was checked, whole or not at all. If labels changed since, it is checked again instead."""
        return Response(ImportSerializer(apply_import(_import(request.user, import_id), by=request.user)).data)


def _import(user, import_id: int) -> Import:
    rows = Import.objects.visible_to(user).select_related("project", "job")
    row = get_object_or_404(rows, pk=import_id)
    require_role(user, row.project, Role.ENGINEER)
    return row


def _key(request) -> UUID:
    sent = request.headers.get("Idempotency-Key")
    try:
        return UUID(sent) if sent else uuid4()
    except ValueError:
        raise Refused("Idempotency-Key must be a UUID, made anew for each file.") from None
