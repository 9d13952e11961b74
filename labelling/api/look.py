"""A box that was drawn just now gets looked at in a worker, before the photo is sent."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs.enqueue import enqueue
from jobs.models import Queue
from labelling.api.serializers import MAX_FACES, BoxField
from labelling.boxes import BadBox, clip_box
from labelling.errors import Refused
from labelling.models import Image


class LookSerializer(serializers.Serializer):
    uid = serializers.UUIDField()
    box = BoxField()
    present = serializers.ListField(
        child=serializers.IntegerField(), required=False, max_length=MAX_FACES,
        help_text="People named in the photo but not sent yet: nobody is in it twice.",
    )  # fmt: skip


class ImageLook(APIView):
    @extend_schema(request=LookSerializer, responses={202: dict})
    def post(self, request, image_id: int):
        """Look for landmarks and names in one box. The job's result holds `landmarks`, `suggestions`, `quality`."""
        image = get_object_or_404(Image.objects.visible_to(request.user), pk=image_id)
        shape = LookSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        asked = shape.validated_data
        try:
            box = clip_box(asked["box"], image.width, image.height)
        except BadBox as error:
            raise Refused(str(error), fields={"box": [str(error)]}) from None
        job = enqueue(
            "look",
            title="Look at a box drawn by hand",
            project_id=image.project_id,
            params={"image": image.pk, "uid": str(asked["uid"]), "box": box, "present": asked.get("present", [])},
            queue=Queue.INTERACTIVE,
            by=request.user,
        )
        return Response({"job": job.pk}, status=status.HTTP_202_ACCEPTED)
