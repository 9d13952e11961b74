"""Automation: the rules of a project, and its pipelines as chains."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from labelling.access import require_role, role_of
from labelling.errors import Refused
from labelling.models import Project, Role
from labelling.paging import keyset_page
from labelling.views.frame import open_project, show
from recognition.automation_forms import PipelineForm, RuleForm, as_said
from recognition.automation_page import pipelines_of, rules_of, with_chain
from recognition.models import Pipeline, Rule
from recognition.pipelines import cancel, go_on, start_pipeline
from recognition.rules import add_rule, change_rule, in_words, switch

PAGE_SIZE = 20


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def automation(request: HttpRequest, slug: str) -> HttpResponse:
    """The page; a POST adds a rule."""
    project = open_project(request, slug)
    if request.method != "POST":
        return _page(request, project)
    require_role(request.user, project, Role.ENGINEER)
    form = _rule_form(project, request.POST)
    if _did(form, lambda: add_rule(project, form.when, form.asked, by=request.user)):
        messages.success(request, f"The rule is on: {form.when.kind and _lower(in_words(_last_rule(project)))}.")
        return redirect("automation", project.slug)
    return _page(request, project, rule_form=form)


def _last_rule(project: Project) -> Rule:
    return Rule.objects.filter(project=project).latest("pk")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _page(
    request: HttpRequest, project: Project, *, run_form: PipelineForm | None = None, rule_form: RuleForm | None = None
) -> HttpResponse:
    page = keyset_page(pipelines_of(project), request.GET.get("cursor", ""), by=("-id",), size=PAGE_SIZE)
    return show(
        request, "recognition/automation.html", project, "automation",
        pipelines=with_chain(page.rows), rules=rules_of(project),
        run_form=run_form or _run_form(project), rule_form=rule_form or _rule_form(project),
        **_rights(request, project), **page.urls(request.GET),
    )  # fmt: skip


def _rights(request: HttpRequest, project: Project) -> dict:
    role = role_of(request.user, project)
    return {"may_run": role >= Role.ENGINEER, "role": Role(role).label}


def _run_form(project: Project, data=None) -> PipelineForm:
    return PipelineForm(data, project=project, auto_id="run_%s")


def _rule_form(project: Project, data=None, **options) -> RuleForm:
    return RuleForm(data, project=project, auto_id="rule_%s", **options)


def _did(form: PipelineForm, do) -> bool:
    """Whether the form was fine and the verb did it; if not the form says why."""
    if not form.is_valid():
        return False
    try:
        do()
    except Refused as error:
        named = [form.field_of(name) if isinstance(form, RuleForm) else name for name in error.fields]
        form.add_error(next((name for name in named if name in form.fields), None), error.message)
        return False
    return True


@login_required
@require_POST
def run_now(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug, Role.ENGINEER)
    form = _run_form(project, request.POST)
    if _did(form, lambda: start_pipeline(project, form.asked, by=request.user)):
        return redirect("automation", project.slug)
    return _page(request, project, run_form=form)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def rule_page(request: HttpRequest, slug: str, rule_id: int) -> HttpResponse:
    """Change a rule."""
    project = open_project(request, slug, Role.ENGINEER)
    rule = _rule(project, rule_id)
    form = _rule_form(project, request.POST) if request.method == "POST" else _rule_form(project, initial=as_said(rule))
    if request.method == "POST" and _did(form, lambda: change_rule(rule, form.when, form.asked)):
        messages.success(request, "The rule was changed.")
        return redirect("automation", project.slug)
    return show(request, "recognition/rule.html", project, "automation", rule=rule, words=in_words(rule), form=form)


@login_required
@require_POST
def rule_switch(request: HttpRequest, slug: str, rule_id: int) -> HttpResponse:
    """`on` is 1 or 0: pressing twice does not switch back."""
    project = open_project(request, slug, Role.ENGINEER)
    switch(_rule(project, rule_id), on=request.POST.get("on") == "1")
    return redirect("automation", project.slug)


@login_required
@require_POST
def rule_delete(request: HttpRequest, slug: str, rule_id: int) -> HttpResponse:
    project = open_project(request, slug, Role.ENGINEER)
    _rule(project, rule_id).delete()
    messages.success(request, "The rule was deleted. What it started stays.")
    return redirect("automation", project.slug)


def _rule(project: Project, rule_id: int) -> Rule:
    return get_object_or_404(Rule.objects.select_related("like", "project"), project=project, pk=rule_id)


@login_required
@require_safe
@vary_on_headers("HX-Request")
def pipeline_page(request: HttpRequest, slug: str, pipeline_id: int) -> HttpResponse:
    """One pipeline; to htmx its chain alone, which asks again as long as it runs."""
    project = open_project(request, slug)
    (pipeline,) = with_chain([get_object_or_404(pipelines_of(project), pk=pipeline_id)])
    if request.htmx:
        context = {"project": project, "pipeline": pipeline, **_rights(request, project)}
        return render(request, "recognition/_pipeline.html", context)
    return show(
        request, "recognition/pipeline.html", project, "automation", pipeline=pipeline, **_rights(request, project)
    )


@login_required
@require_POST
def pipeline_cancel(request: HttpRequest, slug: str, pipeline_id: int) -> HttpResponse:
    project = open_project(request, slug, Role.ENGINEER)
    cancel(_pipeline(project, pipeline_id))
    return redirect("automation", project.slug)


@login_required
@require_POST
def pipeline_go_on(request: HttpRequest, slug: str, pipeline_id: int) -> HttpResponse:
    project = open_project(request, slug, Role.ENGINEER)
    try:
        go_on(_pipeline(project, pipeline_id))
    except Refused as error:
        messages.error(request, error.message)
    return redirect("automation", project.slug)


def _pipeline(project: Project, pipeline_id: int) -> Pipeline:
    return get_object_or_404(Pipeline.objects.select_related("project"), project=project, pk=pipeline_id)
