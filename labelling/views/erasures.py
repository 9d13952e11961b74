"""Erase a person: what would go, the word that confirms it, and the report of what went."""

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from labelling.api.erasures import ErasureSerializer
from labelling.erase import erase_person, preview
from labelling.errors import Refused
from labelling.forms import add_refusal
from labelling.models import Erasure, Identity, PhotoFate, Role
from labelling.paging import keyset_page
from labelling.views.frame import open_project, show, with_cancel_rights

PAGE_SIZE = 50
FATES = [(PhotoFate.DELETE, "Delete them"), (PhotoFate.PAINT, "Keep them, face painted over")]


class EraseForm(forms.Form):
    alone = forms.ChoiceField(
        label="Photos that show nobody else", choices=FATES, initial=PhotoFate.DELETE, widget=forms.RadioSelect
    )
    shared = forms.ChoiceField(
        label="Photos that show others too", choices=FATES[::-1], initial=PhotoFate.PAINT, widget=forms.RadioSelect
    )
    confirm = forms.CharField(
        label="Type the person's name", max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def erase_page(request: HttpRequest, slug: str, identity_id: int) -> HttpResponse:
    project = open_project(request, slug, Role.OWNER)
    identity = get_object_or_404(Identity.objects.select_related("merged_into"), project=project, pk=identity_id)
    identity.project = project
    form = EraseForm(request.POST or None)
    known = Erasure.objects.filter(identity=identity).first()
    if request.method == "POST" and (known or form.is_valid()):
        try:
            asked = form.cleaned_data if form.is_valid() else {"confirm": ""}
            erasure = erase_person(identity, by=request.user, **asked)
            return redirect("erasure", project.slug, erasure.pk)
        except Refused as error:
            add_refusal(form, error)
    if known:
        return redirect("erasure", project.slug, known.pk)
    return show(
        request, "labelling/erase.html", project, "identities", identity=identity, form=form, seen=preview(identity)
    )


@login_required
@require_safe
def erasure_list(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug, Role.OWNER)
    rows = Erasure.objects.filter(project=project).select_related("asked_by")
    page = keyset_page(rows, request.GET.get("cursor", ""), by=("-id",), size=PAGE_SIZE)
    return show(request, "labelling/erasures.html", project, "identities", erasures=page.rows, **page.urls(request.GET))


@login_required
@require_safe
def erasure_page(request: HttpRequest, slug: str, erasure_id: int) -> HttpResponse:
    project = open_project(request, slug, Role.OWNER)
    rows = Erasure.objects.filter(project=project).select_related("asked_by", "job")
    erasure = get_object_or_404(rows, pk=erasure_id)
    if request.GET.get("form") == "json":
        answer = JsonResponse(ErasureSerializer(erasure).data, json_dumps_params={"indent": 1})
        answer["Content-Disposition"] = f'attachment; filename="{project.slug}-erasure-{erasure.pk}.json"'
        return answer
    job = with_cancel_rights(request.user, [erasure.job])[0] if erasure.job else None
    return show(
        request, "labelling/erasure.html", project, "identities", erasure=erasure, report=erasure.report, job=job
    )
