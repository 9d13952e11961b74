from rest_framework import generics, serializers

from labelling.access import project_for
from labelling.api.paging import ByAge
from labelling.models import DetectorSetup


class DetectorSetupSerializer(serializers.ModelSerializer):
    class Meta:
        model = DetectorSetup
        fields = ["id", "name", "description", "digest", "created_at"]


class DetectorList(generics.ListAPIView):
    """What has proposed faces in the project, with weights and parameters; a face's `detector` is one of the ids."""

    serializer_class = DetectorSetupSerializer
    pagination_class = ByAge

    def get_queryset(self):
        project = project_for(self.request.user, self.kwargs["slug"])
        return DetectorSetup.objects.filter(project=project)
