"""The registry: models of a project, one model with its gate, promotion and the way back."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from labelling.access import role_of
from labelling.errors import Refused
from labelling.models import Role
from labelling.paging import keyset_page
from labelling.views.frame import open_project, show
from recognition.gate_evidence import could_start, production_of, start_missing, under_way, weigh
from recognition.models import Model, Stage
from recognition.promotion import ANY, before_now, promote, roll_back
from recognition.registry import evaluations_of, models_of, moves_of, training_of, with_best

PAGE_SIZE = 30
MOST_SHOWN = 50  # evaluations of one model


@login_required
@require_safe
def model_list(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug)
    page = keyset_page(models_of(project), request.GET.get("cursor", ""), by=("-id",), size=PAGE_SIZE)
    served = production_of(project)
    return show(
        request, "recognition/models.html", project, "models",
        models=with_best(page.rows), served=served, before=before_now(project) if served else None,
        may_promote=role_of(request.user, project) >= Role.ENGINEER, **page.urls(request.GET),
    )  # fmt: skip


@login_required
@require_safe
def model_page(request: HttpRequest, slug: str, model_id: int) -> HttpResponse:
    project = open_project(request, slug)
    model = _model(project, model_id)
    with_best([model])
    is_served = model.stage == Stage.PRODUCTION
    evidence = weigh(model, look_at_file=False)
    return show(
        request, "recognition/model.html", project, "models",
        model=model, training=training_of(model), evaluations=evaluations_of(model)[:MOST_SHOWN],
        moves=moves_of(project, model)[:MOST_SHOWN], evidence=evidence, verdict=evidence.verdict,
        waiting=under_way(evidence) if evidence.missing else [],
        cannot_start=could_start(evidence) if evidence.missing else "",
        before=before_now(project) if is_served else None,
        onnx_difference=f"{model.onnx['max_difference']:.1e}" if model.onnx else "",
        may_promote=role_of(request.user, project) >= Role.ENGINEER,
    )  # fmt: skip


@login_required
@require_safe
def promotions(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug)
    page = keyset_page(moves_of(project), request.GET.get("cursor", ""), by=("-id",), size=PAGE_SIZE)
    return show(request, "recognition/promotions.html", project, "models", moves=page.rows, **page.urls(request.GET))


@login_required
@require_POST
def model_promote(request: HttpRequest, slug: str, model_id: int) -> HttpResponse:
    project = open_project(request, slug, Role.ENGINEER)
    model = _model(project, model_id)
    try:
        event = promote(model, by=request.user, reason=request.POST.get("reason", ""))
    except Refused as error:
        messages.error(request, error.message)
    else:
        name = f"“{model.name}” (model {model.pk})"
        said = f"{name} is in production. Waiting faces are compared anew." if event else f"{name} was there already."
        messages.success(request, said)
    return redirect("model", project.slug, model.pk)


@login_required
@require_POST
def model_compare(request: HttpRequest, slug: str, model_id: int) -> HttpResponse:
    """Start what the gate waits for."""
    project = open_project(request, slug, Role.ENGINEER)
    model = _model(project, model_id)
    try:
        runs = start_missing(weigh(model, look_at_file=False), by=request.user)
    except Refused as error:
        messages.error(request, error.message)
    else:
        told = " and ".join(f"evaluation {run.pk}" for run in runs)
        messages.success(request, f"Under way: {told}." if runs else "Everything was evaluated already.")
    return redirect("model", project.slug, model.pk)


@login_required
@require_POST
def model_rollback(request: HttpRequest, slug: str) -> HttpResponse:
    """`seen`: the model in production on the page; pressing twice must not go back twice."""
    project = open_project(request, slug, Role.ENGINEER)
    seen = request.POST.get("seen", "")
    try:
        event = roll_back(
            project, by=request.user, reason=request.POST.get("reason", ""),
            seen=int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 19 else ANY,
        )  # fmt: skip
    except Refused as error:
        messages.error(request, error.message)
    else:
        now = f"“{event.new.name}” (model {event.new_id})" if event.new else "The frozen embedding"
        messages.success(request, f"{now} serves again. Waiting faces are compared anew.")
    return redirect("models", project.slug)


def _model(project, model_id: int) -> Model:
    model = get_object_or_404(models_of(project), pk=model_id)
    model.project = project
    return model
