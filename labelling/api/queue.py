from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from labelling.access import project_for, require_role
from labelling.api.second_looks import image_for
from labelling.errors import Refused
from labelling.models import Image, Lease, LeasePurpose, Project, Role
from labelling.queue import free, next_image, open_image, release, renew, waiting_count
from labelling.remarks import open_remarks_of
from labelling.skips import MAX_REASON, skip_image


class NextSerializer(serializers.Serializer):
    after = serializers.IntegerField(required=False, allow_null=True)


class ImageInQueueSerializer(serializers.Serializer):
    image = serializers.IntegerField()


class OpenSerializer(ImageInQueueSerializer):
    take_over = serializers.BooleanField(default=False, help_text="From whoever holds it (reviewers and up).")


class SkipSerializer(ImageInQueueSerializer):
    reason = serializers.CharField(max_length=MAX_REASON, allow_blank=True, default="")
    event_id = serializers.UUIDField()
    lease = serializers.UUIDField(required=False, allow_null=True)


class QueueNext(APIView):
    @extend_schema(request=NextSerializer, responses={200: dict, 204: None})
    def post(self, request, slug: str):
        """Lease the next photo that waits for a person; 204 when none is free."""
        project = project_for(request.user, slug)
        shape = NextSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        lease = next_image(project, request.user, after=shape.validated_data.get("after"))
        if lease is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(_leased(lease))


class QueueOpen(APIView):
    @extend_schema(request=OpenSerializer, responses={200: dict})
    def post(self, request, slug: str):
        """Lease one chosen photo; 409 when someone else works on it, unless a reviewer takes it over."""
        project = project_for(request.user, slug)
        image, asked = _image_asked(project, OpenSerializer(data=request.data))
        if asked["take_over"]:
            require_role(request.user, project, Role.REVIEWER)
        return Response(_leased(open_image(image, request.user, take_over=asked["take_over"])))


class QueueSkip(APIView):
    @extend_schema(request=SkipSerializer, responses={200: dict})
    def post(self, request, slug: str):
        """Leave a photo aside and say why: it goes to others first, and comes back last."""
        project = project_for(request.user, slug)
        image, asked = _image_asked(project, SkipSerializer(data=request.data))
        event = skip_image(image, by=request.user, reason=asked["reason"], event_id=asked["event_id"])
        return Response({"event": event.pk})


class QueueFree(APIView):
    @extend_schema(request=ImageInQueueSerializer, responses={204: None})
    def post(self, request, slug: str):
        """Take a photo from whoever holds it, so that the queue gives it out again (reviewers and up)."""
        project = project_for(request.user, slug, Role.REVIEWER)
        image, _ = _image_asked(project, ImageInQueueSerializer(data=request.data))
        free(image)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _image_asked(project: Project, shape: serializers.Serializer) -> tuple[Image, dict]:
    shape.is_valid(raise_exception=True)
    image = Image.objects.in_project(project).select_related("project").filter(pk=shape.validated_data["image"]).first()
    if image is None:
        raise Refused("That photo is not in this project.", fields={"image": ["Not found."]})
    return image, shape.validated_data


class LeaseRenew(APIView):
    @extend_schema(request=None, responses={200: dict})
    def post(self, request, token):
        _not_of_another(request.user, token)
        lease = renew(token, request.user)
        if lease is None:
            raise Refused("This photo was handed to someone else, or was submitted.", fields={"lease": ["Gone."]})
        return Response({"until": lease.until})


class LeaseRelease(APIView):
    @extend_schema(request=None, responses={204: None})
    def post(self, request, token):
        _not_of_another(request.user, token)
        release(token, request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _not_of_another(user, token) -> None:
    """A lease that has gone is no error to its holder; one that somebody else holds is none of yours."""
    if Lease.objects.filter(token=token).exclude(user=user).exists():
        raise Http404


def _leased(lease: Lease) -> dict:
    shown = image_for(lease.user, lease.image)
    faces = shown.pop("faces")
    return {
        "lease": lease.token,
        "until": lease.until,
        "purpose": LeasePurpose.LABEL,  # whatever it is: who labels must not know which photos are known
        "image": shown,
        "faces": faces,
        "waiting": waiting_count(lease.image.project),
        "remarks": open_remarks_of(lease.image) if lease.has_remarks else [],
    }
