"""What changed from one version to another: progress while a job compares them, then figures and lists with crops."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from datasets.change_file import Found
from datasets.changes import KINDS
from datasets.comparisons import changes_of, compare_again, comparison_of
from datasets.diff_page import HINTS, before_and_after, first_kind, items, moves, tiles
from datasets.models import Comparison, ComparisonState, Version
from datasets.paged_table import cut
from labelling import storage
from labelling.errors import Refused
from labelling.models import Project
from labelling.views.frame import open_project, show, with_cancel_rights

PAGE_SIZE = 48
_NONE = dict.fromkeys(KINDS, 0)


@login_required
@require_safe
def choose(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """To the comparison with the version that was chosen (`against`), or with the one before."""
    project = open_project(request, slug)
    new = _versions(project, number)[number]
    against = request.GET.get("against", "")
    if against.isascii() and against.isdecimal() and len(against) < 9:
        return redirect("version-diff", slug, number, int(against))
    if new.parent_id is None:
        messages.error(request, "No version came before this one; choose one to compare it with.")
        return redirect("version", slug, number)
    return redirect(
        "version-diff", slug, number, Version.objects.values_list("number", flat=True).get(pk=new.parent_id)
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, slug: str, number: int, against: int) -> HttpResponse:
    """From version `against` to version `number`. Posting compares once more, after it failed."""
    project = open_project(request, slug)
    versions = _versions(project, number, against)
    old, new = versions[against], versions[number]
    try:
        comparison = comparison_of(old, new, by=request.user)
        if request.method == "POST":
            compare_again(comparison, by=request.user)
            return redirect("version-diff", slug, number, against)
        if comparison.state == ComparisonState.DONE:
            return _done(request, project, comparison)
    except Refused as error:
        return _wait(request, project, old, new, refusal=error.message)
    except storage.ObjectMissing:
        lost = "The list of what changed is gone from the object store. Compare again: it is worked out anew."
        return _wait(request, project, old, new, failure=lost)
    except storage.StoreAway:
        away = "The object store does not answer. Load this page again in a moment; nothing is lost."
        return _wait(request, project, old, new, refusal=away, status=503)
    if comparison.state == ComparisonState.FAILED:
        return _wait(request, project, old, new, failure=comparison.message)
    return _wait(request, project, old, new, job=comparison.job)


def _versions(project: Project, *numbers: int) -> dict[int, Version]:
    """By number, without their figures per person. Raises Http404."""
    found = Version.objects.filter(project=project, number__in=numbers).defer("statistics").with_tags()
    versions = {version.number: version for version in found}
    if len(versions) < len(set(numbers)):
        raise Http404("There is no such version.")
    for version in versions.values():
        version.project = project
    return versions


def _wait(request: HttpRequest, project: Project, old: Version, new: Version, *, job=None, status=200, **said):
    if job:
        with_cancel_rights(request.user, [job])
    answer = show(
        request, "datasets/diff_waiting.html", project, "versions", old=old, new=new, job=job,
        refusal=said.get("refusal", ""), failure=said.get("failure", ""),
    )  # fmt: skip
    answer.status_code = status
    return answer


def _done(request: HttpRequest, project: Project, comparison: Comparison) -> HttpResponse:
    person = request.GET.get("identity", "").replace("\0", "").strip()[:120]
    refusal = ""
    try:
        kind, found, slice_ = _part(request, comparison, person)
    except Refused as error:
        refusal, kind, found, slice_ = (
            error.message,
            first_kind(_NONE),
            Found(_NONE, []),
            cut(0, request.GET, PAGE_SIZE),
        )
    return show(
        request, "datasets/diff.html", project, "versions",
        old=comparison.old, new=comparison.new, summary=comparison.summary,
        moves=moves(comparison.summary), figures=before_and_after(comparison.summary),
        tiles=tiles(found.counts), kind=kind, title=KINDS[kind], hint=HINTS[kind], person=person, refusal=refusal,
        items=items(project, found.rows), slice=slice_, is_filtered=bool(person),
    )  # fmt: skip


def _part(request: HttpRequest, comparison: Comparison, person: str):
    """Which kind is shown, the part of its list on this page, and where in the list that is."""
    counts = comparison.summary["counts"]
    if person:
        counts = changes_of(comparison, person=person, most=0).counts
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else first_kind(counts)
    slice_ = cut(counts[kind], request.GET, PAGE_SIZE)
    found = changes_of(comparison, kind=kind, person=person, start=slice_.start, most=PAGE_SIZE)
    return kind, Found(counts, found.rows), slice_
