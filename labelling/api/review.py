"""Second looks over the API. Whoever labels may flag; the rest is for reviewers and up."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from labelling.access import require_role
from labelling.api.serializers import MAX_FACES
from labelling.gold import vouch
from labelling.models import Gold, Image, Remark, Role
from labelling.opinions import judge
from labelling.remarks import flag, resolve
from labelling.reviewing import accept, return_photo


class EventSerializer(serializers.Serializer):
    event_id = serializers.UUIDField()


class FlagSerializer(EventSerializer):
    text = serializers.CharField(max_length=1000)
    face = serializers.IntegerField(required=False, allow_null=True)


class AcceptSerializer(EventSerializer):
    version = serializers.IntegerField()


class ReturnSerializer(AcceptSerializer):
    text = serializers.CharField(max_length=1000)


class PickSerializer(serializers.Serializer):
    opinion = serializers.IntegerField()
    key = serializers.CharField(max_length=40)


class JudgeSerializer(AcceptSerializer):
    picks = PickSerializer(many=True, max_length=MAX_FACES)


def _read(shape: type[serializers.Serializer], request) -> dict:
    given = shape(data=request.data)
    given.is_valid(raise_exception=True)
    return given.validated_data


def _image(user, image_id: int, at_least: Role = Role.REVIEWER) -> Image:
    image = get_object_or_404(Image.objects.visible_to(user).select_related("project"), pk=image_id)
    require_role(user, image.project, at_least)
    return image


class ImageFlag(APIView):
    @extend_schema(request=FlagSerializer, responses={200: dict})
    def post(self, request, image_id: int):
        """Tell reviewers that something is odd about a photo or a face. Its labels stay."""
        image = _image(request.user, image_id, Role.ANNOTATOR)
        said = _read(FlagSerializer, request)
        remark = flag(image, said["text"], by=request.user, event_id=said["event_id"], face_id=said.get("face"))
        return Response({"remark": remark.pk, "event": said["event_id"]})


class RemarkResolve(APIView):
    @extend_schema(request=EventSerializer, responses={200: dict})
    def post(self, request, remark_id: int):
        """The matter is settled."""
        mine = Image.objects.visible_to(request.user).values("pk")
        remark = get_object_or_404(Remark.objects.select_related("project"), pk=remark_id, image__in=mine)
        require_role(request.user, remark.project, Role.REVIEWER)
        event = resolve(remark, by=request.user, event_id=_read(EventSerializer, request)["event_id"])
        return Response({"event": event.pk})


class ImageAccept(APIView):
    @extend_schema(request=AcceptSerializer, responses={200: dict})
    def post(self, request, image_id: int):
        """The labels are right as they stand. 409 when they changed since they were seen."""
        image = _image(request.user, image_id)
        return Response({"event": accept(image, by=request.user, **_read(AcceptSerializer, request)).pk})


class ImageReturn(APIView):
    @extend_schema(request=ReturnSerializer, responses={200: dict})
    def post(self, request, image_id: int):
        """Back to whoever labelled it, with the reason."""
        image = _image(request.user, image_id)
        event = return_photo(image, by=request.user, **_read(ReturnSerializer, request))
        to = Remark.objects.select_related("to").filter(pk=event.after["remark"]).first()
        return Response({"event": event.pk, "to": to.to.get_username() if to and to.to else None})


class ImageJudge(APIView):
    @extend_schema(request=JudgeSerializer, responses={200: dict})
    def post(self, request, image_id: int):
        """Decide between opinions: of each face, whose word counts. What is not picked is no face."""
        image = _image(request.user, image_id)
        said = _read(JudgeSerializer, request)
        picks = [(pick["opinion"], pick["key"]) for pick in said.pop("picks")]
        return Response({"event": judge(image, picks, by=request.user, **said).pk})


class ImageGold(APIView):
    @extend_schema(request=None, responses={200: dict})
    def put(self, request, image_id: int):
        """Vouch for the photo's labels: it is slipped into queues to see how annotators do."""
        gold = vouch(_image(request.user, image_id), by=request.user)
        return Response({"image": gold.image_id, "truth": gold.truth})

    @extend_schema(request=None, responses={204: None})
    def delete(self, request, image_id: int):
        """No longer; answers given so far are kept."""
        Gold.objects.filter(image=_image(request.user, image_id)).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)
