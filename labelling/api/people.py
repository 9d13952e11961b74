"""What reviewers do to people: merge and split them. Undo is the same as for every event."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from labelling.access import require_role
from labelling.api.serializers import NamedField
from labelling.errors import Refused
from labelling.merge import merge_people
from labelling.models import Identity, Role
from labelling.split import split_person
from labelling.submit import resolve_identity


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
