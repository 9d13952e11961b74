"""A job's page and its live fragment. The list of a project's jobs is one of the project's pages."""

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from jobs.models import Job
from jobs.steer import request_cancel, request_pause, resume, retry


def _page(request: HttpRequest, job: Job) -> HttpResponse:
    if request.htmx:
        template = "_job_progress.html"
    else:
        template = "jobs/job.html"
        request.project_id = job.project_id  # the layer above draws the frame of that project
    may_cancel = Job.objects.cancellable_by(request.user).filter(pk=job.pk).exists()
    return render(request, template, {"job": job, "may_cancel": may_cancel, "nav_active": "jobs"})


@login_required
@require_GET
def job_page(request: HttpRequest, job_id: int) -> HttpResponse:
    return _page(request, get_object_or_404(Job.objects.visible_to(request.user), pk=job_id))


def _steer(request: HttpRequest, job_id: int, ask: Callable[[Job], object]) -> HttpResponse:
    job = get_object_or_404(Job.objects.cancellable_by(request.user), pk=job_id)
    ask(job)
    job.refresh_from_db()
    return _page(request, job) if request.htmx else redirect("job-progress", job.pk)


@login_required
@require_POST
def cancel(request: HttpRequest, job_id: int) -> HttpResponse:
    return _steer(request, job_id, request_cancel)


@login_required
@require_POST
def pause(request: HttpRequest, job_id: int) -> HttpResponse:
    return _steer(request, job_id, request_pause)


@login_required
@require_POST
def go_on(request: HttpRequest, job_id: int) -> HttpResponse:
    return _steer(request, job_id, resume)


@login_required
@require_POST
def try_again(request: HttpRequest, job_id: int) -> HttpResponse:
    return _steer(request, job_id, retry)
