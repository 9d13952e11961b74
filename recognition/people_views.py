"""Pages about people that come from recognition: look-alikes, and the forecast of a merge or a split."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from jobs.enqueue import enqueue
from jobs.models import Job, Queue
from labelling.access import require_role, role_of
from labelling.constraints import link_faces
from labelling.errors import Refused
from labelling.models import Face, Identity, Project, Role
from labelling.paging import keyset_page
from labelling.views.frame import open_project, show
from recognition.alike_people import look_alikes
from recognition.forms import TellApartForm
from recognition.work_left import look_alikes_now

PAGE_SIZE = 30


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def forecast(request: HttpRequest, slug: str, identity_id: int) -> HttpResponse:
    """POST asks for one; GET with its `job` shows how far it is, and what came of it."""
    project = open_project(request, slug, Role.REVIEWER)
    person = get_object_or_404(Identity.objects.in_project(project), pk=identity_id)
    if request.method == "POST":
        params = _params(request, project, person)
        if params is None:
            return HttpResponseBadRequest("Say whom to merge into, or which faces to take away.")
        job = enqueue(
            "forecast", title=f"What would change for {person.name}"[:200], project_id=project.pk, params=params,
            queue=Queue.INTERACTIVE, by=request.user,
        )  # fmt: skip
    else:
        job = _job(request, project)
    context = {"project": project, "person": person, "job": job, **_crops(project, job.result)}
    return render(request, "recognition/_forecast.html", context)


def _params(request: HttpRequest, project: Project, person: Identity) -> dict | None:
    people = Identity.objects.in_project(project)
    into = _whole(request.POST.get("into"))
    if into and into != person.pk and people.filter(pk=into).exists():
        return {"merge": person.pk, "into": into}
    faces = sorted({pk for pk in map(_whole, request.POST.getlist("faces")[:10_000]) if pk})
    if not faces:
        return None
    other = people.called(request.POST.get("to", "").replace("\0", "")).exclude(pk=person.pk).first()
    return {"split": person.pk, "faces": faces, "to": other and other.pk}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def look_alike_list(request: HttpRequest, slug: str) -> HttpResponse:
    """POST compares everybody again, or remembers of one pair that they are two people."""
    project = open_project(request, slug)
    if request.method == "POST":
        require_role(request.user, project, Role.REVIEWER)
        if request.POST.get("pair"):
            _tell_apart(request, project)
        else:
            look_alikes_now(project.pk, by=request.user)
            messages.success(request, "Everybody is compared again; the list changes when that is done.")
        return redirect("look-alikes", project.slug)
    pairs = look_alikes(project)
    page = keyset_page(pairs, request.GET.get("cursor", ""), by=("-similarity", "id"), size=PAGE_SIZE)
    active = Job.objects.in_project(project.pk).filter(kind="look_alikes").active()
    return show(
        request, "recognition/look_alikes.html", project, "identities",
        pairs=page.rows, jobs=list(active[:1]), new_event_id=uuid.uuid4,
        may_edit=role_of(request.user, project) >= Role.REVIEWER, **page.urls(request.GET),
    )  # fmt: skip


def _tell_apart(request: HttpRequest, project: Project) -> None:
    """Kept as a word about the two closest faces, so that it holds wherever those faces go."""
    pair = look_alikes(project).filter(pk=_whole(request.POST.get("pair"))).first()
    form = TellApartForm(request.POST)
    if pair is None or not form.is_valid() or not (pair.face_id and pair.other_face_id):
        messages.error(request, "These two are not in the list any more; look again.")
        return
    try:
        event = link_faces(
            project, pair.face_id, pair.other_face_id, same=False, by=request.user,
            event_id=form.cleaned_data["event_id"],
        )  # fmt: skip
    except Refused as error:
        messages.error(request, error.message)
        return
    words = f"“{pair.identity.name}” and “{pair.other.name}” are two people."
    messages.success(request, words, extra_tags=reverse("api-undo", args=[event.pk]))


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else None


def _job(request: HttpRequest, project: Project) -> Job:
    asked = _whole(request.GET.get("job"))
    job = Job.objects.in_project(project.pk).filter(kind="forecast", pk=asked).first()
    if job is None:
        raise Http404("There is no such forecast.")
    return job


def _crops(project: Project, result: dict) -> dict:
    closest = result.get("likeness", {}).get("closest")
    if not closest:
        return {}
    faces = Face.objects.in_project(project).in_bulk([closest["face"], closest["other"]])
    return {"closest": [faces.get(closest["face"]), faces.get(closest["other"])]}
