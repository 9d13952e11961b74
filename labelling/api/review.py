"""Second looks over the API. Whoever labels may flag; the rest is for reviewers and up."""

from collections import defaultdict
from dataclasses import asdict

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from labelling.access import project_for, require_role
from labelling.api.serializers import MAX_FACES, ImageSerializer, crop_url
from labelling.disputes import side_by_side, voices_about
from labelling.gold import vouch
from labelling.models import Face, Gold, Image, Remark, Role
from labelling.opinions import judge
from labelling.remarks import flag, resolve
from labelling.review_queue import disputed, how_far, to_review
from labelling.reviewing import accept, return_photo
from labelling.said import in_words

PHOTOS_AT_ONCE = 12
DISPUTES_AT_ONCE = 6


class EventSerializer(serializers.Serializer):
    event_id = serializers.UUIDField()


class FlagSerializer(EventSerializer):
    text = serializers.CharField(max_length=1000)
    face = serializers.IntegerField(required=False, allow_null=True)


class AcceptSerializer(EventSerializer):
    version = serializers.IntegerField()


class ReturnSerializer(AcceptSerializer):
    text = serializers.CharField(max_length=1000)


class ReviewQuery(serializers.Serializer):
    by = serializers.CharField(default="", allow_blank=True, max_length=150)
    order = serializers.ChoiceField(["oldest", "sample"], default="oldest")
    after = serializers.IntegerField(default=None, allow_null=True, min_value=0, max_value=2**63 - 1)
    only = serializers.IntegerField(default=None, allow_null=True, min_value=0, max_value=2**63 - 1)


class PickSerializer(serializers.Serializer):
    opinion = serializers.IntegerField()
    key = serializers.CharField(max_length=40)


class JudgeSerializer(AcceptSerializer):
    picks = PickSerializer(many=True, max_length=MAX_FACES)


def _read(shape: type[serializers.Serializer], request) -> dict:
    given = shape(data=request.data)
    given.is_valid(raise_exception=True)
    return given.validated_data


def _read_query(shape: type[serializers.Serializer], request) -> dict:
    asked = shape(data=request.query_params)
    asked.is_valid(raise_exception=True)
    return asked.validated_data


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


class ReviewList(APIView):
    @extend_schema(
        parameters=[
            OpenApiParameter("by", str, description="Only photos in which this user decided about a face."),
            OpenApiParameter("order", str, enum=["oldest", "sample"]),
            OpenApiParameter("after", int, description="Go on behind this photo."),
            OpenApiParameter("only", int, description="This photo, if it waits."),
        ],
        responses={200: dict},
    )
    def get(self, request, slug: str):
        """Labelled photos that nobody has accepted yet, a handful at a time, and how far the reviewers are."""
        project = project_for(request.user, slug, Role.REVIEWER)
        asked = _read_query(ReviewQuery, request)
        if asked["only"]:
            photos = to_review(project).filter(pk=asked["only"])
        else:
            photos = to_review(project, labeller=asked["by"], sampled=asked["order"] == "sample", after=asked["after"])
        photos = list(photos.select_related("claimed_identity", "gold")[:PHOTOS_AT_ONCE])
        return Response({"results": _with_faces(photos), **asdict(how_far(project))})


class DisputeList(APIView):
    @extend_schema(parameters=[OpenApiParameter(name, int) for name in ("after", "only")], responses={200: dict})
    def get(self, request, slug: str):
        """Photos about which people do not agree, with what each said, place by place."""
        project = project_for(request.user, slug, Role.REVIEWER)
        asked = _read_query(ReviewQuery, request)
        waiting = disputed(project)
        photos = waiting.filter(pk__gt=asked["after"]) if asked["after"] else waiting
        photos = photos.filter(pk=asked["only"]) if asked["only"] else photos
        photos = list(photos.select_related("claimed_identity")[:DISPUTES_AT_ONCE])
        voices = voices_about(photos)
        results = [
            {
                **ImageSerializer(image).data,
                "voices": [{"opinion": voice.opinion, "user": voice.user} for voice in voices[image.pk]],
                "places": side_by_side(voices[image.pk]),
            }
            for image in photos
        ]
        return Response({"results": results, "waiting": waiting.count()})


def _with_faces(photos: list[Image]) -> list[dict]:
    """In one query more, whatever the number of photos."""
    faces: dict[int, list[Face]] = defaultdict(list)
    for face in Face.objects.filter(image__in=photos).select_related("identity", "updated_by").order_by("x", "pk"):
        faces[face.image_id].append(face)
    return [
        {
            **ImageSerializer(image).data,
            "gold": hasattr(image, "gold"),
            "labelled_by": sorted({face.updated_by.get_username() for face in faces[image.pk] if face.updated_by}),
            "faces": [
                {
                    "id": face.pk,
                    "box": list(face.box),
                    "state": face.state,
                    "who": face.who,
                    "words": in_words({"state": face.state, "who": face.who, "name": str(face.identity)}),
                    "crop": crop_url(face),
                }
                for face in faces[image.pk]
            ],
        }
        for image in photos
    ]


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
