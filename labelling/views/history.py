"""History: of the project with filters, of one photo, of one person."""

from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from labelling.forms import HistoryFilterForm
from labelling.history import ORDER, entries, history
from labelling.models import Identity, Image, Project
from labelling.near_duplicates import others_like
from labelling.originals import shown
from labelling.paging import keyset_page
from labelling.views.frame import open_project, show

PAGE_SIZE = 50


@login_required
@require_safe
def project_history(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug)
    form = HistoryFilterForm(request.GET, actors=_actors(project))
    events = _filtered(history(project, request.user), project, form)
    asked = any(request.GET.get(name) for name in form.fields)
    return _show(request, project, events, "history", form=form, is_filtered=asked)


def _actors(project: Project) -> QuerySet:
    """Who works in it now; a former member's changes stay in the list without a filter of their own."""
    return get_user_model().objects.filter(membership__project=project).order_by("username")


def _filtered(events: QuerySet, project: Project, form: HistoryFilterForm) -> QuerySet:
    if not form.is_valid():
        return events.none()
    asked = form.cleaned_data
    if asked["verb"]:
        events = events.filter(verb=asked["verb"])
    if asked["actor"]:
        events = events.filter(actor=asked["actor"])
    if asked["person"]:
        people = Identity.objects.filter(project=project).called(asked["person"])
        events = events.filter(identities__overlap=list(people.values_list("pk", flat=True)) or [0])
    return events


@login_required
@require_safe
def image_history(request: HttpRequest, slug: str, image_id: int) -> HttpResponse:
    project = open_project(request, slug)
    image = get_object_or_404(Image.objects.select_related("elsewhere"), project=project, pk=image_id)
    events = history(project, request.user, image=image.pk)
    place = getattr(image, "elsewhere", None)
    return _show(
        request, project, events, "images",
        image=image, others_like=others_like(image), stays=shown(place) if place else "",
    )  # fmt: skip


@login_required
@require_safe
def identity_history(request: HttpRequest, slug: str, identity_id: int) -> HttpResponse:
    project = open_project(request, slug)
    person = get_object_or_404(Identity, project=project, pk=identity_id)
    return _show(request, project, history(project, request.user, person=person.pk), "identities", person=person)


def _show(request: HttpRequest, project: Project, events: QuerySet, nav: str, **context) -> HttpResponse:
    page = keyset_page(events, request.GET.get("cursor", ""), by=ORDER, size=PAGE_SIZE)
    return show(
        request, "labelling/history.html", project, nav,
        entries=entries(page.rows, project, request.user), **context, **page.urls(request.GET),
    )  # fmt: skip
