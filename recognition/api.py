"""Runs and their figures over the API."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.views import APIView

from datasets.models import Version
from labelling.access import project_for
from labelling.errors import Refused
from labelling.models import Role
from recognition.enrolment import MOST, Enrolment, Policy
from recognition.models import IdentityMetric, Model, Run, RunKind
from recognition.photos_again import Photos, start_again
from recognition.recipe_list import TITLES
from recognition.runs import MAX_TRIALS, TrainParams, start_evaluation, start_training


class RunSerializer(serializers.ModelSerializer):
    version = serializers.IntegerField(source="version.number", read_only=True)

    class Meta:
        model = Run
        fields = [
            "id", "kind", "version", "model", "parent", "state", "message", "params", "seed", "environment",
            "metrics", "preflight", "job", "created_at", "finished_at",
        ]  # fmt: skip


class RunDetailSerializer(RunSerializer):
    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "curves", "trials"]


class NewRunSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(RunKind.choices)
    version = serializers.IntegerField(min_value=1, help_text="The version's number in this project.")
    model = serializers.IntegerField(required=False, allow_null=True, help_text="Evaluation only; null: frozen.")
    recipe = serializers.ChoiceField([*TITLES.items()], required=False)
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    epochs = serializers.IntegerField(required=False, min_value=1, max_value=1000)
    then_evaluate = serializers.BooleanField(required=False)
    gallery = serializers.ChoiceField(
        [policy.value for policy in Policy], required=False, help_text="Evaluation only: who is enrolled."
    )
    gallery_size = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST, help_text="Faces a person in a gallery of `k`."
    )
    apart_sessions = serializers.BooleanField(
        required=False, help_text="Evaluation only: no face is compared with one of its own capture session."
    )
    options = serializers.DictField(
        child=serializers.FloatField(),
        required=False,
        help_text="Parameters of the recipe; others keep their defaults.",
    )
    trials = serializers.IntegerField(
        required=False, min_value=0, max_value=MAX_TRIALS,
        help_text="Search for parameters in so many trials, then train with the best; those in `options` stay.",
    )  # fmt: skip


class ProposeAgainSerializer(serializers.Serializer):
    photos = serializers.ChoiceField(Photos.choices, default=Photos.WAITING)


class ProposeAgain(APIView):
    @extend_schema(request=ProposeAgainSerializer, responses={202: dict})
    def post(self, request, slug: str):
        """Find faces anew in photos that were searched before (engineers and owners). What people said stays."""
        project = project_for(request.user, slug, Role.ENGINEER)
        shape = ProposeAgainSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        job = start_again(project, Photos(shape.validated_data["photos"]), by=request.user)
        return Response({"job": job.pk}, status=status.HTTP_202_ACCEPTED)


class RunPages(CursorPagination):
    ordering = "-id"
    page_size = 50


class RunList(generics.ListAPIView):
    serializer_class = RunSerializer
    pagination_class = RunPages

    def get_queryset(self):
        project = project_for(self.request.user, self.kwargs["slug"])
        return Run.objects.filter(project=project).select_related("version").defer("curves", "trials")

    @extend_schema(request=NewRunSerializer, responses={201: RunSerializer})
    def post(self, request, slug: str):
        """Start a training or an evaluation (engineers and owners)."""
        project = project_for(request.user, slug, Role.ENGINEER)
        shape = NewRunSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        version = Version.objects.filter(project=project, number=data["version"]).first()
        if version is None:
            raise Refused(f"This project has no version {data['version']}.", fields={"version": ["Not found."]})
        if data["kind"] == RunKind.TRAIN:
            chosen = {name: data[name] for name in TrainParams.__dataclass_fields__ if name in data}
            run = start_training(version, by=request.user, params=TrainParams(**chosen))
        else:
            run = start_evaluation(
                version, _model(project, data.get("model")), by=request.user, enrolment=Enrolment.of(data)
            )
        return Response(RunSerializer(run).data, status=status.HTTP_201_CREATED)


def _model(project, model_id: int | None) -> Model | None:
    if model_id is None:
        return None
    model = Model.objects.filter(project=project, pk=model_id).first()
    if model is None:
        raise Refused(f"This project has no model {model_id}.", fields={"model": ["Not found."]})
    return model


class RunDetail(APIView):
    @extend_schema(responses=RunDetailSerializer)
    def get(self, request, run_id: int):
        return Response(RunDetailSerializer(_run(request.user, run_id)).data)


class IdentityMetricSerializer(serializers.ModelSerializer):
    class Meta:
        model = IdentityMetric
        exclude = ["id", "run"]


class IdentityPages(CursorPagination):
    ordering = "class_id"
    page_size = 100
    page_size_query_param = "limit"
    max_page_size = 1000


class RunIdentities(generics.ListAPIView):
    """Figures per person; `ap` is null where there are too few probes to say anything."""

    serializer_class = IdentityMetricSerializer
    pagination_class = IdentityPages

    def get_queryset(self):
        return IdentityMetric.objects.filter(run=_run(self.request.user, self.kwargs["run_id"]))


def _run(user, run_id: int) -> Run:
    return get_object_or_404(Run.objects.visible_to(user).select_related("version"), pk=run_id)
