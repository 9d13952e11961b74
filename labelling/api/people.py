"""One person, and what reviewers do to people: rename, describe, merge, split. Undo is that of every event."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from labelling.access import require_role
from labelling.api.serializers import IdentityBrief, IdentitySerializer, NamedField
from labelling.describe import FIELDS, describe_person
from labelling.errors import Refused
from labelling.identities import attach_portraits, rename_identity
from labelling.merge import merge_people
from labelling.models import Identity, Role
from labelling.split import split_person
from labelling.submit import resolve_identity


class PersonSerializer(IdentitySerializer):
    merged_into = IdentityBrief(read_only=True, allow_null=True)

    class Meta(IdentitySerializer.Meta):
        fields = [
            *IdentitySerializer.Meta.fields,
            "notes",
            "consent_basis",
            "consent_date",
            "consent_expiry",
            "merged_into",
        ]


class PersonEditSerializer(serializers.ModelSerializer):
    name = serializers.CharField(required=False, max_length=500)
    aliases = serializers.ListField(child=serializers.CharField(max_length=500), required=False)
    event_id = serializers.UUIDField()

    class Meta:
        model = Identity
        fields = ["name", *FIELDS, "event_id"]


class IdentityDetail(APIView):
    """One person. A name is changed alone; everything else together. Each change is an event, for undo."""

    @extend_schema(responses=PersonSerializer)
    def get(self, request, identity_id: int):
        return self._answer(
            get_object_or_404(Identity.objects.visible_to(request.user).filter(erased_at=None), pk=identity_id)
        )

    @extend_schema(request=PersonEditSerializer, responses=PersonSerializer)
    def patch(self, request, identity_id: int):
        person = reviewed_person(request.user, identity_id)
        shape = PersonEditSerializer(data=request.data, partial=True)
        shape.is_valid(raise_exception=True)
        changes = dict(shape.validated_data)
        if "event_id" not in changes:
            raise Refused("A change needs an event id.", fields={"event_id": ["Missing."]})
        event_id, name = changes.pop("event_id"), changes.pop("name", None)
        if name is not None and changes:
            raise Refused("Change the name alone, or what else is known.", fields={"name": ["Not together."]})
        if name is not None:
            rename_identity(person, name, by=request.user, event_id=event_id)
        else:
            describe_person(person, changes, by=request.user, event_id=event_id)
        return self._answer(person)

    def _answer(self, person: Identity) -> Response:
        fresh = Identity.objects.with_face_counts().select_related("merged_into").get(pk=person.pk)
        return Response(PersonSerializer(attach_portraits([fresh])[0]).data)


class SeenSerializer(serializers.Serializer):
    faces = serializers.IntegerField(min_value=0)
    into_faces = serializers.IntegerField(min_value=0)


class MergeSerializer(serializers.Serializer):
    into = serializers.IntegerField(help_text="The person who stays.")
    event_id = serializers.UUIDField()
    seen = SeenSerializer(required=False, allow_null=True)
    allow_twice = serializers.BooleanField(default=False, help_text="Photos with both are mirrors or collages.")
    allow_not_same = serializers.BooleanField(default=False, help_text="What people said against it is withdrawn.")


class IdentityMerge(APIView):
    @extend_schema(request=MergeSerializer, responses={200: dict})
    def post(self, request, identity_id: int):
        """Make this person a name of another one. 409 when others named faces of theirs since `seen`."""
        person = reviewed_person(request.user, identity_id)
        shape = MergeSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        target = Identity.objects.filter(project=person.project_id, pk=data.pop("into")).first()
        if target is None:
            raise Refused("The person to merge into is not in this project.", fields={"into": ["Not found."]})
        event = merge_people(person, target, by=request.user, **data)
        return Response({"event": event.pk, "identity": target.pk, "moved": len(event.before["moved"])})


class SplitSerializer(serializers.Serializer):
    faces = serializers.ListField(child=serializers.IntegerField(), allow_empty=False, max_length=10_000)
    to = NamedField(allow_null=True, help_text="Whose they are: an id, a name, or null for nobody known yet.")
    event_id = serializers.UUIDField()
    remember = serializers.BooleanField(default=True, help_text="That they are not this person.")
    allow_twice = serializers.BooleanField(default=False, help_text="Photos with both are mirrors or collages.")
    allow_not_same = serializers.BooleanField(default=False, help_text="What people said against it is withdrawn.")


class IdentitySplit(APIView):
    @extend_schema(request=SplitSerializer, responses={200: dict})
    def post(self, request, identity_id: int):
        """Take faces away from this person: to somebody else, to a new person, or back to waiting."""
        person = reviewed_person(request.user, identity_id)
        shape = SplitSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = dict(shape.validated_data)
        if isinstance(data["to"], int):
            data["to"] = resolve_identity(person.project, data["to"])
        event = split_person(person, data.pop("faces"), by=request.user, **data)
        return Response({"event": event.pk, "identity": event.after["identity"], "moved": len(event.before["moved"])})


def reviewed_person(user, identity_id: int) -> Identity:
    """The person, for somebody who may change people: 404 to strangers, 403 to annotators."""
    person = get_object_or_404(Identity.objects.visible_to(user).select_related("project"), pk=identity_id)
    require_role(user, person.project, Role.REVIEWER)
    return person
