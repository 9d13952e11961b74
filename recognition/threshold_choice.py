"""A threshold chosen from a report is kept with its model: by page and API alike."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from labelling.access import require_role
from labelling.errors import Refused
from labelling.models import Role
from labelling.views.frame import open_project
from recognition.metrics.inputs import MetricInputError
from recognition.models import Model, Run, RunKind, RunState
from recognition.operating import NoThreshold, at_cost, at_max_fpr


def choose_threshold(
    run: Run, *, by, max_fpr: float | None = None, cost: float | None = None, genuine_share: float | None = None
) -> dict:
    """Store with the evaluated model the threshold that follows; what was stored, with the counts it leads to.

    max_fpr: share of impostor pairs that may be accepted; or cost: of a false accept, in false rejects.
    """
    if run.kind != RunKind.EVALUATE or run.state != RunState.DONE:
        raise Refused("A threshold is chosen from a finished evaluation.")
    if run.model_id is None:
        raise Refused("This report is of the frozen embedding alone: there is no model to keep a threshold with.")
    if (max_fpr is None) == (cost is None):
        raise Refused("Give the largest false positive rate, or the cost of a false accept; one of the two.")
    points = run.curves.get("operating")
    try:
        chosen = at_max_fpr(points, max_fpr) if cost is None else at_cost(points, cost, genuine_share)
    except (NoThreshold, MetricInputError) as error:
        raise Refused(str(error)) from error
    stored = {**chosen, "run": run.pk, "by": by.get_username() if by else None, "at": timezone.now().isoformat()}
    Model.objects.filter(pk=run.model_id).update(threshold=stored)
    return stored


class ChooseForm(forms.Form):
    by = forms.ChoiceField(choices=[("max_fpr", "max_fpr"), ("cost", "cost")])
    max_fpr = forms.FloatField(min_value=1e-9, max_value=1, required=False)
    cost = forms.FloatField(min_value=0, max_value=1e9, required=False)
    genuine_share = forms.FloatField(min_value=0, max_value=1, required=False)

    def asked(self) -> dict:
        data = self.cleaned_data
        if data["by"] == "cost":
            return {"cost": data["cost"], "genuine_share": data["genuine_share"]}
        return {"max_fpr": data["max_fpr"]}


@login_required
@require_POST
def run_threshold(request: HttpRequest, slug: str, run_id: int) -> HttpResponse:
    project = open_project(request, slug, Role.ENGINEER)
    run = get_object_or_404(Run, project=project, pk=run_id)
    form = ChooseForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Give a rate between 0 and 1, or a cost of 0 or more. No threshold was stored.")
    else:
        try:
            stored = choose_threshold(run, by=request.user, **form.asked())
        except Refused as error:
            messages.error(request, error.message)
        else:
            messages.success(request, f"The threshold {stored['threshold']:.4f} is stored with model {run.model_id}.")
    return redirect(f"{reverse('run', args=[project.slug, run.pk])}#choose-title")


class ThresholdSerializer(serializers.Serializer):
    """One of `max_fpr` and `cost`."""

    max_fpr = serializers.FloatField(min_value=1e-9, max_value=1, required=False, default=None, allow_null=True)
    cost = serializers.FloatField(
        min_value=0, max_value=1e9, required=False, default=None, allow_null=True,
        help_text="What a false accept costs, in false rejects.",
    )  # fmt: skip
    genuine_share = serializers.FloatField(
        min_value=0, max_value=1, required=False, default=None, allow_null=True,
        help_text="How many comparisons are genuine where the model is used; null: as among the test pairs.",
    )  # fmt: skip


class RunThreshold(APIView):
    @extend_schema(request=ThresholdSerializer, responses={200: dict})
    def post(self, request, run_id: int):
        """Store a threshold with the evaluated model (engineers and owners); the answer holds what it leads to."""
        run = get_object_or_404(Run.objects.visible_to(request.user).select_related("project"), pk=run_id)
        require_role(request.user, run.project, Role.ENGINEER)
        shape = ThresholdSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        return Response(choose_threshold(run, by=request.user, **shape.validated_data))
