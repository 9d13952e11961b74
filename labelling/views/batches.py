"""Batches on the Work page: made, handed on, given back. From reviewer on."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from labelling.access import project_for
from labelling.batches import Choice, assign_batch, give_back, make_batch
from labelling.errors import Refused
from labelling.forms import AssignBatchForm, BatchForm, add_refusal
from labelling.models import Batch, Role
from labelling.next_step import counted
from labelling.projects import members_of
from labelling.views.work import work_page


@login_required
@require_POST
def new_batch(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_for(request.user, slug, Role.REVIEWER)
    form = BatchForm(request.POST, members=members_of(project))
    if form.is_valid():
        asked = form.cleaned_data
        choice = Choice(asked["count"], session=asked["session"], q=asked["q"])
        try:
            batch = make_batch(project, asked["name"], choice, by=request.user, assigned_to=asked["assigned_to"])
        except Refused as error:
            add_refusal(form, error)
        else:
            photos = counted(batch.images.count(), "photo")
            messages.success(request, f"“{batch.name}” holds {photos} for {_whom(batch.assigned_to)}.")
            return redirect("work", project.slug)
    return work_page(request, project, form)


@login_required
@require_POST
def change_batch(request: HttpRequest, slug: str, batch_id: int) -> HttpResponse:
    project = project_for(request.user, slug, Role.REVIEWER)
    batch = get_object_or_404(Batch, project=project, pk=batch_id)
    form = AssignBatchForm(request.POST, members=members_of(project))
    if form.is_valid():
        user = form.cleaned_data["assigned_to"]
        assign_batch(batch, user)
        messages.success(request, f"What waits of “{batch.name}” is for {_whom(user)} now.")
    else:
        messages.error(request, "That person is no member of this project; nothing was changed.")
    return redirect("work", project.slug)


@login_required
@require_POST
def end_batch(request: HttpRequest, slug: str, batch_id: int) -> HttpResponse:
    project = project_for(request.user, slug, Role.REVIEWER)
    batch = get_object_or_404(Batch, project=project, pk=batch_id)
    left = give_back(batch)
    messages.success(request, f"“{batch.name}” is ended; {counted(left, 'photo')} of it went back to everybody.")
    return redirect("work", project.slug)


def _whom(user) -> str:
    return user.get_username() if user else "everybody"
