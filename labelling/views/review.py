"""The Review pages: labelled photos to look over, disputes, flags, known photos, and how far people agree."""

from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from labelling.agreement import agreement, comparisons_of, over_all, share
from labelling.models import Face, Gold, Membership, Opinion, Project, RemarkKind, Role
from labelling.paging import keyset_page
from labelling.remarks import open_remarks
from labelling.review_queue import how_far, tab_counts
from labelling.said import rows_of, same, with_people_of_now
from labelling.views.frame import open_project, show

PAGE_SIZE = 40
OPINIONS_COMPARED = 4_000


@login_required
@require_safe
def review_page(request: HttpRequest, slug: str) -> HttpResponse:
    """The page around the photos, which come over the API. `?by=` and `?order=sample` choose among them."""
    project = open_project(request, slug, Role.REVIEWER)
    members = Membership.objects.filter(project=project).order_by("user__username")
    return _show(
        request, "review.html", project,
        progress=how_far(project), labellers=members.values_list("user__username", flat=True),
        by=request.GET.get("by", ""), order="sample" if request.GET.get("order") == "sample" else "oldest",
    )  # fmt: skip


@login_required
@require_safe
def disputes_page(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug, Role.REVIEWER)
    return _show(request, "review_disputes.html", project, overlap=project.settings.overlap)


@login_required
@require_safe
def flags_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Open remarks, newest first; `?kind=` shows flags or returned photos only."""
    project = open_project(request, slug, Role.REVIEWER)
    kind = request.GET.get("kind", "")
    remarks = open_remarks(project).select_related("image", "face", "author", "to")
    if kind in RemarkKind.values:
        remarks = remarks.filter(kind=kind)
    page = keyset_page(remarks, request.GET.get("cursor", ""), by=("-id",), size=PAGE_SIZE)
    return _show(
        request, "review_flags.html", project,
        remarks=page.rows, kind=kind, kinds=RemarkKind.choices, **page.urls(request.GET),
    )  # fmt: skip


@login_required
@require_safe
def gold_page(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug, Role.REVIEWER)
    golds = Gold.objects.filter(project=project).select_related("image", "created_by")
    answered = Count("image__opinions", filter=Q(image__opinions__is_gold=True))
    page = keyset_page(golds.annotate(answers=answered), request.GET.get("cursor", ""), by=("-id",), size=PAGE_SIZE)
    return _show(
        request, "review_gold.html", project,
        golds=_with_changes(page.rows), known=golds.count(), every=project.settings.gold_every,
        people=_accuracy(project), is_owner=_is_owner(request, project), **page.urls(request.GET),
    )  # fmt: skip


@login_required
@require_safe
def agreement_page(request: HttpRequest, slug: str) -> HttpResponse:
    """From the newest opinions: with very many, older ones tell little about how people label now."""
    project = open_project(request, slug, Role.REVIEWER)
    pairs = comparisons_of(project, newest=OPINIONS_COMPARED)
    names = dict(
        get_user_model().objects.filter(pk__in={pk for pair in pairs for pk in pair}).values_list("pk", "username")
    )
    rows = [
        {"one": names[one], "other": names[other], "figures": agreement(comparisons)}
        for (one, other), comparisons in pairs.items()
    ]
    rows.sort(key=lambda row: -row["figures"].faces)
    return _show(
        request, "review_agreement.html", project,
        overall=over_all(pairs.values()), rows=rows, chart=_chart(rows),
        overlap=project.settings.overlap, most=OPINIONS_COMPARED, is_owner=_is_owner(request, project),
    )  # fmt: skip


def _show(request: HttpRequest, template: str, project: Project, **context) -> HttpResponse:
    return show(
        request, f"labelling/{template}", project, "review", review_counts=tab_counts(project), **context
    )  # fmt: skip


def _is_owner(request: HttpRequest, project: Project) -> bool:
    return Project.objects.with_role(request.user, Role.OWNER).filter(pk=project.pk).exists()


def _with_changes(golds: list[Gold]) -> list[Gold]:
    """Tells each known photo, as `has_changed`, whether its labels are no longer what was vouched for."""
    faces: dict[int, list[Face]] = {gold.image_id: [] for gold in golds}
    for face in Face.objects.filter(image__in=faces).select_related("identity"):
        faces[face.image_id].append(face)
    for gold, truth in zip(golds, with_people_of_now([gold.truth for gold in golds]), strict=True):
        gold.has_changed = not same(rows_of(faces[gold.image_id]), truth)
    return golds


def _accuracy(project: Project) -> list[dict]:
    """Per annotator, those with most answers first."""
    answers = Opinion.objects.filter(project=project, is_gold=True, user__isnull=False).order_by()
    people = answers.values("user__username").annotate(
        photos=Count("pk"), faces_right=Sum("right"), faces_wrong=Sum("wrong")
    )
    return [
        {
            "name": row["user__username"],
            "photos": row["photos"],
            "right": share(row["faces_right"], row["faces_right"] + row["faces_wrong"]),
        }
        for row in people.order_by("-photos", "user__username")
    ]


def _chart(rows: list[dict]) -> list[dict]:
    return [
        {
            "pair": f"{row['one']} and {row['other']}",
            "same": row["figures"].same.value,
            "low": row["figures"].same.low,
            "high": row["figures"].same.high,
            "kappa": row["figures"].kappa,
            "faces": row["figures"].faces,
        }
        for row in rows
        if row["figures"].faces
    ]
