"""Asking for a model as an ONNX file, and taking it away: by page and API."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs.enqueue import enqueue_unless_waiting
from jobs.models import Job
from labelling import storage
from labelling.access import require_role
from labelling.errors import Refused
from labelling.models import Role
from labelling.views.frame import open_project
from recognition.models import Model
from recognition.promotion import NotNow
from recognition.serving import why_unfit


def ask_for_onnx(model: Model, *, by) -> Job:
    if why := why_unfit(model, look_at_file=False):
        raise Refused(f"This model cannot be written as ONNX. {why}")
    return enqueue_unless_waiting(
        "onnx_export", title=f"Write model {model.pk} as ONNX", project_id=model.project_id,
        params={"model": model.pk}, by=by, result_url=f"/p/{model.project.slug}/models/{model.pk}/",
    )  # fmt: skip


def onnx_file(model: Model) -> StreamingHttpResponse:
    if not model.onnx:
        raise Refused("This model was not written as ONNX yet. Ask for it first.")
    try:
        length, pieces = storage.stream(model.onnx["key"])
    except storage.ObjectMissing:
        raise Refused("The file is gone from the object store; ask for it again.") from None
    except storage.StoreAway as error:
        raise NotNow("The object store does not answer. Try again soon.") from error
    answer = StreamingHttpResponse(pieces, content_type="application/octet-stream")
    answer["Content-Disposition"] = f'attachment; filename="model-{model.pk}.onnx"'
    answer["Content-Length"] = str(length)
    answer["ETag"] = f'"{model.onnx["sha256"]}"'
    return answer


@login_required
@require_http_methods(["GET", "POST"])
def model_onnx(request: HttpRequest, slug: str, model_id: int) -> HttpResponse:
    project = open_project(request, slug, Role.ENGINEER)
    model = get_object_or_404(Model, project=project, pk=model_id)
    model.project = project
    try:
        if request.method == "GET":
            return onnx_file(model)
        ask_for_onnx(model, by=request.user)
        messages.success(request, "The model is being written as ONNX; look again in a moment.")
    except Refused as error:
        messages.error(request, error.message)
    return redirect("model", project.slug, model.pk)


class ModelOnnx(APIView):
    @extend_schema(responses={(200, "application/octet-stream"): bytes})
    def get(self, request, model_id: int):
        """The model's ONNX file (engineers and owners)."""
        return onnx_file(self._model(request, model_id))

    @extend_schema(request=None, responses={202: dict})
    def post(self, request, model_id: int):
        """Have the model written as ONNX and held against the original (engineers and owners)."""
        job = ask_for_onnx(self._model(request, model_id), by=request.user)
        return Response({"job": job.pk}, status=status.HTTP_202_ACCEPTED)

    def _model(self, request, model_id: int) -> Model:
        models = Model.objects.visible_to(request.user).select_related("project")
        model = get_object_or_404(models, pk=model_id)
        require_role(request.user, model.project, Role.ENGINEER)
        return model
