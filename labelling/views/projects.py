"""The list of projects, the start of a new one, one project at a glance, and its settings."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import Func, IntegerField, Q
from django.db.models.fields.json import KT, KeyTransform
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from jobs.models import Job, State
from labelling.access import project_for, role_of
from labelling.clusters import worth_sorting
from labelling.errors import Refused
from labelling.forms import NewProjectForm, ProjectSettingsForm, add_refusal
from labelling.guidelines import render_guidelines
from labelling.loop import loop_steps
from labelling.models import Event, Membership, Project, Role
from labelling.next_step import next_step
from labelling.opinions import settle_later
from labelling.paging import keyset_page
from labelling.progress import people_at_work, recent_standing, standings
from labelling.projects import create_project
from labelling.signals import announce, faces_boxed
from labelling.views.frame import open_project, show, with_cancel_rights

PAGE_SIZE = 60
STEPS_UP_TO_LABELLING = 3
RECENT_EVENTS = 12
RUNNING_JOBS = 5


@login_required
@require_safe
def project_list(request: HttpRequest) -> HttpResponse:
    mine = Project.objects.visible_to(request.user)
    page = keyset_page(mine, request.GET.get("cursor", ""), by=("name", "id"), size=PAGE_SIZE)
    counts = standings(page.rows)
    roles = dict(Membership.objects.filter(user=request.user).values_list("project_id", "role"))
    cards = [
        {
            "project": project,
            "role": Role(roles[project.pk]).label if project.pk in roles else "administrator",
            "standing": counts[project.pk],
            "shares": _shares(counts[project.pk]),
            "next_step": next_step(project, counts[project.pk]),
        }
        for project in page.rows
    ]
    return render(request, "labelling/project_list.html", {
        "cards": cards, "form": NewProjectForm(), **page.urls(request.GET),
    })  # fmt: skip


def _shares(now) -> dict[str, int]:
    """Whole percent of the photos that are labelled, and that wait for a person."""
    total = now.images or 1
    labelled = 100 * now.images_labelled // total
    return {"labelled": labelled, "waiting": min(100 - labelled, round(100 * now.images_waiting / total))}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_project(request: HttpRequest) -> HttpResponse:
    form = NewProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            project = create_project(form.cleaned_data["name"], by=request.user)
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, f"“{project.name}” is ready for its first photos.")
            return redirect("ingest", project.slug)
    return render(request, "labelling/project_new.html", {"form": form})


@login_required
@require_safe
def overview(request: HttpRequest, slug: str) -> HttpResponse:
    # Not `open_project`: the steps are needed here too, and should not be counted twice.
    project = project_for(request.user, slug)
    now = recent_standing(project)
    steps = loop_steps(project, now)
    role = role_of(request.user, project)
    return show(
        request,
        "labelling/project.html",
        project,
        "project",
        loop=steps,
        now=now,
        next_step=next_step(project, now, later=steps[STEPS_UP_TO_LABELLING:], to_sort=worth_sorting(project)),
        at_work=_at_work(project),
        jobs=_running_jobs(request.user, project),
        events=_recent_events(project),
        guidelines_html=render_guidelines(project.guidelines),
        is_owner=role >= Role.OWNER,
        may_propose=role >= Role.ENGINEER and now.images > now.images_new,
    )


def _at_work(project: Project) -> list:
    now = timezone.now()
    return [lease for lease in people_at_work(project) if lease.until > now]


def _running_jobs(user, project: Project) -> list[Job]:
    # Those that are put off are not running: looking over labels waits for minutes on purpose.
    put_off = Q(state=State.QUEUED, not_before__gt=Now())
    active = Job.objects.visible_to(user).in_project(project.pk).active().exclude(put_off)
    return with_cancel_rights(user, list(active[:RUNNING_JOBS]))


def _recent_events(project: Project):
    """The last changes, without the full snapshots, which may speak of thousands of faces."""
    return (
        Event.objects.filter(project=project)
        .select_related("actor", "image")
        .defer("before", "after")
        .annotate(
            old_name=KT("before__name"),
            new_name=KT("after__name"),
            face_count=Func(KeyTransform("faces", "after"), function="jsonb_array_length", output_field=IntegerField()),
        )[:RECENT_EVENTS]
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_settings(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug, Role.OWNER)
    form = ProjectSettingsForm(request.POST or None, instance=project)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            if "embedder" in form.changed_data:
                announce(faces_boxed, project.pk)  # none of them has a vector by the other one yet
        settle_later(project, by=request.user)
        messages.success(request, "The settings are saved. They count for photos and labels from now on.")
        return redirect("project-settings", project.slug)
    return show(request, "labelling/project_settings.html", project, "project", form=form)
