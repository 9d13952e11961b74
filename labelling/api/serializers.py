"""Shapes on the wire. Serializers check shape; verbs check meaning."""

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from labelling.assign import DECISIONS
from labelling.models import Face, FaceState, Identity, Image, Project, Who
from labelling.submit import FaceWord


class ProjectSerializer(serializers.ModelSerializer):
    class Meta:
        model = Project
        fields = ["id", "slug", "name", "guidelines", "retention_days", "created_at"]
        read_only_fields = ["id", "slug", "created_at"]


class IdentityBrief(serializers.ModelSerializer):
    class Meta:
        model = Identity
        fields = ["id", "name"]


class SuggestionSerializer(serializers.Serializer):
    rank = serializers.IntegerField()
    identity = IdentityBrief()
    probability = serializers.FloatField()
    similarity = serializers.FloatField(allow_null=True)
    nearest_face = serializers.IntegerField(source="nearest_face_id", allow_null=True)
    nearest_crop = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()

    def get_nearest_crop(self, suggestion) -> str | None:
        return crop_url(suggestion.nearest_face) if suggestion.nearest_face else None

    def get_reason(self, suggestion) -> str:
        if suggestion.nearest_face_id is None:
            return "The source of the photo says so." if suggestion.model_name == "source" else "Likely by its looks."
        return f"Nearest confirmed face: similarity {suggestion.similarity:.2f}."


class BoxField(serializers.ListField):
    """[x, y, width, height] in upright pixels; {"x", "y", "w", "h"} is understood too."""

    child = serializers.FloatField()

    def __init__(self, **kwargs):
        super().__init__(min_length=4, max_length=4, **kwargs)

    def to_internal_value(self, data):
        if isinstance(data, dict):
            data = [data.get(side) for side in ("x", "y", "w", "h")]
        return super().to_internal_value(data)

    def to_representation(self, data):
        return list(data)


class FaceSerializer(serializers.ModelSerializer):
    box = BoxField(read_only=True)
    landmarks = serializers.SerializerMethodField()
    identity = IdentityBrief(read_only=True, allow_null=True)
    crop = serializers.SerializerMethodField()
    suggestions = SuggestionSerializer(many=True, read_only=True)

    class Meta:
        model = Face
        fields = [
            "id", "uid", "box", "landmarks", "score", "origin", "state", "who", "identity",
            "version", "crop", "suggestions",
        ]  # fmt: skip

    def get_landmarks(self, face) -> list[list[float]] | None:
        return face.points

    def get_crop(self, face) -> str:
        return crop_url(face)


class ImageSerializer(serializers.ModelSerializer):
    claimed_identity = IdentityBrief(read_only=True, allow_null=True)
    urls = serializers.SerializerMethodField()

    class Meta:
        model = Image
        fields = [
            "id", "name", "sha256", "width", "height", "state", "version", "session", "taken_at",
            "claimed_identity", "note", "created_at", "urls",
        ]  # fmt: skip

    def get_urls(self, image) -> dict[str, str]:
        return picture_urls(image)


class ImageWithFacesSerializer(ImageSerializer):
    faces = serializers.SerializerMethodField()

    class Meta(ImageSerializer.Meta):
        fields = [*ImageSerializer.Meta.fields, "faces"]

    def get_faces(self, image) -> list[dict]:
        return faces_of(image)


def faces_of(image: Image) -> list[dict]:
    """The photo's faces with their suggestions, in two queries whatever their number."""
    faces = list(
        Face.objects.filter(image=image)
        .select_related("identity")
        .prefetch_related("suggestions__identity", "suggestions__nearest_face")
    )
    for face in faces:
        face.image = image
    return FaceSerializer(faces, many=True).data


def picture_urls(image: Image) -> dict[str, str]:
    return {size: reverse("picture", args=[image.pk, size, image.sha256[:16]]) for size in ("small", "large")}


def face_card(face: Face) -> dict:
    """A face as grids show it."""
    box = list(face.box)
    return {"id": face.pk, "version": face.version, "image": face.image_id, "crop": crop_url(face), "box": box}


def crop_url(face: Face) -> str:
    return reverse("crop", args=[face.pk, face.box_key])


