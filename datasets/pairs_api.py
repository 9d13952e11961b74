"""Lists of verification pairs over the API."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.views import APIView

from datasets.models import PairList, PairListState, Version
from datasets.pair_lists import LFW_FOLDS, LFW_PAIRS, MOST_PAIR_FOLDS, MOST_PAIRS, start_pairs, warning
from datasets.splits import SPLITS
from labelling import storage
from labelling.access import project_for, require_role
from labelling.errors import Refused
from labelling.models import Role


class PairListSerializer(serializers.ModelSerializer):
    """`download`: the pairs.txt, once it is made. `warning`: what its number of impostor pairs can show."""

    version = serializers.IntegerField(source="version.number", read_only=True)
    download = serializers.SerializerMethodField()
    warning = serializers.SerializerMethodField()

    class Meta:
        model = PairList
        fields = [
            "id", "version", "name", "options", "state", "message", "counts", "warning", "sha256", "byte_size", "job",
            "created_at", "download",
        ]  # fmt: skip

    def get_download(self, made) -> str | None:
        return reverse("api-pair-list-download", args=[made.pk]) if made.state == PairListState.DONE else None

    def get_warning(self, made) -> str:
        return warning(made.counts) if made.counts else ""


class NewPairsSerializer(serializers.Serializer):
    """`pairs`: genuine ones in a fold, and as many impostors; at most."""

    name = serializers.CharField(max_length=PairList.NAME_LENGTH)
    folds = serializers.IntegerField(required=False, min_value=1, max_value=MOST_PAIR_FOLDS, default=LFW_FOLDS)
    pairs = serializers.IntegerField(required=False, min_value=1, max_value=MOST_PAIRS, default=LFW_PAIRS)
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1, default=1)
    splits = serializers.MultipleChoiceField(choices=SPLITS, required=False, default=["test"])


class NewestFirst(CursorPagination):
    ordering = "-id"
    page_size = 50


class PairLists(generics.ListAPIView):
    serializer_class = PairListSerializer
    pagination_class = NewestFirst

    def get_queryset(self):
        version = _version(self.request.user, self.kwargs["slug"], self.kwargs["number"])
        return PairList.objects.filter(version=version).select_related("version").defer("version__statistics")

    @extend_schema(request=NewPairsSerializer, responses={201: PairListSerializer})
    def post(self, request, slug: str, number: int):
        """Make pairs of the version's test faces, or of other splits (engineers and owners)."""
        version = _version(request.user, slug, number, Role.ENGINEER)
        shape = NewPairsSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        made = start_pairs(version, data.pop("name"), by=request.user, **(data | {"splits": tuple(data["splits"])}))
        return Response(PairListSerializer(made).data, status=status.HTTP_201_CREATED)


class PairsDetail(APIView):
    @extend_schema(responses=PairListSerializer)
    def get(self, request, pair_list_id: int):
        return Response(PairListSerializer(_pairs(request.user, pair_list_id)).data)


class PairsDownload(APIView):
    @extend_schema(responses={(200, "text/plain"): str})
    def get(self, request, pair_list_id: int):
        """The pairs as LFW's pairs.txt. They name people: handing them out is a right of engineers and owners."""
        made = _pairs(request.user, pair_list_id)
        require_role(request.user, made.version.project, Role.ENGINEER)
        if made.state != PairListState.DONE:
            raise Refused(f"These pairs are {made.get_state_display()}; ask again once they are done.")
        try:
            data = storage.get(made.key)
        except storage.ObjectMissing:
            raise Refused("The file of these pairs is gone from the object store; make them again.") from None
        answer = HttpResponse(data, content_type="text/plain; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="pairs.txt"'
        answer["ETag"] = f'"{made.sha256}"'
        return answer


def _version(user, slug: str, number: int, at_least: Role = Role.ANNOTATOR) -> Version:
    project = project_for(user, slug, at_least)
    return get_object_or_404(Version.objects.select_related("project"), project=project, number=number)


def _pairs(user, pair_list_id: int) -> PairList:
    mine = PairList.objects.visible_to(user).select_related("version__project").defer("version__statistics")
    return get_object_or_404(mine, pk=pair_list_id)
