"""Shapes on the wire. Serializers check shape; verbs check meaning.

Photos and faces are shaped by hand (`shapes.py`), because an annotator waits for them; their serializers only
describe them.
"""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from labelling.addresses import crop_url
from labelling.api.shapes import face_shape, faces_of, image_shape, suggestion_shape
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
    nearest_face = serializers.IntegerField(allow_null=True)
    nearest_crop = serializers.CharField(allow_null=True)
    reason = serializers.CharField()

    def to_representation(self, suggestion) -> dict:
        return suggestion_shape(suggestion)


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
    landmarks = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()), allow_null=True)
    identity = IdentityBrief(read_only=True, allow_null=True)
    crop = serializers.CharField()
    suggestions = SuggestionSerializer(many=True, read_only=True)

    class Meta:
        model = Face
        fields = [
            "id", "uid", "box", "landmarks", "score", "origin", "detector", "state", "who", "identity",
            "version", "crop", "suggestions",
        ]  # fmt: skip

    def to_representation(self, face) -> dict:
        return face_shape(face, [suggestion_shape(suggestion) for suggestion in face.suggestions.all()])


class UrlsSerializer(serializers.Serializer):
    small = serializers.CharField()
    large = serializers.CharField()


class ImageSerializer(serializers.ModelSerializer):
    claimed_identity = IdentityBrief(read_only=True, allow_null=True)
    urls = UrlsSerializer()

    class Meta:
        model = Image
        fields = [
            "id", "name", "sha256", "width", "height", "state", "version", "session", "taken_at",
            "claimed_identity", "note", "created_at", "urls",
        ]  # fmt: skip

    def to_representation(self, image) -> dict:
        return image_shape(image)


class ImageWithFacesSerializer(ImageSerializer):
    faces = FaceSerializer(many=True)

    class Meta(ImageSerializer.Meta):
        fields = [*ImageSerializer.Meta.fields, "faces"]

    def to_representation(self, image) -> dict:
        return {**image_shape(image), "faces": faces_of(image)}


class ImageDetailSerializer(ImageWithFacesSerializer):
    original_stays = serializers.CharField(
        allow_null=True, help_text="Where the original is that stayed in its own bucket; null of one that was copied."
    )

    class Meta(ImageWithFacesSerializer.Meta):
        fields = [*ImageWithFacesSerializer.Meta.fields, "original_stays"]


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


def face_word(data: dict) -> FaceWord:
    """What somebody says about a face, from valid data."""
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
