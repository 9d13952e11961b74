"""Of whom to collect more: the page, the list to take along, and what the queue makes of it."""

from dataclasses import asdict, dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from datasets.paged_table import Column, Head, Slice, chosen_sort, cut, sortable_heads
from labelling.access import project_for, require_role, role_of
from labelling.models import Project, QueueOrder, Role
from labelling.projects import change_settings, set_queue_order
from labelling.queue import queue_order
from labelling.views.frame import open_project, show
from recognition.collect_next import MORE, CollectPlan, Needed, advice, collect_plan, waiting_photos
from recognition.forms import TargetForm
from recognition.report_files import csv_text
from recognition.work_left import suggest_everywhere_soon

PAGE_SIZE = 25
BY_WORTH = "worth"
COLUMNS = (
    Column("name", "Person", is_number=False),
    Column("faces", "Faces"),
    Column("missing", "Missing", hint="Up to the number that is wanted"),
    Column("sessions", "Sessions", hint="In how many the newest version has seen the person"),
    Column("ap", "AP", hint="In the newest evaluation"),
    Column("gain", "Gain", hint=f"How much AP should rise with {MORE} more enrolled faces"),
)
LISTED = ("name", "class_id", "faces", "wanted", "missing", "sessions", "test", "ap", "gain", "waiting", "advice")


@dataclass(frozen=True)
class CollectPage:
    rows: list[dict]
    slice: Slice
    heads: list[Head]
    q: str
    sort: str


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def collect(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug)
    if request.method == "POST":
        require_role(request.user, project, Role.ENGINEER)
        _change(request, project)
        return redirect("collect", project.slug)
    plan = collect_plan(project)
    if request.GET.get("download") == "csv":
        require_role(request.user, project, Role.REVIEWER)
        return _as_csv(project, plan)
    page = _page(plan, request.GET)
    if request.htmx and request.htmx.target == "people":
        return render(request, "recognition/_collect_people.html", {"project": project, "table": page, "plan": plan})
    return show(
        request, "recognition/collect.html", project, "identities",
        plan=plan, table=page, more=MORE, form=TargetForm(initial={"target": project.settings.target_faces or None}),
        is_needed_first=queue_order(project) == QueueOrder.NEEDED,
        may_change=role_of(request.user, project) >= Role.ENGINEER,
        may_download=role_of(request.user, project) >= Role.REVIEWER,
    )  # fmt: skip


def _change(request: HttpRequest, project: Project) -> None:
    """Another number of faces wanted, or photos of those who lack faces first."""
    if request.POST.get("first"):
        set_queue_order(project, QueueOrder.NEEDED)
        suggest_everywhere_soon(project.pk)
        messages.success(request, "From the next photo on, photos of people who lack faces come first.")
        return
    form = TargetForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say a number of faces from 1 to 100,000, or nothing; nothing was changed.")
        return
    change_settings(project, target_faces=form.cleaned_data["target"] or 0)
    suggest_everywhere_soon(project.pk)
    messages.success(request, "That many faces are wanted of everybody who has no target of their own.")


def _page(plan: CollectPlan, asked: QueryDict) -> CollectPage:
    q, sort = asked.get("q", "").strip(), chosen_sort(asked, COLUMNS, BY_WORTH)
    found = _sorted([person for person in plan.people if q.casefold() in person.name.casefold()], sort)
    slice_ = cut(len(found), asked, PAGE_SIZE)
    return CollectPage(
        rows=_rows(found[slice_.start : slice_.stop]), slice=slice_, heads=sortable_heads(COLUMNS, sort, asked), q=q,
        sort=sort,
    )  # fmt: skip


def _sorted(people: list[Needed], sort: str) -> list[Needed]:
    """As the plan has them, unless a column is asked for; what is not known comes last either way."""
    column, downwards = sort.removeprefix("-"), sort.startswith("-")
    if column == BY_WORTH:
        return people
    if column == "name":
        return sorted(people, key=lambda person: person.name.casefold(), reverse=downwards)
    known = [person for person in people if getattr(person, column) is not None]
    known.sort(key=lambda person: getattr(person, column), reverse=downwards)
    return known + [person for person in people if getattr(person, column) is None]


def _rows(people: list[Needed]) -> list[dict]:
    waiting = waiting_photos(people)
    return [
        {
            **asdict(person), "missing": person.missing, "waiting": waiting.get(person.identity, 0),
            "filled": min(1.0, person.faces / person.wanted) if person.wanted else 1.0,
            "advice": advice(person, waiting.get(person.identity, 0)),
        }
        for person in people
    ]  # fmt: skip


def _as_csv(project: Project, plan: CollectPlan) -> HttpResponse:
    lines = [[row[name] for name in LISTED] for row in _rows(plan.people)]
    answer = HttpResponse(csv_text(LISTED, lines), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{project.slug}-collect-next.csv"'
    return answer


class CollectNext(APIView):
    PAGE_SIZE = 100

    @extend_schema(parameters=[OpenApiParameter("offset", int)], responses={200: dict})
    def get(self, request, slug: str):
        """Of whom more should be collected, most worth it first; `gain` is what ten more faces should do for AP."""
        plan = collect_plan(project_for(request.user, slug))
        text = request.query_params.get("offset", "")
        start = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0
        following = start + self.PAGE_SIZE
        rows = _rows(plan.people[start:following])
        return Response({
            "wanted": plan.wanted, "below": plan.below, "run": plan.run and plan.run.pk,
            "curve": plan.curve and asdict(plan.curve), "found": len(plan.people),
            "next_offset": following if following < len(plan.people) else None,
            "results": [{"identity": row["identity"], **{name: row[name] for name in LISTED}} for row in rows],
        })  # fmt: skip
