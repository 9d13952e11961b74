"""What the page of a person changes by its forms: faces taken away, suggestions accepted, two people merged."""

import uuid
from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from labelling.access import require_role
from labelling.assign import assign_faces
from labelling.errors import NotSame, Refused, Twice
from labelling.find_people import people_called
from labelling.forms import AcceptForm, IdentityFilterForm, MergeForm, SplitForm, add_refusal
from labelling.identities import attach_portraits
from labelling.merge import merge_people
from labelling.models import Event, Face, Identity, Project, Role
from labelling.objections import both_in_photo, said_not_same, told
from labelling.split import split_person
from labelling.views.frame import open_project, show

GALLERY = 40  # faces of each of the two people that are compared
FOUND = 30


def say(request: HttpRequest, event: Event, words: str) -> None:
    """Said on the next page, with a button that takes it back."""
    messages.success(request, words, extra_tags=reverse("api-undo", args=[event.pk]))


def split(request: HttpRequest, project: Project, person: Identity, page: Callable) -> HttpResponse:
    """`page(split_form=…)` shows the person again with what was refused."""
    require_role(request.user, project, Role.REVIEWER)
    form = SplitForm(request.POST)
    if form.is_valid():
        asked = form.cleaned_data
        try:
            event = split_person(
                person, asked["faces"], to=asked["to"] or None, by=request.user, event_id=asked["event_id"],
                remember=asked["remember"], allow_twice=asked["allow_twice"], allow_not_same=asked["allow_not_same"],
            )  # fmt: skip
        except Refused as error:
            refuse(form, error)
        else:
            moved = len(event.before["moved"])
            faces = f"{moved:,} face{'' if moved == 1 else 's'}"
            where = f"are “{event.after['name']}” now" if event.after["name"] else f"are not “{person.name}” any more"
            say(request, event, f"{faces} {where if moved > 1 else where.replace('are', 'is', 1)}.")
            return redirect("identity", project.slug, person.pk)
    return page(split_form=form)


def accept(request: HttpRequest, project: Project, person: Identity, page: Callable) -> HttpResponse:
    """Suggested faces are this person's, or are not: then that is remembered."""
    form = AcceptForm(request.POST)
    if form.is_valid():
        faces, no = form.cleaned_data["faces"], form.cleaned_data["answer"] == "no"
        try:
            event = assign_faces(
                project, [] if no else faces, person, strangers=faces if no else (), by=request.user,
                event_id=form.cleaned_data["event_id"],
            )  # fmt: skip
        except Refused as error:
            add_refusal(form, error)
        else:
            many = len(faces) != 1
            verb = ("are" if many else "is") + (" not" if no else "")
            say(request, event, f"{len(faces):,} face{'s' if many else ''} {verb} “{person.name}”.")
            return redirect("identity", project.slug, person.pk)
    return page(accept_form=form)


def refuse(form, error: Refused) -> None:
    """Show the refusal, and offer to overrule it where that is possible."""
    form.may_overrule = {Twice: "allow_twice", NotSame: "allow_not_same"}.get(type(error))
    form.add_error(None, error.message)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def merge_page(request: HttpRequest, slug: str, identity_id: int) -> HttpResponse:
    """Choose whom somebody is merged into, look at both, and decide."""
    project = open_project(request, slug, Role.REVIEWER)
    person = get_object_or_404(Identity.objects.in_project(project), pk=identity_id)
    asked = request.POST.get("into") or request.GET.get("into", "")
    into = None
    if asked.isascii() and asked.isdecimal() and len(asked) < 19:
        into = Identity.objects.in_project(project).exclude(pk=person.pk).filter(pk=int(asked)).first()
    if into is None:
        return _choose(request, project, person)
    if request.method == "POST":
        return _merge(request, project, person, into)
    return _compare(request, project, person, into)


def _choose(request: HttpRequest, project: Project, person: Identity) -> HttpResponse:
    form = IdentityFilterForm(request.GET)
    sought = form.cleaned_data["q"] if form.is_valid() else ""
    people = people_called(project, sought).order_by("place", "pk") if sought else Identity.objects.none()
    found = attach_portraits(list(people.exclude(pk=person.pk).with_face_counts()[:FOUND]))
    return show(
        request, "labelling/merge_choose.html", project, "identities",
        person=person, form=form, q=sought, found=found,
    )  # fmt: skip


def _compare(request: HttpRequest, project: Project, person: Identity, into: Identity, form=None) -> HttpResponse:
    counts = [Face.objects.filter(identity=one).count() for one in (person, into)]
    theirs = Face.objects.filter(identity=person)
    both = both_in_photo(theirs, into)
    words = said_not_same(theirs, into) | said_not_same(Face.objects.filter(identity=into), person)
    initial = {"into": into.pk, "event_id": uuid.uuid4(), "faces": counts[0], "into_faces": counts[1]}
    return show(
        request, "labelling/merge.html", project, "identities",
        person=person, into=into, form=form or MergeForm(initial=initial),
        sides=[{"person": one, "count": count, "faces": _gallery(one)} for one, count in zip(
            (person, into), counts, strict=True)],
        shared=told(both), shared_count=len({one.image for one in both}), not_same_count=words.distinct().count(),
    )  # fmt: skip


def _gallery(person: Identity):
    return Face.objects.filter(identity=person).select_related("image").order_by("pk")[:GALLERY]


def _merge(request: HttpRequest, project: Project, person: Identity, into: Identity) -> HttpResponse:
    form = MergeForm(request.POST)
    if form.is_valid():
        asked = form.cleaned_data
        try:
            event = merge_people(
                person, into, by=request.user, event_id=asked["event_id"],
                seen={"faces": asked["faces"], "into_faces": asked["into_faces"]},
                allow_twice=asked["allow_twice"], allow_not_same=asked["allow_not_same"],
            )  # fmt: skip
        except Refused as error:
            messages.error(request, error.message)
            # Fresh numbers and a fresh look: what was seen is not what is there, or something stands against it.
            return redirect(f"{reverse('identity-merge', args=[project.slug, person.pk])}?into={into.pk}")
        say(request, event, f"“{event.before['name']}” is “{event.after['name']}” now.")
        return redirect("identity", project.slug, into.pk)
    return _compare(request, project, person, into, form)
