"""Pipelines and rules over the API."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.views import APIView

from labelling.access import project_for, require_role
from labelling.models import Role
from recognition.automation_page import chain_of, pipelines_of
from recognition.models import Pipeline, Rule, RuleKind
from recognition.pipelines import Asked, cancel, go_on, start_pipeline
from recognition.recipe_list import TITLES
from recognition.rules import When, add_rule, asked_of, change_rule, in_words, switch, version_to_follow
from recognition.runs import MAX_TRIALS, TrainParams

WHEN = ("kind", "threshold", "hour", "weekday")


class PipelineSerializer(serializers.ModelSerializer):
    """`version`, `like`: numbers of versions. `chain`: its steps with their state. `map`: of the evaluation."""

    version = serializers.IntegerField(source="version.number", read_only=True, default=None)
    like = serializers.IntegerField(source="like.number", read_only=True, default=None)
    model = serializers.IntegerField(source="training.model_id", read_only=True, default=None)
    by = serializers.CharField(source="by.username", read_only=True, default=None)
    map = serializers.SerializerMethodField()
    chain = serializers.SerializerMethodField()

    class Meta:
        model = Pipeline
        fields = [
            "id", "state", "step", "message", "why", "rule", "trains", "params", "like", "promotes", "version",
            "training", "model", "evaluation", "comparison", "map", "verdict", "promoted", "job", "chain", "by",
            "created_at", "finished_at",
        ]  # fmt: skip

    def get_map(self, pipeline: Pipeline) -> dict | None:
        return pipeline.evaluation.metrics.get("map") if pipeline.evaluation else None

    def get_chain(self, pipeline: Pipeline) -> list[dict]:
        return [
            {"step": link.title.lower(), "state": link.label, "made": link.words or None, "url": link.url or None}
            for link in chain_of(pipeline)
        ]


class AskedSerializer(serializers.Serializer):
    """What a pipeline does. What is left out has its default."""

    trains = serializers.BooleanField(required=False)
    recipe = serializers.ChoiceField([*TITLES.items()], required=False)
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    epochs = serializers.IntegerField(required=False, min_value=1, max_value=1000)
    options = serializers.DictField(child=serializers.FloatField(), required=False)
    trials = serializers.IntegerField(
        required=False, min_value=0, max_value=MAX_TRIALS, help_text="Of a search for the recipe's parameters; 0: none."
    )
    like = serializers.CharField(
        required=False, allow_null=True, max_length=60,
        help_text="A version, by number or tag, whose splits and filters are taken; null: the last one's.",
    )  # fmt: skip
    promotes = serializers.BooleanField(required=False)

    def asked(self, project, before: Asked | None = None) -> Asked:
        """With `before`, what is left out stays as it was."""
        data, before = self.validated_data, before or Asked()
        kept = {name: getattr(before.params, name) for name in ("recipe", "seed", "epochs", "options", "trials")}
        if data.get("recipe", before.params.recipe) != before.params.recipe:
            kept["options"], kept["trials"] = {}, 0  # parameters are those of a recipe
        params = TrainParams(**{name: data.get(name, value) for name, value in kept.items()})
        like = version_to_follow(project, data["like"]) if "like" in data else before.like
        return Asked(
            trains=data.get("trains", before.trains), params=params, like=like,
            promotes=data.get("promotes", before.promotes),
        )  # fmt: skip


class RuleSerializer(serializers.ModelSerializer):
    words = serializers.SerializerMethodField()
    like = serializers.IntegerField(source="like.number", read_only=True, default=None)

    class Meta:
        model = Rule
        fields = [
            "id", "kind", "threshold", "hour", "weekday", "words", "enabled", "trains", "params", "like", "promotes",
            "fired_at", "said", "created_at",
        ]  # fmt: skip

    def get_words(self, rule: Rule) -> str:
        return in_words(rule)


class NewRuleSerializer(AskedSerializer):
    """`threshold`: new labels, or how far the Gini coefficient may move. `hour`, `weekday` (0: Monday): in UTC."""

    kind = serializers.ChoiceField(RuleKind.choices)
    threshold = serializers.FloatField(required=False, allow_null=True)
    hour = serializers.IntegerField(required=False, allow_null=True)
    weekday = serializers.IntegerField(required=False, allow_null=True)
    enabled = serializers.BooleanField(required=False)

    def when(self, before: Rule | None = None) -> When:
        kept = {name: getattr(before, name, None) for name in WHEN}
        return When(**{name: self.validated_data.get(name, value) for name, value in kept.items()})


class NewestFirst(CursorPagination):
    ordering = "-id"
    page_size = 50


class PipelineList(generics.ListAPIView):
    """Pipelines of a project, newest first."""

    serializer_class = PipelineSerializer
    pagination_class = NewestFirst

    def get_queryset(self):
        return pipelines_of(project_for(self.request.user, self.kwargs["slug"]))

    @extend_schema(request=AskedSerializer, responses={201: PipelineSerializer})
    def post(self, request, slug: str):
        """Start a pipeline (engineers and owners). 409 while one of this project is under way."""
        project = project_for(request.user, slug, Role.ENGINEER)
        shape = AskedSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        pipeline = start_pipeline(project, shape.asked(project), by=request.user)
        return Response(PipelineSerializer(pipeline).data, status=status.HTTP_201_CREATED)


class PipelineDetail(APIView):
    @extend_schema(responses=PipelineSerializer)
    def get(self, request, pipeline_id: int):
        return Response(_answer(_pipeline(request.user, pipeline_id)))


class PipelineCancel(APIView):
    @extend_schema(request=None, responses=PipelineSerializer)
    def post(self, request, pipeline_id: int):
        """Stop it (engineers and owners); what is done stays. One that has ended is not changed."""
        pipeline = _pipeline(request.user, pipeline_id)
        require_role(request.user, pipeline.project, Role.ENGINEER)
        cancel(pipeline)
        return Response(_answer(pipeline))


class PipelineResume(APIView):
    @extend_schema(request=None, responses=PipelineSerializer)
    def post(self, request, pipeline_id: int):
        """Go on at the step where it failed or was cancelled (engineers and owners)."""
        pipeline = _pipeline(request.user, pipeline_id)
        require_role(request.user, pipeline.project, Role.ENGINEER)
        go_on(pipeline)
        return Response(_answer(pipeline))


def _pipeline(user, pipeline_id: int) -> Pipeline:
    return get_object_or_404(Pipeline.objects.visible_to(user).select_related("project"), pk=pipeline_id)


def _answer(pipeline: Pipeline) -> dict:
    return PipelineSerializer(pipelines_of(pipeline.project).get(pk=pipeline.pk)).data


class RuleList(generics.ListAPIView):
    """Rules of a project, newest first."""

    serializer_class = RuleSerializer
    pagination_class = NewestFirst

    def get_queryset(self):
        return Rule.objects.filter(project=project_for(self.request.user, self.kwargs["slug"])).select_related("like")

    @extend_schema(request=NewRuleSerializer, responses={201: RuleSerializer})
    def post(self, request, slug: str):
        """Add a rule (engineers and owners)."""
        project = project_for(request.user, slug, Role.ENGINEER)
        shape = NewRuleSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        rule = add_rule(project, shape.when(), shape.asked(project), by=request.user)
        if shape.validated_data.get("enabled") is False:
            switch(rule, on=False)
        return Response(_rule_answer(rule), status=status.HTTP_201_CREATED)


class RuleDetail(APIView):
    @extend_schema(responses=RuleSerializer)
    def get(self, request, rule_id: int):
        return Response(_rule_answer(_rule(request.user, rule_id)))

    @extend_schema(request=NewRuleSerializer(partial=True), responses=RuleSerializer)
    def patch(self, request, rule_id: int):
        """Change it, or switch it on and off with `enabled` (engineers and owners)."""
        rule = _rule(request.user, rule_id)
        require_role(request.user, rule.project, Role.ENGINEER)
        shape = NewRuleSerializer(data=request.data, partial=True)
        shape.is_valid(raise_exception=True)
        if set(shape.validated_data) - {"enabled"}:
            rule = change_rule(rule, shape.when(rule), shape.asked(rule.project, asked_of(rule)))
        if "enabled" in shape.validated_data:
            switch(rule, on=shape.validated_data["enabled"])
        return Response(_rule_answer(rule))

    @extend_schema(responses={204: None})
    def delete(self, request, rule_id: int):
        """Delete it (engineers and owners). What it started stays."""
        rule = _rule(request.user, rule_id)
        require_role(request.user, rule.project, Role.ENGINEER)
        rule.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


def _rule(user, rule_id: int) -> Rule:
    return get_object_or_404(Rule.objects.visible_to(user).select_related("project", "like"), pk=rule_id)


def _rule_answer(rule: Rule) -> dict:
    return RuleSerializer(Rule.objects.select_related("like").get(pk=rule.pk)).data
