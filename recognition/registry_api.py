"""Models over the API: the list, one of them, promotion and rollback."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.views import APIView

from labelling.access import project_for, require_role
from labelling.models import Role
from recognition.gate_evidence import weigh
from recognition.models import Model, PromotionEvent
from recognition.promotion import ANY, promote, roll_back
from recognition.registry import evaluations_of, models_of, moves_of, with_best


class ModelSerializer(serializers.ModelSerializer):
    """`best`: of its evaluations the one with the highest mAP; null before the first."""

    version = serializers.IntegerField(source="version.number", read_only=True)
    best = serializers.SerializerMethodField()
    onnx = serializers.SerializerMethodField()

    class Meta:
        model = Model
        fields = [
            "id", "name", "kind", "embedder", "version", "stage", "artifact_sha256", "threshold", "onnx", "best",
            "erased_at", "created_at",
        ]  # fmt: skip

    def get_onnx(self, model: Model) -> dict | None:
        return {name: value for name, value in model.onnx.items() if name != "key"} if model.onnx else None

    def get_best(self, model: Model) -> dict | None:
        return model.best.as_dict() if model.best else None


class MoveSerializer(serializers.ModelSerializer):
    """`old`, `new`: ids of models, null for the frozen embedding."""

    by = serializers.CharField(source="by.username", read_only=True, default=None)

    class Meta:
        model = PromotionEvent
        fields = ["id", "move", "old", "new", "reason", "verdict", "by", "at"]


class ModelPages(CursorPagination):
    ordering = "-id"
    page_size = 50


class ModelList(generics.ListAPIView):
    """Models of a project, newest first."""

    serializer_class = ModelSerializer
    pagination_class = ModelPages

    def get_queryset(self):
        return models_of(project_for(self.request.user, self.kwargs["slug"]))

    def paginate_queryset(self, queryset):
        return with_best(super().paginate_queryset(queryset))


class ModelDetail(APIView):
    @extend_schema(responses={200: dict})
    def get(self, request, model_id: int):
        """One model with its evaluations, its gate as things stand, and its promotions."""
        model = _model(request.user, model_id)
        evaluations = evaluations_of(model).values(
            "id", "version__number", "state", "metrics__map", "metrics__recognition_rate", "finished_at"
        )
        return Response(
            {
                **ModelSerializer(*with_best([model])).data,
                "evaluations": [
                    {
                        "run": row["id"], "version": row["version__number"], "state": row["state"],
                        "map": row["metrics__map"], "recognition_rate": row["metrics__recognition_rate"],
                        "finished_at": row["finished_at"],
                    }
                    for row in evaluations
                ],
                "gate": weigh(model, look_at_file=False).as_dict(),
                "promotions": MoveSerializer(moves_of(model.project, model), many=True).data,
            }
        )  # fmt: skip


class PromoteSerializer(serializers.Serializer):
    override = serializers.CharField(
        max_length=500, required=False, allow_blank=True, default="", help_text="Why, where the gate is closed."
    )


class ModelPromote(APIView):
    @extend_schema(request=PromoteSerializer, responses={200: MoveSerializer})
    def post(self, request, model_id: int):
        """Put a model into production (engineers and owners). 409 with the gate's verdict where it is closed."""
        model = _model(request.user, model_id)
        require_role(request.user, model.project, Role.ENGINEER)
        shape = PromoteSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        promote(model, by=request.user, reason=shape.validated_data["override"])
        return Response(MoveSerializer(moves_of(model.project, model).first()).data)


class RollbackSerializer(serializers.Serializer):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    seen = serializers.IntegerField(required=False, help_text="The model you saw in production; 409 if it is not now.")


class ModelRollback(APIView):
    @extend_schema(request=RollbackSerializer, responses={200: MoveSerializer})
    def post(self, request, slug: str):
        """Bring back what served before the model in production (engineers and owners)."""
        project = project_for(request.user, slug, Role.ENGINEER)
        shape = RollbackSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        event = roll_back(project, by=request.user, reason=data["reason"], seen=data.get("seen", ANY))
        return Response(MoveSerializer(event).data)


def _model(user, model_id: int) -> Model:
    models = Model.objects.visible_to(user).select_related("version", "project")
    return get_object_or_404(models, pk=model_id)
