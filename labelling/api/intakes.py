"""Photos that come in as one thing, an archive say, and what became of each of its files."""

from dataclasses import asdict
from uuid import UUID, uuid4

from django.conf import settings
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs.api import JobSerializer
from labelling.access import project_for, require_role
from labelling.api.paging import ByAge
from labelling.bucket_places import place_of
from labelling.bucket_source import IN_PLACE, LONGEST_PATTERN, synchronise
from labelling.errors import Refused
from labelling.identities import get_or_create_identity
from labelling.intake import take_in_put, take_in_staged, ticket
from labelling.models import FileStatus, Intake, IntakeFile, IntakeSource, Project, Role
from labelling.video import BY, sampling_asked

STAGED = (IntakeSource.ARCHIVE, IntakeSource.VIDEO)


class TooLarge(Refused):
    code = "too_large"
    status = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE


class IntakeSerializer(serializers.ModelSerializer):
    created, duplicate, rejected, missing = (serializers.IntegerField(read_only=True) for _ in range(4))
    in_place = serializers.BooleanField(read_only=True, help_text="Originals stay in their bucket.")
    job = JobSerializer(read_only=True)

    class Meta:
        model = Intake
        fields = [
            "id", "uid", "source", "name", "session", "in_place", "created", "duplicate", "rejected", "missing", "note",
            "job", "created_at", "finished_at",
        ]  # fmt: skip


class IntakeFileSerializer(serializers.ModelSerializer):
    class Meta:
        model = IntakeFile
        fields = ["id", "path", "status", "reason", "image", "byte_size", "at"]


class AskedSerializer(serializers.Serializer):
    source = serializers.ChoiceField(choices=IntakeSource.choices, default=IntakeSource.ARCHIVE)
    session = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    identity = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    people_from_folders = serializers.BooleanField(default=False)
    staged = serializers.UUIDField(required=False, help_text="Of a file put into the store by a ticket, not sent here.")
    name = serializers.CharField(max_length=255, required=False, allow_blank=True, default="")
    address = serializers.CharField(max_length=1024, required=False, allow_blank=True, default="")
    pattern = serializers.CharField(max_length=LONGEST_PATTERN, required=False, allow_blank=True, default="")
    in_place = serializers.BooleanField(default=False, help_text=IN_PLACE)

    def validate(self, asked: dict) -> dict:
        if asked["in_place"] and asked["source"] != IntakeSource.BUCKET:
            raise serializers.ValidationError({"in_place": ["Only photos of a bucket can stay where they are."]})
        return asked


class TicketAskedSerializer(serializers.Serializer):
    size = serializers.IntegerField(min_value=0)


class TicketSerializer(serializers.Serializer):
    uid = serializers.UUIDField()
    url = serializers.CharField(allow_null=True)


class NewestFirst(ByAge):
    ordering = "-id"


class IntakeList(generics.ListAPIView):
    """What was taken in by workers, newest first."""

    serializer_class = IntakeSerializer
    pagination_class = NewestFirst

    def get_queryset(self):
        project = project_for(self.request.user, self.kwargs["slug"])
        return Intake.objects.in_project(project).with_counts().select_related("job")

    @extend_schema(
        request={
            "multipart/form-data": {
                "type": "object",
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    **{name: {"type": "string"} for name in ("source", "session", "identity", "people_from_folders")},
                    "by": {"type": "string", "enum": list(BY)},
                    "every_s": {"type": "number"},
                    "most": {"type": "integer"},
                    "address": {"type": "string", "example": "s3://bucket/folder"},
                    "pattern": {"type": "string"},
                    "in_place": {"type": "boolean", "default": False, "description": IN_PLACE},
                },
            }
        },
        responses={201: IntakeSerializer},
    )
    def post(self, request, slug: str):
        """Send an archive of photos or a clip as `file`, for a worker to take in.

        `Idempotency-Key` makes a repeat harmless. Of a clip (`source` video) frames are taken, no more than `most`:
        by time, each `every_s` seconds, or by scene, whenever the picture changes. A `bucket` is looked through at
        `address`, again only for what is new or has changed; `pattern` says which names are meant. With `in_place`
        the originals of new photos stay there instead of being copied.
        """
        project = project_for(request.user, slug)
        must_fit(request)
        shape = AskedSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        asked = shape.validated_data
        take = _from_bucket if asked["source"] == IntakeSource.BUCKET else _sent
        return Response(_shape(take(request, project, asked)), status=status.HTTP_201_CREATED)


