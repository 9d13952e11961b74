from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.response import Response

from labelling.access import project_for
from labelling.api.paging import ByName, ByPlace
from labelling.api.serializers import IdentitySerializer
from labelling.find_people import first_called, people_called
from labelling.identities import attach_portraits, create_identity
from labelling.models import Identity


class NewIdentitySerializer(serializers.Serializer):
    name = serializers.CharField(max_length=500)


class IdentityList(generics.ListAPIView):
    """People of a project by name; `q` finds those whose name or alias holds it, names that begin so first."""

    serializer_class = IdentitySerializer

    @property
    def pagination_class(self):
        return ByPlace if self._sought() else ByName

    def _sought(self) -> str:
        return self.request.query_params.get("q", "").replace("\0", "").strip()

    def get_queryset(self):
        project = project_for(self.request.user, self.kwargs["slug"])
        sought = self._sought()
        if not sought:
            return Identity.objects.in_project(project).with_face_counts()
        if "cursor" in self.request.query_params:
            return people_called(project, sought).with_face_counts()
        return first_called(project, sought, self.paginator.get_page_size(self.request) + 1).with_face_counts()

    @extend_schema(parameters=[OpenApiParameter("q", str)])
    def get(self, request, *args, **kwargs):
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(IdentitySerializer(attach_portraits(page), many=True).data)

    @extend_schema(request=NewIdentitySerializer, responses={201: IdentitySerializer})
    def post(self, request, slug: str):
        project = project_for(request.user, slug)
        shape = NewIdentitySerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        identity = create_identity(project, shape.validated_data["name"])
        return Response(IdentitySerializer(identity).data, status=status.HTTP_201_CREATED)
