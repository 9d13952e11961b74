"""Versions: the list of them with the way to freeze another, and one version with all that is known of it."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from datasets.exports import start_export
from datasets.filters import Filters, in_words, left_out, read_filters, what_passes
from datasets.forms import ExportForm, FilterForm, FreezeForm, PairsForm, TagForm
from datasets.freeze import start_freeze
from datasets.leak_page import leaks_of
from datasets.models import LATEST, Tag, TagMove, Version, VersionState
from datasets.outlook import recent_outlook
from datasets.pair_views import lists_of
from datasets.people_table import people_page
from datasets.pull_page import how_to_pull
from datasets.splits import CLOSED, KFOLD, SPLIT_KINDS
from datasets.spread import chart_data, face_ranges, not_measurable, slice_tables, split_rows
from datasets.tags import move_tag, take_off
from labelling.access import require_role, role_of
from labelling.errors import Refused
from labelling.forms import add_refusal
from labelling.models import Project, Role
from labelling.paging import keyset_page
from labelling.views.frame import open_project, show

PAGE_SIZE = 30
MOST_TO_CHOOSE = 200
MOST_PULLS = 20
MOST_MOVES = 30


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
                project,
                by=request.user,
                note=asked["note"],
                tag=asked["tag"],
                policy=asked["policy"],
                filters=read_filters(project, asked, today=timezone.localdate()),
            )
        except Refused as error:
            add_refusal(form, error)
        else:
            return redirect("version", project.slug, version.number)
    return _list(request, project, form)


@login_required
@require_safe
def freeze_preview(request: HttpRequest, slug: str) -> HttpResponse:
    """How much would be frozen with the filters of the form as it is."""
    project = open_project(request, slug, Role.ENGINEER)
    form = FilterForm(request.GET)
    context = {}
    if form.is_valid():
        try:
            filters = read_filters(project, form.cleaned_data, today=timezone.localdate())
        except Refused as error:
            context = {"refusal": error.message}
        else:
            context = {"held": what_passes(project.pk, filters), "without": left_out(project.pk, filters)}
    else:
        name, errors = next(iter(form.errors.items()))
        context = {"refusal": f"{form.fields[name].label}: {errors[0]}"}
    return render(request, "datasets/_freeze_preview.html", context)


def _list(request: HttpRequest, project: Project, form: FreezeForm) -> HttpResponse:
    versions = Version.objects.filter(project=project).with_summary().select_related("job", "created_by", "parent")
    versions = versions.defer("statistics", "parent__statistics").with_tags()
    page = keyset_page(versions, request.GET.get("cursor", ""), by=("-number",), size=PAGE_SIZE)
    role = role_of(request.user, project)
    return show(
        request, "datasets/versions.html", project, "versions",
        versions=page.rows, form=form, outlook=recent_outlook(project), moves=_moves(project),
        **_rights(role), **page.urls(request.GET),
    )  # fmt: skip


def _moves(project: Project) -> list[TagMove]:
    """The last moves of tags, newest first."""
    moves = TagMove.objects.filter(project=project).select_related("old", "new", "by")
    return list(moves.defer("old__statistics", "new__statistics")[:MOST_MOVES])


def _rights(role: int) -> dict:
    return {"may_freeze": role >= Role.ENGINEER, "role": Role(role).label}


@login_required
@require_http_methods(["GET", "HEAD"])
@vary_on_headers("HX-Request")
def version_page(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    project = open_project(request, slug)
    version = get_object_or_404(
        Version.objects.select_related("job", "parent", "created_by", "leak_report__job")
        .defer("parent__statistics")
        .with_tags(),
        project=project,
        number=number,
    )
    if version.state == VersionState.READY:
        return _ready_page(request, project, version, ExportForm())
    role = role_of(request.user, project)
    return show(request, "datasets/version_waiting.html", project, "versions", version=version, **_rights(role))


def _ready_page(
    request: HttpRequest, project: Project, version: Version, form: ExportForm, tag_form: TagForm | None = None
) -> HttpResponse:
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
        slices=slice_tables(version.statistics),
        not_measurable=not_measurable(people),
        chart=chart_data(people),
        others=_others(version),
        exports=list(version.exports.select_related("job", "created_by")),
        form=form,
        tag_form=tag_form or TagForm(),
        all_tags=list(Tag.objects.filter(project=project).exclude(name=LATEST).select_related("version")
                      .only("name", "project", "version__number")[:MOST_TO_CHOOSE]),
        moves=_moves_of(version),
        address=_address(version),
        pull=how_to_pull(request, project, version),
        pulls=list(version.pulls.select_related("by")[:MOST_PULLS]),
        pair_lists=lists_of(version),
        pairs_form=PairsForm(),
        leaks=leaks_of(version),
        kind=SPLIT_KINDS[version.split_policy.get("kind", CLOSED)],
        measures_only=version.split_policy.get("kind") == KFOLD,
        asked=in_words(Filters.from_dict(version.filters)),
        **_rights(role_of(request.user, project)),
    )  # fmt: skip


def _others(version: Version) -> list[Version]:
    """Those it can be compared with, newest first."""
    ready = Version.objects.filter(project=version.project_id, state=VersionState.READY).exclude(pk=version.pk)
    return list(ready.only("number").with_tags()[:MOST_TO_CHOOSE])


def _moves_of(version: Version) -> list[TagMove]:
    """The last moves of tags to this version and away from it, newest first."""
    moves = TagMove.objects.filter(Q(old=version) | Q(new=version), project=version.project_id)
    moves = moves.select_related("old", "new", "by").defer("old__statistics", "new__statistics")
    return list(moves[:MOST_MOVES])


@login_required
@require_POST
def tag(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Put a tag on this version, or with `take_off` take it off."""
    project = open_project(request, slug, Role.ENGINEER)
    version = get_object_or_404(
        Version.objects.select_related("project", "job", "parent", "created_by", "leak_report__job").with_tags(),
        project=project,
        number=number,
    )
    if "take_off" in request.POST:
        return _take_off(request, project, version)
    form = TagForm(request.POST)
    if form.is_valid():
        asked = form.cleaned_data
        try:
            moved = move_tag(version, asked["tag"], by=request.user, reason=asked["reason"], override=asked["override"])
        except Refused as error:
            add_refusal(form, error)
        else:
            words = "stands on" if moved else "stood already on"
            messages.success(request, f"“{asked['tag']}” {words} version {version.number}.")
            return redirect("version", project.slug, version.number)
    if version.state != VersionState.READY:
        messages.error(request, " ".join(error for errors in form.errors.values() for error in errors))
        return redirect("version", project.slug, version.number)
    return _ready_page(request, project, version, ExportForm(), form)


def _take_off(request: HttpRequest, project: Project, version: Version) -> HttpResponse:
    name = request.POST["take_off"]
    try:
        take_off(version, name, by=request.user)
    except Refused as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"“{name}” was taken off version {version.number}. Its history stays.")
    return redirect("version", project.slug, version.number)


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
    if version.state != VersionState.READY:
        messages.error(request, f"This version is {version.get_state_display()}; export it once it is ready.")
        return redirect("version", project.slug, version.number)
    if form.is_valid():
        try:
            start_export(version, form.cleaned_data["format"], by=request.user, options=form.options)
        except Refused as error:
            form.add_error(None, error.message)
        else:
            messages.success(
                request, "The export is being made. It appears below and can be downloaded once it is done."
            )
            return redirect(f"{reverse('version', args=[project.slug, version.number])}#exports")
    return _ready_page(request, project, version, form)