class IntakeTicket(APIView):
    @extend_schema(request=TicketAskedSerializer, responses=TicketSerializer)
    def post(self, request, slug: str):
        """Where a browser may put a large file by itself; `url` is null where it cannot reach the object store."""
        project = project_for(request.user, slug)
        shape = TicketAskedSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        size = shape.validated_data["size"]
        _must_be_small_enough(size)
        return Response(TicketSerializer(ticket(project, size)).data)


class IntakeDetail(APIView):
    @extend_schema(responses=IntakeSerializer)
    def get(self, request, intake_id: int):
        return Response(_shape(get_object_or_404(Intake.objects.visible_to(request.user), pk=intake_id)))


class IntakeFiles(generics.ListAPIView):
    """What became of each file; `status` narrows the list."""

    serializer_class = IntakeFileSerializer
    pagination_class = ByAge

    @extend_schema(parameters=[OpenApiParameter("status", str, enum=FileStatus.values)])
    def get(self, request, *args, **kwargs):
        return super().get(request, *args, **kwargs)

    def get_queryset(self):
        intake = get_object_or_404(Intake.objects.visible_to(self.request.user), pk=self.kwargs["intake_id"])
        wanted = self.request.query_params.get("status", "")
        if wanted and wanted not in FileStatus.values:
            raise Refused(f"There is no outcome “{wanted}”. Choose one of: {', '.join(FileStatus.values)}.")
        return intake.files.filter(status=wanted) if wanted else intake.files.all()


def _sent(request, project: Project, asked: dict) -> Intake:
    file = request.FILES.get("file")
    if file is None and "staged" not in asked:
        raise Refused("Send one archive or clip in the field “file”.", fields={"file": ["Missing."]})
    if asked["source"] not in STAGED:
        raise Refused("Only an archive or a clip can be sent.", fields={"source": ["Not a file."]})
    is_clip = asked["source"] == IntakeSource.VIDEO
    options = asdict(sampling_asked(request.data)) if is_clip else {}
    said = _said(request, project, asked) | {"options": options}
    if file is None:
        return take_in_put(project, asked["source"], asked["name"], uid=asked["staged"], **said)
    return take_in_staged(project, asked["source"], file.name or "", file, uid=_key(request), **said)


def _from_bucket(request, project: Project, asked: dict) -> Intake:
    require_role(request.user, project, Role.ENGINEER)
    place = place_of(asked["address"])
    said = _said(request, project, asked)
    return synchronise(project, place, pattern=asked["pattern"], in_place=asked["in_place"], uid=_key(request), **said)


def _said(request, project: Project, asked: dict) -> dict:
    named = asked["identity"].strip()
    return {
        "by": request.user,
        "session": asked["session"],
        "identity": get_or_create_identity(project, named) if named else None,
        "people_from_folders": asked["people_from_folders"],
    }


def _shape(intake: Intake) -> dict:
    return IntakeSerializer(Intake.objects.with_counts().select_related("job").get(pk=intake.pk)).data


def must_fit(request) -> None:
    """Before its body is read: what is too large is not first written to this machine's disk."""
    _must_be_small_enough(int(request.META.get("CONTENT_LENGTH") or 0))


def _must_be_small_enough(size: int) -> None:
    if size > settings.ARCHIVE_MAX_BYTES:
        limit = settings.ARCHIVE_MAX_BYTES // 2**20
        raise TooLarge(f"The file is larger than {limit:,} MB. Send it in several parts, or raise the limit.")


def _key(request) -> UUID:
    sent = request.headers.get("Idempotency-Key")
    try:
        return UUID(sent) if sent else uuid4()
    except ValueError:
        raise Refused("Idempotency-Key must be a UUID, made anew for each archive.") from None
