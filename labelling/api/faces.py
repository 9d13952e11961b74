from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from labelling.access import project_for, require_role
from labelling.api.second_looks import image_for
from labelling.api.serializers import (
    AssignSerializer,
    DecideSerializer,
    FaceEditSerializer,
    FaceSerializer,
    face_word,
)
from labelling.assign import assign_faces, decide_faces, edit_face
from labelling.errors import Stale
from labelling.models import Event, Face, Image, Project
from labelling.undo import least_role_to_undo, undo_event


class FaceDetail(APIView):
    @extend_schema(responses=FaceSerializer)
    def get(self, request, face_id: int):
        return Response(FaceSerializer(_face(request.user, face_id)).data)

    @extend_schema(request=FaceEditSerializer, responses=FaceSerializer)
    def patch(self, request, face_id: int):
        face = _face(request.user, face_id)
        shape = FaceEditSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = {**shape.validated_data, "id": face.pk}
        try:
            edit_face(face, face_word(data), by=request.user, version=data["version"], event_id=data["event_id"])
        except Stale as error:
            error.extra["current"] = FaceSerializer(_face(request.user, face_id)).data
            raise
        return Response(FaceSerializer(_face(request.user, face_id)).data)


class FacesAssign(APIView):
    @extend_schema(request=AssignSerializer, responses={200: dict})
    def post(self, request, slug: str):
        """Give many faces one name, all or none. 409 with the faces as they are when some are not as `seen`."""
        project = project_for(request.user, slug)
        shape = AssignSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = dict(shape.validated_data)
        event = assign_faces(project, data.pop("faces"), data.pop("identity"), by=request.user, **data)
        return Response({"assigned": len(event.after["faces"]), "identity": event.after["identity"], "event": event.pk})


class FacesDecide(APIView):
    @extend_schema(request=DecideSerializer, responses={200: dict})
    def post(self, request, slug: str):
        """Say the same of many faces: unknown, ignored, rejected (not a face), or unassigned again."""
        project = project_for(request.user, slug)
        shape = DecideSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = dict(shape.validated_data)
        event = decide_faces(project, data.pop("faces"), data.pop("as"), by=request.user, **data)
        return Response({"decided": len(event.after["faces"]), "event": event.pk})


class EventUndo(APIView):
    @extend_schema(request=None, responses={200: dict})
    def post(self, request, event_id):
        """Take a change back: one's own, or anyone's from reviewer on. 409 when something built on it since."""
        projects = Project.objects.visible_to(request.user).values("pk")
        event = get_object_or_404(Event.objects.select_related("project"), pk=event_id, project__in=projects)
        require_role(request.user, event.project, least_role_to_undo(event, request.user))
        undo_event(event, by=request.user)
        answer = {"undone": event.pk, "faces": _versions(event)}
        if event.image_id:
            image = Image.objects.select_related("claimed_identity", "project").get(pk=event.image_id)
            answer["image"] = image_for(request.user, image)
        return Response(answer)


def _versions(event: Event) -> list[dict]:
    """The faces of a change as its undoing left them: whoever shows them goes on from there."""
    faces = [row["id"] for row in event.after.get("faces", [])]
    return list(Face.objects.filter(pk__in=faces).values("id", "version"))


def _face(user, face_id: int) -> Face:
    faces = Face.objects.visible_to(user).select_related("identity", "image", "project")
    return get_object_or_404(faces.prefetch_related("suggestions__identity", "suggestions__nearest_face"), pk=face_id)
