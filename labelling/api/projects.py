from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.response import Response
from rest_framework.views import APIView

from labelling.access import project_for, role_of
from labelling.api.paging import ByAge
from labelling.api.serializers import ProjectSerializer
from labelling.models import Project, Role
from labelling.progress import standing
from labelling.projects import create_project


class ProjectList(generics.ListAPIView):
    """The projects you are a member of."""

    serializer_class = ProjectSerializer
    pagination_class = ByAge

    def get_queryset(self):
        return Project.objects.visible_to(self.request.user)

    @extend_schema(request=ProjectSerializer, responses={201: ProjectSerializer})
    def post(self, request):
        shape = ProjectSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        project = create_project(
            shape.validated_data["name"], by=request.user, guidelines=shape.validated_data.get("guidelines", "")
        )
        return Response(ProjectSerializer(project).data, status=status.HTTP_201_CREATED)


class ProjectDetail(APIView):
    @extend_schema(responses=ProjectSerializer)
    def get(self, request, slug: str):
        project = project_for(request.user, slug)
        return Response(
            {
                **ProjectSerializer(project).data,
                "role": Role(role_of(request.user, project)).label,
                "settings": project.settings.as_dict(),
                "stats": asdict(standing(project)),
            }
        )
