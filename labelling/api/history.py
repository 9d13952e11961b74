"""The history of one photo and of one person, newest first."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from labelling.history import ORDER, entries, history
from labelling.models import Identity, Image
from labelling.paging import keyset_page

PAGE_SIZE = 50


class EntrySerializer(serializers.Serializer):
    event = serializers.UUIDField()
    verb = serializers.CharField()
    words = serializers.CharField(help_text="A sentence without its subject, which is `actor`.")
    actor = serializers.CharField(allow_null=True)
    at = serializers.DateTimeField()
    undone = serializers.BooleanField()
    may_undo = serializers.BooleanField(help_text="Whether whoever asks may take it back.")


def answer(request, project, events) -> Response:
    page = keyset_page(events, request.query_params.get("cursor", ""), by=ORDER, size=PAGE_SIZE)
    shown = EntrySerializer(entries(page.rows, project, request.user), many=True).data
    following = page.urls(request.query_params)["next_url"]
    return Response({"results": shown, "next": request.build_absolute_uri(following) if following else None})


class ImageHistory(APIView):
    @extend_schema(parameters=[OpenApiParameter("cursor", str)], responses=EntrySerializer(many=True))
    def get(self, request, image_id: int):
        image = get_object_or_404(Image.objects.visible_to(request.user).select_related("project"), pk=image_id)
        return answer(request, image.project, history(image.project, request.user, image=image.pk))


class IdentityHistory(APIView):
    @extend_schema(parameters=[OpenApiParameter("cursor", str)], responses=EntrySerializer(many=True))
    def get(self, request, identity_id: int):
        people = Identity.objects.visible_to(request.user).select_related("project")
        person = get_object_or_404(people, pk=identity_id)
        return answer(request, person.project, history(person.project, request.user, person=person.pk))
