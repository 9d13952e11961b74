"""The Work page: who is at what now, how quickly it goes, what is given to whom, and what comes next."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from labelling.access import project_for, role_of
from labelling.batches import batches_of
from labelling.forms import BatchForm, QueueOrderForm
from labelling.loop import loop_steps
from labelling.models import Image, Project, QueueOrder, Role
from labelling.pace import DAYS, paces
from labelling.progress import people_at_work, recent_standing
from labelling.projects import members_of, set_queue_order
from labelling.queue import free, queue_order
from labelling.skips import skipped
from labelling.views.frame import open_project, show

BATCHES_SHOWN = 50
SKIPS_SHOWN = 50
ORDER_MEANS = {
    QueueOrder.OLDEST: "Photos come in the order they were taken in.",
    QueueOrder.DOUBTFUL: "Photos whose suggested names are least sure come first: each answer teaches most.",
    QueueOrder.NEEDED: "Photos that probably show people with too few faces come first.",
    QueueOrder.SAMPLED: "Photos come as if shuffled, alike for everybody: what is labelled first stands for all.",
}


@login_required
@require_safe
def work(request: HttpRequest, slug: str) -> HttpResponse:
    return work_page(request, project_for(request.user, slug))


def work_page(request: HttpRequest, project: Project, form: BatchForm | None = None) -> HttpResponse:
    """The page, with what was refused about a batch beside its fields. `form` is bound then."""
    now = recent_standing(project)  # the strip counts the same; once is enough
    role = role_of(request.user, project)
    members = members_of(project)
    order = queue_order(project)
    return show(
        request, "labelling/work.html", project, "work",
        loop=loop_steps(project, now), now=now, leases=people_at_work(project), order=order,
        order_means=ORDER_MEANS[order], orders=QueueOrder.choices, may_order=role >= Role.ENGINEER,
        is_reviewer=role >= Role.REVIEWER, batches=batches_of(project)[:BATCHES_SHOWN], members=members,
        form=form or BatchForm(members=members), skips=skipped(project)[:SKIPS_SHOWN], skips_shown=SKIPS_SHOWN,
    )  # fmt: skip


@login_required
@require_safe
def work_now(request: HttpRequest, slug: str) -> HttpResponse:
    """The part that says who holds which photo; the page asks for it again and again."""
    return _now(request, project_for(request.user, slug))


@login_required
@require_safe
def work_pace(request: HttpRequest, slug: str) -> HttpResponse:
    """The part with everybody's figures, which take longer to work out than the page may."""
    project = project_for(request.user, slug)
    people = paces(project)
    most = max((max(pace.days) for pace in people), default=0)
    context = {"project": project, "paces": people, "days": DAYS, "most": most}
    return render(request, "labelling/_work_pace.html", context)


@login_required
@require_POST
def work_free(request: HttpRequest, slug: str, image_id: int) -> HttpResponse:
    project = project_for(request.user, slug, Role.REVIEWER)
    free(get_object_or_404(Image, project=project, pk=image_id))
    if request.htmx:
        return _now(request, project)
    return redirect("work", project.slug)


def _now(request: HttpRequest, project: Project) -> HttpResponse:
    context = {"project": project, "leases": people_at_work(project)}
    context["is_reviewer"] = role_of(request.user, project) >= Role.REVIEWER
    return render(request, "labelling/_work_now.html", context)


@login_required
@require_POST
def work_order(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug, Role.ENGINEER)
    form = QueueOrderForm(request.POST)
    if form.is_valid():
        order = QueueOrder(form.cleaned_data["order"])
        set_queue_order(project, order)
        messages.success(request, f"From the next photo on they come {order.label}.")
    else:
        messages.error(request, "There is no such order; nothing was changed.")
    return redirect("work", project.slug)
