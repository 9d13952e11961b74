"""Verification pairs on the page of a version."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from datasets.forms import PairsForm
from datasets.models import PairList, Version
from datasets.pair_lists import start_pairs, warning
from labelling.errors import Refused
from labelling.models import Role
from labelling.views.frame import open_project


@login_required
@require_POST
def make(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    project = open_project(request, slug, Role.ENGINEER)
    version = get_object_or_404(Version.objects.select_related("project"), project=project, number=number)
    form = PairsForm(request.POST)
    if form.is_valid():
        try:
            start_pairs(version, by=request.user, **form.cleaned_data)
        except Refused as error:
            messages.error(request, error.message)
        else:
            messages.success(request, "The pairs are being made. They appear below and can be downloaded then.")
    else:
        name, errors = next(iter(form.errors.items()))
        messages.error(request, f"{form.fields[name].label}: {errors[0]} No pairs were made.")
    return redirect(reverse("version", args=[project.slug, version.number]) + "#pairs")


def lists_of(version: Version) -> list[PairList]:
    """Newest first, each with `warning`."""
    lists = list(version.pair_lists.select_related("job", "created_by"))
    for made in lists:
        made.warning = warning(made.counts) if made.counts else ""
    return lists