@extend_schema_field(
    {
        "oneOf": [
            {"type": "integer"},
            {"type": "string"},
            {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}},
        ]
    }
)
class NamedField(serializers.Field):
    """Whom a face shows: an id, a name, {"id"} or {"name"}, or null for nobody."""

    def to_internal_value(self, data):
        if isinstance(data, dict):
            data = self._id(data["id"]) if data.get("id") is not None else data.get("name")
        if isinstance(data, bool) or not isinstance(data, int | str):
            raise serializers.ValidationError("Give a person's id or name, or null.")
        if isinstance(data, str) and not data.strip():
            raise serializers.ValidationError("A person needs a name.")
        return data

    def _id(self, given) -> int:
        # Never taken for a name: “12” from a page's attribute means person 12.
        if isinstance(given, str) and given.isdecimal():
            return int(given)
        if isinstance(given, bool) or not isinstance(given, int):
            raise serializers.ValidationError("A person's id is a whole number.")
        return given

    def to_representation(self, value):
        return value


class FaceWordSerializer(serializers.Serializer):
    id = serializers.IntegerField(required=False, allow_null=True)
    uid = serializers.UUIDField(required=False, allow_null=True)
    box = BoxField(required=False)
    state = serializers.ChoiceField(FaceState.choices, required=False)
    who = serializers.ChoiceField(Who.choices, required=False, allow_null=True)
    identity = NamedField(required=False, allow_null=True)

    def word(self, data: dict) -> FaceWord:
        return FaceWord(
            id=data.get("id"),
            uid=data.get("uid"),
            box=tuple(data["box"]) if data.get("box") else None,
            state=FaceState(data["state"]) if data.get("state") else None,
            who=Who(data["who"]) if data.get("who") else None,
            identity=data.get("identity"),
            # Nobody, said beside “unknown” or “ignored”, adds nothing to them.
            has_identity="identity" in data and not (data["identity"] is None and data.get("who")),
        )


MAX_FACES = 2_000  # of one photo; the densest crowds of public data sets hold half of that


class SubmitSerializer(serializers.Serializer):
    lease = serializers.UUIDField(required=False, allow_null=True)
    version = serializers.IntegerField()
    event_id = serializers.UUIDField()
    faces = FaceWordSerializer(many=True, max_length=MAX_FACES)

    def words(self) -> list[FaceWord]:
        reader = FaceWordSerializer()
        return [reader.word(face) for face in self.validated_data["faces"]]


class FaceEditSerializer(FaceWordSerializer):
    version = serializers.IntegerField()
    event_id = serializers.UUIDField()


MOST_AT_ONCE = 10_000
SOURCES = ("sort", "label")


class SeenField(serializers.DictField):
    """{face id: version}: the faces as the person saw them."""

    child = serializers.IntegerField()

    def to_internal_value(self, data):
        seen = super().to_internal_value(data)
        if not all(key.isdecimal() for key in seen):
            raise serializers.ValidationError("Give versions by face id.")
        return {int(key): version for key, version in seen.items()}


class AssignSerializer(serializers.Serializer):
    faces = serializers.ListField(child=serializers.IntegerField(), allow_empty=False, max_length=MOST_AT_ONCE)
    identity = NamedField()
    event_id = serializers.UUIDField()
    strangers = serializers.ListField(
        child=serializers.IntegerField(), required=False, max_length=MOST_AT_ONCE,
        help_text="Faces that are not this person: remembered, never proposed as them again.",
    )  # fmt: skip
    seen = SeenField(required=False)
    allow_twice = serializers.BooleanField(
        required=False, help_text="A photo may show the person twice: a mirror, a collage."
    )
    source = serializers.ChoiceField(SOURCES, required=False)


class DecideSerializer(serializers.Serializer):
    faces = serializers.ListField(child=serializers.IntegerField(), allow_empty=False, max_length=MOST_AT_ONCE)
    # “as” is a word of Python's; the field is declared below.
    event_id = serializers.UUIDField()
    seen = SeenField(required=False)
    source = serializers.ChoiceField(SOURCES, required=False)

    def get_fields(self):
        return super().get_fields() | {"as": serializers.ChoiceField(list(DECISIONS))}


class PairSerializer(serializers.Serializer):
    a = serializers.IntegerField()
    b = serializers.IntegerField()
    same = serializers.BooleanField()
    event_id = serializers.UUIDField()


class IdentitySerializer(serializers.ModelSerializer):
    faces = serializers.IntegerField(source="face_count", read_only=True, default=0)
    crop = serializers.SerializerMethodField()

    class Meta:
        model = Identity
        fields = ["id", "name", "class_id", "aliases", "target_count", "faces", "crop"]
        read_only_fields = ["id", "class_id"]

    def get_crop(self, identity) -> str | None:
        face = getattr(identity, "portrait", None)
        return crop_url(face) if face else None
