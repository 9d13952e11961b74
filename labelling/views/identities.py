"""People: the list of them, and one person with their faces."""

import json
import uuid
from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, OuterRef, QuerySet, Window
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from labelling.access import require_role, role_of
from labelling.describe import describe_person
from labelling.errors import Refused
from labelling.find_people import people_called
from labelling.forms import IdentityDetailsForm, IdentityFilterForm, RenameForm, add_refusal
from labelling.history import ORDER, entries, history
from labelling.identities import attach_portraits, rename_identity
from labelling.models import Event, Face, Identity, Project, Role, Suggestion
from labelling.models.faces import Folded
from labelling.paging import keyset_page
from labelling.person_context import more_about
from labelling.views import identity_changes
from labelling.views.frame import open_project, show

PAGE_SIZE = 60
SUGGESTIONS_SHOWN = 60
EVENTS_SHOWN = 5
ORDERS = {
    "name": ("folded_name", "id"),
    "-name": ("-folded_name", "-id"),
    "faces": ("face_count", "id"),
    "-faces": ("-face_count", "-id"),
}


@login_required
@require_safe
def identity_list(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug)
    form = IdentityFilterForm(request.GET)
    sort = request.GET.get("sort", "name")
    sort = sort if sort in ORDERS else "name"
    people = _matching(project, form).with_face_counts()
    page = keyset_page(people, request.GET.get("cursor", ""), by=ORDERS[sort], size=PAGE_SIZE)
    return show(
        request, "labelling/identities.html", project, "identities",
        form=form, sort=sort, q=form.data.get("q", ""), people=attach_portraits(page.rows), **page.urls(request.GET),
    )  # fmt: skip


def _matching(project: Project, form: IdentityFilterForm) -> QuerySet:
    q = form.cleaned_data["q"] if form.is_valid() else ""
    if q:
        return people_called(project, q)
    return Identity.objects.in_project(project).annotate(folded_name=Folded("name"))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def identity_page(request: HttpRequest, slug: str, identity_id: int) -> HttpResponse:
    project = open_project(request, slug)
    people = Identity.objects.filter(erased_at=None).select_related("merged_into").with_face_counts()
    identity = get_object_or_404(people, project=project, pk=identity_id)
    identity.project = project
    if request.method != "POST":
        return _page(request, project, identity)
    if identity.merged_into_id:
        raise Http404("Who was merged into somebody is changed by nothing but taking that back.")
    page = partial(_page, request, project, identity)
    asked = request.POST.get("form")
    if asked == "accept":  # a label like any other
        return identity_changes.accept(request, project, identity, page)
    if asked == "split":
        return identity_changes.split(request, project, identity, page)
    require_role(request.user, project, Role.REVIEWER)
    return _rename(request, project, identity) if asked == "rename" else _describe(request, project, identity)


def _page(request: HttpRequest, project: Project, identity: Identity, **forms) -> HttpResponse:
    faces = Face.objects.named().filter(identity=identity).select_related("image")
    page = keyset_page(faces, request.GET.get("cursor", ""), by=("-id",), size=PAGE_SIZE)
    suggestions = list(_suggested(identity)[:SUGGESTIONS_SHOWN])
    events = history(project, request.user, person=identity.pk).order_by(*ORDER)[:EVENTS_SHOWN]
    context = {
        "identity": identity,
        "face_count": identity.face_count,
        "faces": page.rows,
        "suggestions": suggestions,
        "suggestion_count": suggestions[0].all_of_them if suggestions else 0,
        "may_edit": role_of(request.user, project) >= Role.REVIEWER and identity.merged_into_id is None,
        "rename_form": _rename_form(identity),
        "details_form": IdentityDetailsForm(instance=identity),
        "entries": entries(list(events), project, request.user),
        "new_event_id": uuid.uuid4,
        **more_about(identity),
        **page.urls(request.GET),
    }
    return show(request, "labelling/identity.html", project, "identities", **{**context, **forms})


def _suggested(identity: Identity) -> QuerySet:
    """Faces nobody has named yet whose likeliest name is this person's, most probable first."""
    waiting = Face.objects.waiting().filter(pk=OuterRef("face"))
    suggestions = Suggestion.objects.filter(identity=identity, rank=1, face__in=waiting.values("pk"))
    counted = suggestions.annotate(all_of_them=Window(Count("*")))
    return counted.select_related("face").order_by("-probability", "face_id")


def _rename_form(identity: Identity) -> RenameForm:
    return RenameForm(initial={"name": identity.name})


def _rename(request: HttpRequest, project: Project, identity: Identity) -> HttpResponse:
    form = RenameForm(request.POST)
    event = None
    if form.is_valid():
        try:
            event = rename_identity(
                identity, form.cleaned_data["name"], by=request.user, event_id=form.cleaned_data["event_id"]
            )
        except Refused as error:
            add_refusal(form, error)
    if not request.htmx:
        if event is None:
            return _page(request, project, identity, rename_form=form)
        messages.success(request, _renamed(event))
        return redirect("identity", project.slug, identity.pk)
    return _head(request, project, identity, form, event)


def _head(
    request: HttpRequest, project: Project, identity: Identity, form: RenameForm, event: Event | None
) -> HttpResponse:
    """The part of the page that a rename changes, with a toast that can take it back."""
    if event is not None:
        identity.refresh_from_db(fields=["name"])
        form = _rename_form(identity)
    context = {"project": project, "identity": identity, "rename_form": form, "may_edit": True}
    response = render(request, "labelling/_identity_head.html", context)
    if event is not None:
        toast = {"message": _renamed(event), "tone": "success", "undo_url": reverse("api-undo", args=[event.pk])}
        response["HX-Trigger"] = json.dumps({"facet:toast": toast})
    return response


def _renamed(event: Event) -> str:
    return f"Renamed “{event.before['name']}” to “{event.after['name']}”."


def _describe(request: HttpRequest, project: Project, identity: Identity) -> HttpResponse:
    form = IdentityDetailsForm(request.POST, instance=Identity.objects.get(pk=identity.pk))
    if form.is_valid():
        asked = {"event_id": form.cleaned_data["event_id"], "seen": form.cleaned_data["seen"]}
        try:
            describe_person(identity, form.changes(), by=request.user, **asked)
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, f"Saved what is known about “{identity.name}”.")
            return redirect("identity", project.slug, identity.pk)
    return _page(request, project, identity, details_form=form)
