"""Erasing a person over the API. For owners."""

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs.api import JobSerializer
from labelling.access import project_for, require_role
from labelling.api.intakes import NewestFirst
from labelling.erase import erase_person, preview
from labelling.models import Erasure, Identity, PhotoFate, Role


class ErasureSerializer(serializers.ModelSerializer):
    job = JobSerializer(read_only=True)
    asked_by = serializers.CharField(source="asked_by.username", default=None, read_only=True)

    class Meta:
        model = Erasure
        fields = [
            "id", "identity", "class_id", "alone", "shared", "state", "report", "asked_by", "asked_at", "finished_at",
            "job",
        ]  # fmt: skip


class EraseSerializer(serializers.Serializer):
    confirm = serializers.CharField(max_length=500, help_text="The person's name.")
    alone = serializers.ChoiceField(
        choices=PhotoFate.choices, default=PhotoFate.DELETE, help_text="Photos that show nobody else."
    )
    shared = serializers.ChoiceField(
        choices=PhotoFate.choices, default=PhotoFate.PAINT, help_text="Photos that show others too."
    )


class IdentityErase(APIView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request, identity_id: int):
        """What would go."""
        return Response(preview(_owned(request.user, identity_id)))

    @extend_schema(request=EraseSerializer, responses={201: ErasureSerializer})
    def post(self, request, identity_id: int):
        """Erase the person for good. The job goes on after every interruption; `state` is “done” once all is gone."""
        identity = _owned(request.user, identity_id)
        shape = EraseSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        erasure = erase_person(identity, by=request.user, **shape.validated_data)
        return Response(ErasureSerializer(erasure).data, status=status.HTTP_201_CREATED)


class ErasureList(generics.ListAPIView):
    """Who was erased, as numbers, newest first."""

    serializer_class = ErasureSerializer
    pagination_class = NewestFirst

    def get_queryset(self):
        project = project_for(self.request.user, self.kwargs["slug"], Role.OWNER)
        return Erasure.objects.filter(project=project).select_related("job", "asked_by")


class ErasureDetail(APIView):
    @extend_schema(responses=ErasureSerializer)
    def get(self, request, erasure_id: int):
        rows = Erasure.objects.visible_to(request.user).select_related("job", "asked_by")
        return Response(ErasureSerializer(get_object_or_404(rows, pk=erasure_id)).data)


def _owned(user, identity_id: int) -> Identity:
    identity = get_object_or_404(Identity.objects.visible_to(user).select_related("project"), pk=identity_id)
    require_role(user, identity.project, Role.OWNER)
    return identity
