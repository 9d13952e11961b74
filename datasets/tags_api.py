"""Tags of versions over the API: where they stand, where they stood, and moving them."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response

from datasets.models import Tag, TagMove
from datasets.tags import move_tag, take_off, version_named
from labelling.access import project_for
from labelling.models import Role


class TagSerializer(serializers.ModelSerializer):
    version = serializers.IntegerField(source="version.number", read_only=True)

    class Meta:
        model = Tag
        fields = ["name", "version"]


class TagMoveSerializer(serializers.ModelSerializer):
    """`old` and `new`: numbers of versions, null where the name stood nowhere."""

    old = serializers.IntegerField(source="old.number", read_only=True, default=None)
    new = serializers.IntegerField(source="new.number", read_only=True, default=None)
    by = serializers.CharField(source="by.username", read_only=True, default=None)

    class Meta:
        model = TagMove
        fields = ["name", "old", "new", "reason", "despite", "by", "at"]


class NewTagSerializer(serializers.Serializer):
    """`version`: a number, or a tag that stands on it. With `take_off`, the tag leaves that version."""

    tag = serializers.CharField(max_length=Tag.NAME_LENGTH)
    version = serializers.CharField(max_length=Tag.NAME_LENGTH)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    take_off = serializers.BooleanField(required=False, default=False)
    override = serializers.BooleanField(
        required=False, default=False, help_text="Move “golden” although the leak report is not clean."
    )


class ByName(CursorPagination):
    ordering = "name"
    page_size = 100


class NewestFirst(CursorPagination):
    ordering = "-id"
    page_size = 50


class TagList(generics.ListAPIView):
    serializer_class = TagSerializer
    pagination_class = ByName

    def get_queryset(self):
        project = project_for(self.request.user, self.kwargs["slug"])
        return Tag.objects.filter(project=project).select_related("version").defer("version__statistics")

    @extend_schema(request=NewTagSerializer, responses={200: TagSerializer, 204: None})
    def post(self, request, slug: str):
        """Put a tag on a version, from wherever it stands (engineers and owners). Sent again, it changes nothing."""
        project = project_for(request.user, slug, Role.ENGINEER)
        shape = NewTagSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        version = version_named(project, data["version"])
        if data["take_off"]:
            take_off(version, data["tag"], by=request.user, reason=data["reason"])
            return Response(status=status.HTTP_204_NO_CONTENT)
        move_tag(version, data["tag"], by=request.user, reason=data["reason"], override=data["override"])
        return Response({"name": data["tag"].strip(), "version": version.number})


class TagMoves(generics.ListAPIView):
    """What stood where and when, newest first; of one `tag` or of all."""

    serializer_class = TagMoveSerializer
    pagination_class = NewestFirst

    def get_queryset(self):
        moves = TagMove.objects.filter(project=project_for(self.request.user, self.kwargs["slug"]))
        if self.request.query_params.get("tag"):
            moves = moves.filter(name=self.request.query_params["tag"])
        moves = moves.select_related("old", "new", "by")
        return moves.defer("old__statistics", "new__statistics")

    @extend_schema(parameters=[OpenApiParameter("tag", str)])
    def get(self, request, *args, **kwargs):
        return super().get(request, *args, **kwargs)
