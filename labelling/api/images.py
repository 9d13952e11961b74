from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from labelling.access import photo_for, project_for
from labelling.api.paging import ByAge
from labelling.api.second_looks import image_for, opinion_kept
from labelling.api.serializers import ImageDetailSerializer, ImageSerializer, ImageWithFacesSerializer, SubmitSerializer
from labelling.api.shapes import decided_faces, image_shape
from labelling.api.submitted import read_submitted
from labelling.errors import Refused, Stale
from labelling.face_rows import faces_in
from labelling.hear import hear
from labelling.identities import get_or_create_identity
from labelling.ingest import Arrival, Outcome, already_here, in_batches, ingest_photos, read_bounded
from labelling.intake import keep_outcomes
from labelling.models import Image, Verb
from labelling.originals import elsewhere, shown
from labelling.photo_filters import filter_images

MOST_HASHES = 1_000


class ImageList(generics.ListAPIView):
    """Photos of a project; `state`, `identity` (id or name), `session`, `q` (file name) and `near` narrow the list.

    `near` is a photo's id, for those that are nearly the same, or `any`.
    """

    serializer_class = ImageSerializer
    pagination_class = ByAge

    def get_queryset(self):
        project = project_for(self.request.user, self.kwargs["slug"])
        images = Image.objects.in_project(project).select_related("claimed_identity")
        return filter_images(images, self.request.query_params)

    @extend_schema(parameters=[OpenApiParameter(name, str) for name in ("state", "identity", "session", "q", "near")])
    def get(self, request, *args, **kwargs):
        return super().get(request, *args, **kwargs)

    @extend_schema(
        request={
            "multipart/form-data": {
                "type": "object",
                "properties": {
                    "file": {"type": "array", "items": {"type": "string", "format": "binary"}},
                    "session": {"type": "string"},
                    "identity": {"type": "string"},
                    "intake": {"type": "string", "format": "uuid"},
                    "path": {"type": "array", "items": {"type": "string"}},
                },
            }
        },
        responses={201: {"type": "object", "properties": {"results": {"type": "array"}}}},
    )
    def post(self, request, slug: str):
        """Take in photos (multipart, `file` repeated). Each file has its own outcome; a bad one stops no other.

        With an `intake`, a UUID of the client's, outcomes are kept under it, by `path` where each file has one.
        """
        project = project_for(request.user, slug)
        files = request.FILES.getlist("file")
        if not files:
            raise Refused("Send at least one photo in the field “file”.", fields={"file": ["Missing."]})
        named = str(request.data.get("identity", "")).strip()
        identity = get_or_create_identity(project, named) if named else None
        session = str(request.data.get("session", ""))
        outcomes = []
        for batch in in_batches(files, lambda file: file.size or 0):
            arrivals = [Arrival(file.name or "", read_bounded(file), identity) for file in batch]
            outcomes += ingest_photos(project, arrivals, session=session, by=request.user)
        kept = IntakeAskedSerializer(data={"intake": request.data.get("intake"), "path": request.data.getlist("path")})
        kept.is_valid(raise_exception=True)
        sizes = [file.size or 0 for file in files]
        kept.keep(project, outcomes, sizes, by=request.user, session=session, identity=identity)
        return Response({"results": [outcome.as_dict() for outcome in outcomes]}, status=status.HTTP_201_CREATED)


class IntakeAskedSerializer(serializers.Serializer):
    """Under which intake outcomes are kept, if under any."""

    intake = serializers.UUIDField(required=False, allow_null=True)
    path = serializers.ListField(child=serializers.CharField(max_length=4096, allow_blank=True), required=False)

    def keep(self, project, outcomes: list[Outcome], sizes: list[int], **said) -> None:
        uid, paths = self.validated_data.get("intake"), self.validated_data.get("path")
        if uid is None:
            return
        if not paths or len(paths) != len(outcomes):
            paths = [outcome.name for outcome in outcomes]
        keep_outcomes(project, uid, zip(paths, outcomes, sizes, strict=True), **said)


class KnownSerializer(IntakeAskedSerializer):
    sha256 = serializers.ListField(child=serializers.RegexField(r"^[0-9a-f]{64}$"), max_length=MOST_HASHES)

    def keep_known(self, project, rows: list[dict], **said) -> None:
        uid, paths, hashes = (self.validated_data.get(name) for name in ("intake", "path", "sha256"))
        if uid is None or not paths or len(paths) != len(hashes):
            return
        known = {row["sha256"]: row for row in rows}
        told = [
            (path, already_here(path, known[sha]["id"], known[sha]["name"]), known[sha]["byte_size"])
            for path, sha in zip(paths, hashes, strict=True)
            if sha in known
        ]
        keep_outcomes(project, uid, told, **said)


class ImagesKnown(APIView):
    @extend_schema(
        request=KnownSerializer, responses={200: {"type": "object", "properties": {"results": {"type": "array"}}}}
    )
    def post(self, request, slug: str):
        """Which of these files are here already, by the SHA-256 of their bytes: they need not be sent."""
        project = project_for(request.user, slug)
        shape = KnownSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        asked = shape.validated_data["sha256"]
        known = Image.objects.in_project(project).filter(sha256__in=asked).order_by("pk")
        rows = list(known.values("id", "sha256", "name", "byte_size"))
        shape.keep_known(project, rows, by=request.user)
        return Response({"results": [{name: row[name] for name in ("id", "sha256", "name")} for row in rows]})


class ImageDetail(APIView):
    @extend_schema(responses=ImageDetailSerializer)
    def get(self, request, image_id: int):
        image = photo_for(request.user, image_id)
        place = elsewhere(image.project_id, image.sha256)
        return Response({**image_for(request.user, image), "original_stays": shown(place) if place else None})


class ImageSubmit(APIView):
    @extend_schema(request=SubmitSerializer, responses=ImageWithFacesSerializer)
    def post(self, request, image_id: int):
        """Store what a person says about all of a photo's faces, at once. 409 when the photo changed meanwhile."""
        image = photo_for(request.user, image_id)
        said = read_submitted(request.data)
        try:
            event = hear(
                image, said.words, by=request.user, version=said.version, event_id=said.event_id, lease=said.lease
            )
        except Stale as error:
            error.extra["current"] = image_for(request.user, photo_for(request.user, image_id))
            raise
        if event.verb == Verb.OPINION:
            return Response(opinion_kept(event))
        image.state, image.version = event.image.state, event.image.version
        # What a repeated event stored then may be otherwise by now.
        faces = faces_in(image.pk) if event.faces is None else event.faces
        return Response({"image": image_shape(image), "faces": decided_faces(image, faces), "event": event.pk})
