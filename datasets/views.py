"""Versions: the list of them with the way to freeze another, and one version with all that is known of it."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from datasets.exports import start_export
from datasets.forms import ExportForm, FreezeForm
from datasets.freeze import start_freeze
from datasets.models import Version, VersionState
from datasets.outlook import recent_outlook
from datasets.people_table import people_page
from datasets.spread import chart_data, face_ranges, not_measurable, split_rows
from labelling.access import require_role, role_of
from labelling.errors import Refused
from labelling.forms import add_refusal
from labelling.models import Project, Role
from labelling.paging import keyset_page
from labelling.views.frame import open_project, show

PAGE_SIZE = 30
MOST_TO_CHOOSE = 200


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def version_list(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug)
    if request.method != "POST":
        return _list(request, project, FreezeForm())
    require_role(request.user, project, Role.ENGINEER)
    form = FreezeForm(request.POST)
    if form.is_valid():
        asked = form.cleaned_data
        try:
            version = start_freeze(
                project, by=request.user, note=asked["note"], tag=asked["tag"], policy=asked["policy"]
            )
        except Refused as error:
            add_refusal(form, error)
        else:
            return redirect("version", project.slug, version.number)
    return _list(request, project, form)


def _list(request: HttpRequest, project: Project, form: FreezeForm) -> HttpResponse:
    versions = Version.objects.filter(project=project).with_summary().select_related("job", "created_by", "parent")
    versions = versions.defer("statistics", "parent__statistics")
    page = keyset_page(versions, request.GET.get("cursor", ""), by=("-number",), size=PAGE_SIZE)
    role = role_of(request.user, project)
    return show(
        request, "datasets/versions.html", project, "versions",
        versions=page.rows, form=form, outlook=recent_outlook(project), **_rights(role), **page.urls(request.GET),
    )  # fmt: skip


def _rights(role: int) -> dict:
    return {"may_freeze": role >= Role.ENGINEER, "role": Role(role).label}


@login_required
@require_http_methods(["GET", "HEAD"])
@vary_on_headers("HX-Request")
def version_page(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    project = open_project(request, slug)
    version = get_object_or_404(
        Version.objects.select_related("job", "parent", "created_by").defer("parent__statistics"),
        project=project,
        number=number,
    )
    if version.state == VersionState.READY:
        return _ready_page(request, project, version, ExportForm())
    role = role_of(request.user, project)
    return show(request, "datasets/version_waiting.html", project, "versions", version=version, **_rights(role))


def _ready_page(request: HttpRequest, project: Project, version: Version, form: ExportForm) -> HttpResponse:
    people = version.statistics["people"]
    table = people_page(people, request.GET)
    if request.htmx and request.htmx.target == "people":
        return render(request, "datasets/_people.html", {"project": project, "version": version, "people": table})
    return show(
        request, "datasets/version.html", project, "versions",
        version=version,
        figures=version.statistics,
        people=table,
        splits=split_rows(version.statistics, version.split_policy),
        ranges=face_ranges(people),
        not_measurable=not_measurable(people),
        chart=chart_data(people),
        others=_others(version),
        exports=list(version.exports.select_related("job", "created_by")),
        form=form,
        address=_address(version),
        **_rights(role_of(request.user, project)),
    )  # fmt: skip


def _others(version: Version) -> list[Version]:
    """Those it can be compared with, newest first."""
    ready = Version.objects.filter(project=version.project_id, state=VersionState.READY).exclude(pk=version.pk)
    return list(ready.only("number", "tag")[:MOST_TO_CHOOSE])


def _address(version: Version) -> dict[str, str]:
    """Where the frozen tables lie, for those who read them without Facet."""
    return {
        "endpoint": settings.S3_ENDPOINT_URL,
        **{name: f"{settings.S3_BUCKET}/{version.key(name)}" for name in ("faces", "images")},
    }


@login_required
@require_POST
def export(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    project = open_project(request, slug, Role.ENGINEER)
    version = get_object_or_404(Version.objects.select_related("project"), project=project, number=number)
    form = ExportForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose one of the formats; nothing was exported.")
        return redirect("version", project.slug, version.number)
    try:
        start_export(version, form.cleaned_data["format"], by=request.user)
    except Refused as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The export is being made. It appears below and can be downloaded once it is done.")
    return redirect("version", project.slug, version.number)
