"""Import labels: send a file, look at what importing it would do, import it."""

from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from datasets.import_files import apply_import, check_again, keep_file
from datasets.imports import CONFIRMED, KEPT, NAMED, NEW, READERS, REPLACED, SAME
from datasets.models import Import, ImportState
from labelling.errors import Refused
from labelling.forms import add_refusal
from labelling.models import Face, Image, Project, Role
from labelling.paging import keyset_page
from labelling.views.frame import open_project, show, with_cancel_rights

PAGE_SIZE = 30
# What becomes of faces, in the order of the report: the word, a sentence, and how it looks.
OUTCOMES = (
    (NEW, "New boxes", "drawn where no face was", "done"),
    (CONFIRMED, "Proposals confirmed", "the file says they are faces", "confirmed"),
    (NAMED, "Names given", "to faces here that had none", "confirmed"),
    (SAME, "The same", "as people here already said", "unknown"),
    (REPLACED, "Replaced", "the file is believed instead of people here", "proposed"),
    (KEPT, "Left as they are", "people here said something else", "ignored"),
)


class ImportForm(forms.Form):
    file = forms.FileField(label="File of labels", allow_empty_file=False)
    format = forms.ChoiceField(
        required=False, choices=[("", "Find out by itself"), *((name, r.TITLE) for name, r in READERS.items())]
    )
    take_theirs = forms.BooleanField(label="Believe the file where people here said something else", required=False)
    partly = forms.BooleanField(label="Leave out photos that are not here or do not fit", required=False)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_list(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug, Role.ENGINEER)
    form = ImportForm()
    if request.method == "POST" and int(request.META.get("CONTENT_LENGTH") or 0) > settings.ARCHIVE_MAX_BYTES:
        messages.error(request, f"The file is larger than {settings.ARCHIVE_MAX_BYTES // 2**20:,} MB.")
    elif request.method == "POST":
        form = ImportForm(request.POST, request.FILES)
        if form.is_valid():
            asked = dict(form.cleaned_data)
            file = asked.pop("file")
            try:
                row = keep_file(
                    project, file, file.name, asked.pop("format"), uid=uuid4(), by=request.user, **asked
                )  # fmt: skip
                return redirect("import", project.slug, row.pk)
            except Refused as error:
                add_refusal(form, error)
    rows = Import.objects.filter(project=project).defer("report").select_related("created_by")
    page = keyset_page(rows, request.GET.get("cursor", ""), by=("-id",), size=PAGE_SIZE)
    return show(
        request, "datasets/imports.html", project, "imports", form=form, imports=page.rows, **page.urls(request.GET)
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_page(request: HttpRequest, slug: str, import_id: int) -> HttpResponse:
    project = open_project(request, slug, Role.ENGINEER)
    rows = Import.objects.filter(project=project).select_related("job", "created_by", "project")
    row = get_object_or_404(rows, pk=import_id)
    if request.method == "POST":
        _answer(request, row)
        return redirect("import", project.slug, row.pk)
    job = with_cancel_rights(request.user, [row.job])[0] if row.job else None
    report = row.report
    is_blocked = bool(report.get("problems")) and not row.partly
    return show(
        request, "datasets/import.html", project, "imports",
        row=row, job=job, report=report, outcomes=_outcomes(project, report), is_blocked=is_blocked,
        format_title=READERS[row.format].TITLE if row.format in READERS else row.format,
        faces=report.get("faces", 0) - report.get("left_out", 0),
        may_import=row.state == ImportState.CHECKED and not is_blocked,
    )  # fmt: skip


def _answer(request: HttpRequest, row: Import) -> None:
    try:
        if "apply" in request.POST:
            apply_import(row, by=request.user)
        else:
            choices = {name: name in request.POST for name in ("take_theirs", "partly")}
            check_again(row, by=request.user, **choices)
    except Refused as error:
        messages.error(request, error.message)


def _outcomes(project: Project, report: dict) -> list[dict]:
    """Each outcome with its count and its examples, which have pictures as long as their photos and faces are here."""
    examples = report.get("examples", {})
    shown = [example for rows in examples.values() for example in rows]
    images = Image.objects.in_project(project).filter(pk__in={row["image"] for row in shown})
    images = {image.pk: image for image in images.only("pk", "sha256", "width", "height", "name")}
    faces = Face.objects.in_project(project).filter(pk__in={row["face"] for row in shown if "face" in row})
    faces = {face.pk: face for face in faces}
    return [
        {
            "title": title, "text": text, "chip": chip, "count": report.get(name, 0),
            "examples": [
                {**row, "image": images.get(row["image"]), "face": faces.get(row.get("face")),
                 "area": _area(row["box"], images.get(row["image"]))}
                for row in examples.get(name, ())
            ],
        }
        for name, title, text, chip in OUTCOMES
    ]  # fmt: skip


def _area(box: list[float], image: Image | None) -> dict | None:
    """A square around the box, as the part of the photo that an SVG shows."""
    if image is None:
        return None
    x, y, w, h = box
    side = 1.6 * max(w, h)
    left, top = x + w / 2 - side / 2, y + h / 2 - side / 2
    return {
        "view": f"{left:.1f} {top:.1f} {side:.1f} {side:.1f}",
        **dict(zip("xywh", (f"{number:.1f}" for number in box), strict=True)),
    }
