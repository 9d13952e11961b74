"""What `facet pull` asks: which version, its tables, its photos one by one. For engineers and owners."""

import base64
import hashlib
import re

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from datasets.manifest import ManifestBroken
from datasets.models import Version
from datasets.pulls import (
    TABLES,
    PhotoErased,
    PhotoGone,
    photo_count,
    photo_names,
    read_photo_to_ship,
    start_pull,
    tables_of,
)
from datasets.tags import version_named
from labelling import storage
from labelling.access import project_for
from labelling.errors import Refused
from labelling.models import Role

RANGE = re.compile(r"bytes=(\d{1,15})-")


class Gone(Refused):
    """What was handed out once and cannot be any more."""

    code = "gone"
    status = status.HTTP_404_NOT_FOUND


class Erased(Refused):
    """What was handed out once and must not be any more."""

    code = "erased"
    status = status.HTTP_410_GONE


class AskedPull(serializers.Serializer):
    version = serializers.CharField(max_length=60, default="latest", help_text="A number or a tag.")
    photos = serializers.BooleanField(default=True)


class GivenTable(serializers.Serializer):
    name = serializers.CharField()
    sha256 = serializers.CharField()
    byte_size = serializers.IntegerField()


class GivenPull(serializers.Serializer):
    """`photos`: how many there are."""

    number = serializers.IntegerField()
    content_hash = serializers.CharField()
    tables = GivenTable(many=True)
    photos = serializers.IntegerField()


class Pulls(APIView):
    @extend_schema(request=AskedPull, responses={201: GivenPull})
    def post(self, request, slug: str):
        """Begin to take a version away; it is written down who did."""
        project = project_for(request.user, slug, Role.ENGINEER)
        shape = AskedPull(data=request.data)
        shape.is_valid(raise_exception=True)
        version = version_named(project, shape.validated_data["version"])
        start_pull(version, by=request.user, photos=shape.validated_data["photos"])
        try:
            tables = tables_of(version)
        except storage.ObjectMissing as error:
            raise Gone(_lost(version)) from error
        body = {
            "number": version.number, "content_hash": version.content_hash, "tables": tables,
            "photos": photo_count(version),
        }  # fmt: skip
        return Response(body, status=status.HTTP_201_CREATED)


class PulledTable(APIView):
    @extend_schema(responses={(200, "application/vnd.apache.parquet"): bytes})
    def get(self, request, slug: str, number: int, name: str):
        """`faces.parquet` or `images.parquet` as frozen; `Range: bytes=START-` goes on where it was cut off."""
        version = _ready(request.user, slug, number)
        if name not in TABLES:
            raise Http404("There is no such table.")
        asked = RANGE.fullmatch(request.headers.get("Range", ""))
        start, key = int(asked[1]) if asked else 0, version.key(TABLES[name])
        try:
            whole = storage.look_at(key).size if start else 0
            if start and start >= whole:
                return HttpResponse(
                    status=status.HTTP_416_REQUESTED_RANGE_NOT_SATISFIABLE,
                    headers={"Content-Range": f"bytes */{whole}"},
                )
            length, pieces = storage.stream(key, start=start)
        except storage.ObjectMissing as error:
            raise Gone(_lost(version)) from error
        answer = StreamingHttpResponse(pieces, content_type="application/vnd.apache.parquet")
        answer["Content-Length"] = str(length)
        answer["Accept-Ranges"] = "bytes"
        if start:
            answer.status_code = status.HTTP_206_PARTIAL_CONTENT
            answer["Content-Range"] = f"bytes {start}-{whole - 1}/{whole}"
        return answer


class PulledPhotos(APIView):
    @extend_schema(responses={(200, "text/plain"): OpenApiTypes.STR})
    def get(self, request, slug: str, number: int):
        """A line for each photo: the sha256 of its original, and the ending of the file that is handed out."""
        version = _ready(request.user, slug, number)
        try:
            lines = "".join(f"{name}\n" for name in photo_names(version))
        except ManifestBroken as error:
            raise Gone(_lost(version)) from error
        return HttpResponse(lines, content_type="text/plain; charset=utf-8")


class PulledPhoto(APIView):
    @extend_schema(responses={(200, "image/*"): bytes})
    def get(self, request, slug: str, sha256: str):
        """The photo: upright, without what its camera wrote. `Repr-Digest` (RFC 9530) is the sha256 of the answer."""
        project = project_for(request.user, slug, Role.ENGINEER)
        try:
            photo = read_photo_to_ship(project, sha256)
        except PhotoErased as error:
            raise Erased(str(error)) from error
        except PhotoGone as error:
            raise Gone(str(error)) from error
        kind = {"jpg": "image/jpeg", "png": "image/png"}[photo.ending]
        digest = base64.b64encode(hashlib.sha256(photo.data).digest()).decode()
        headers = {
            "Repr-Digest": f"sha-256=:{digest}:", "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
        }  # fmt: skip
        return HttpResponse(photo.data, content_type=kind, headers=headers)


def _ready(user, slug: str, number: int) -> Version:
    """Raises Refused until it is."""
    project = project_for(user, slug, Role.ENGINEER)
    version = get_object_or_404(Version.objects.defer("statistics"), project=project, number=number)
    if not version.content_hash:
        raise Refused(f"Version {version.number} is {version.get_state_display()}; pull it once it is ready.")
    return version


def _lost(version: Version) -> str:
    return f"A table of version {version.number} is gone from the object store. Restore it from a backup."
