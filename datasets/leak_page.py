"""The leak report on the page of a version: what was looked for, what was found, and pairs of faces to look at."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from datasets.leaks import KINDS, ask_for_report
from datasets.models import LeakReport, LeakState, Version
from datasets.splits import OPEN
from labelling.errors import Refused
from labelling.models import Face, Role
from labelling.views.frame import open_project


def leaks_of(version: Version) -> dict:
    """`report`, or None; `parts`: of each kind the count, what it means here, and examples with their faces."""
    report: LeakReport | None = getattr(version, "leak_report", None)
    if report is None or report.state != LeakState.DONE:
        return {"report": report, "parts": []}
    wanted = {pk for part in report.found.values() for one in part["examples"] for pk in one["faces"] if pk}
    faces = Face.objects.filter(project=version.project_id).in_bulk(wanted) if wanted else {}
    parts = [_part(kind, report.found[kind], faces, version) for kind in KINDS if kind in report.found]
    return {"report": report, "parts": parts}


def _part(kind: str, part: dict, faces: dict[int, Face], version: Version) -> dict:
    examples = [
        {
            "name": one["name"],
            "sides": [
                {"face": faces.get(pk), "split": split} for pk, split in zip(one["faces"], one["splits"], strict=True)
            ],
        }
        for one in part["examples"]
    ]
    return {
        "kind": kind,
        "words": KINDS[kind][part["found"] != 1],
        "found": part["found"],
        "hint": _hint(kind, part, version),
        "examples": examples,
    }


def _hint(kind: str, part: dict, version: Version) -> str:
    if kind == "person":
        if version.split_policy.get("kind") == OPEN:
            return "Nobody who is tested may be learnt in an open set."
        return f"No leak here: {part['on_two_sides']:,} are learnt and tested, as this split wants it."
    if kind == "session":
        return "Photos of one session look alike; each should be on one side."
    if kind == "near_duplicate":
        return "Frames of a burst, or one photo saved twice."
    return _hint_of_twins(part)


def _hint_of_twins(part: dict) -> str:
    if not part["looked_at"]:
        return "Not looked at: no test face has a vector yet. Look again once faces have been recognised."
    said = [f"By their vectors ({part['embedder']}, cosine {part['threshold']} or more) as good as one picture."]
    if part["looked_at"] < part["tested"]:
        said.append(f"{part['looked_at']:,} of {part['tested']:,} test faces were looked at.")
    if part["without_vector"]:
        said.append(f"{part['without_vector']:,} faces have no vector of their frozen box.")
    return " ".join(said)


@login_required
@require_POST
def look_again(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    project = open_project(request, slug, Role.ENGINEER)
    version = get_object_or_404(Version.objects.select_related("project"), project=project, number=number)
    try:
        ask_for_report(version, by=request.user)
    except Refused as error:
        messages.error(request, error.message)
    return redirect(reverse("version", args=[project.slug, version.number]) + "#leaks")
