"""Runs: the list of them with the way to start another, a training as it goes, and the report of an evaluation."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from datasets.models import Version, VersionState
from labelling.access import require_role, role_of
from labelling.errors import Refused
from labelling.forms import add_refusal
from labelling.models import Project, Role
from labelling.paging import keyset_page
from labelling.views.frame import open_project, show
from recognition.baselines import best_baseline, hold_against_best
from recognition.forms import EvaluateForm, TrainForm, TrainOptionsForm
from recognition.identity_table import identity_page
from recognition.mistakes import errors_with_faces
from recognition.models import Model, Run, RunKind, RunState, Stage
from recognition.photos_again import Photos, start_again
from recognition.report import report
from recognition.report_files import csv_answer, json_answer
from recognition.run_again import repetition
from recognition.runs import start_evaluation, start_training
from recognition.today import today
from recognition.training_page import training_page
from recognition.trend import add_trends

PAGE_SIZE = 30
DOWNLOADS = {"csv": csv_answer, "json": json_answer}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def run_list(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug)
    train_form, evaluate_form = _forms(project)
    if request.method != "POST":
        return _list(request, project, train_form, evaluate_form)
    require_role(request.user, project, Role.ENGINEER)
    if request.POST.get("kind") == RunKind.EVALUATE:
        form = evaluate_form = _forms(project, request.POST)[1]
    else:
        form = train_form = _forms(project, request.POST)[0]
    if form.is_valid():
        try:
            run = _start(form, by=request.user)
        except Refused as error:
            add_refusal(form, error)
        else:
            return redirect("run", project.slug, run.pk)
    return _list(request, project, train_form, evaluate_form)


def _forms(project: Project, data=None) -> tuple[TrainForm, EvaluateForm]:
    return (
        TrainForm(data, project=project, auto_id="train_%s"),
        EvaluateForm(data, project=project, auto_id="evaluate_%s"),
    )


def _start(form: TrainForm | EvaluateForm, *, by) -> Run:
    version = form.cleaned_data["version"]
    if isinstance(form, TrainForm):
        return start_training(version, by=by, params=form.params())
    return start_evaluation(version, form.cleaned_data["model"], by=by, enrolment=form.enrolment())


def _list(request: HttpRequest, project: Project, train_form: TrainForm, evaluate_form: EvaluateForm) -> HttpResponse:
    runs = (
        Run.objects.filter(project=project)
        .select_related("version", "model", "job", "created_by")
        .defer("curves", "trials", "environment", "version__statistics")
        .prefetch_related("version__tags")
    )
    page = keyset_page(runs, request.GET.get("cursor", ""), by=("-id",), size=PAGE_SIZE)
    hold_against_best(page.rows)
    return show(
        request, "recognition/runs.html", project, "runs",
        runs=page.rows,
        has_version=Version.objects.filter(project=project, state=VersionState.READY).exists(),
        train_form=train_form,
        evaluate_form=evaluate_form,
        **_rights(request, project),
        **page.urls(request.GET),
    )  # fmt: skip


def _rights(request: HttpRequest, project: Project) -> dict:
    role = role_of(request.user, project)
    return {"may_run": role >= Role.ENGINEER, "role": Role(role).label}


@login_required
@require_http_methods(["GET", "HEAD"])
@vary_on_headers("HX-Request")
def run_page(request: HttpRequest, slug: str, run_id: int) -> HttpResponse:
    project = open_project(request, slug)
    run = get_object_or_404(
        Run.objects.select_related("version", "model", "parent", "job", "created_by").defer(
            "version__statistics", "parent__curves", "parent__environment"
        ),
        project=project,
        pk=run_id,
    )
    run.project = project
    if run.kind == RunKind.TRAIN:
        return _training(request, run)
    if run.state != RunState.DONE:
        return show(request, "recognition/run_waiting.html", project, "runs", run=run, **_rights(request, project))
    return _report(request, run)


def _training(request: HttpRequest, run: Run) -> HttpResponse:
    evaluations = list(run.children.filter(kind=RunKind.EVALUATE).defer("curves", "environment"))
    # The report of a training is what people wait for, not its last epoch.
    is_under_way = any(one.state == RunState.WAITING for one in (run, *evaluations))
    context = {"run": run, "is_under_way": is_under_way, **training_page(run)}
    if request.htmx and request.htmx.target == "curves":
        answer = render(request, "recognition/_training_curves.html", context)
        if not is_under_way or request.GET.get("seen", run.state) != run.state:
            answer["HX-Refresh"] = "true"  # the whole page has more to say now
        return answer
    return show(
        request, "recognition/training.html", run.project, "runs",
        evaluations=evaluations, repetition=repetition(run), **context, **_rights(request, run.project),
    )  # fmt: skip


def _report(request: HttpRequest, run: Run) -> HttpResponse:
    download = DOWNLOADS.get(request.GET.get("download", ""))
    if download:
        return download(run)
    best = best_baseline(run)
    table = identity_page(run, request.GET, best)
    add_trends(run, table.rows)
    context = {"run": run, "table": table}
    if request.htmx and request.htmx.target == "people":
        return render(request, "recognition/_identities.html", {"project": run.project, **context})
    errors = errors_with_faces(run)
    return show(
        request, "recognition/report.html", run.project, "runs",
        **context, errors=errors, keeps_errors="false_accepts" in run.curves, today=today(run, errors),
        repetition=repetition(run), **report(run, best),
        may_doubt=role_of(request.user, run.project) >= Role.ANNOTATOR,
        **_rights(request, run.project),
    )  # fmt: skip


@login_required
@require_POST
def propose_again(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug, Role.ENGINEER)
    asked = request.POST.get("photos", Photos.WAITING)
    if asked not in Photos.values:
        messages.error(request, "Choose the photos that wait, or all of them. Nothing was started.")
        return redirect("project", project.slug)
    start_again(project, Photos(asked), by=request.user)
    messages.success(request, "Faces are looked for again. What people said about faces stays as it is.")
    return redirect("project", project.slug)


@login_required
@require_POST
def train(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    project, version = _version(request, slug, number)
    form = TrainOptionsForm(request.POST)
    if not form.is_valid():
        words = " ".join(f"{form.fields[name].label or name}: {errors[0]}" for name, errors in form.errors.items())
        messages.error(request, f"No training was started. {words}")
        return redirect("version", project.slug, version.number)
    try:
        run = start_training(version, by=request.user, params=form.params())
    except Refused as error:
        messages.error(request, error.message)
        return redirect("version", project.slug, version.number)
    return redirect("run", project.slug, run.pk)


@login_required
@require_POST
def evaluate(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """`model` names one by id, empty means the embedding alone; when it is not said, the likeliest is taken."""
    project, version = _version(request, slug, number)
    try:
        run = start_evaluation(version, _asked_model(request, version), by=request.user)
    except Refused as error:
        messages.error(request, error.message)
        return redirect("version", project.slug, version.number)
    return redirect("run", project.slug, run.pk)


def _version(request: HttpRequest, slug: str, number: int) -> tuple[Project, Version]:
    project = open_project(request, slug, Role.ENGINEER)
    return project, get_object_or_404(Version.objects.select_related("project"), project=project, number=number)


def _asked_model(request: HttpRequest, version: Version) -> Model | None:
    models = Model.objects.filter(project=version.project)
    if "model" not in request.POST:
        return models.filter(version=version).first() or models.filter(stage=Stage.PRODUCTION).first()
    asked = request.POST["model"]
    if not asked:
        return None
    model = models.filter(pk=int(asked)).first() if asked.isascii() and asked.isdecimal() and len(asked) < 19 else None
    if model is None:
        raise Refused("This project has no such model; choose one of the list.")
    return model
