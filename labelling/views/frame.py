"""What every page of a project shares: the project, opened for this user, and the frame around it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from jobs.models import Job
from labelling.access import project_for
from labelling.models import Project, Role


def open_project(request: HttpRequest, slug: str, at_least: Role = Role.ANNOTATOR) -> Project:
    """The project of a page, kept on the request so that the strip of the loop is drawn.

    Raises Http404 to strangers, PermissionDenied to members below the role.
    """
    request.project = project_for(request.user, slug, at_least)
    return request.project


def show(request: HttpRequest, template: str, project: Project, nav_active: str, **context) -> HttpResponse:
    return render(request, template, {"project": project, "nav_active": nav_active, **context})


def with_cancel_rights(user, jobs: list[Job]) -> list[Job]:
    """Tells each job, as `may_cancel`, whether this user may stop it. One query for all."""
    cancellable = Job.objects.cancellable_by(user).filter(pk__in=[job.pk for job in jobs])
    own = set(cancellable.values_list("pk", flat=True))
    for job in jobs:
        job.may_cancel = job.pk in own
    return jobs
