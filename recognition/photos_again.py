"""Asks for faces to be looked for again in photos that were searched before."""

from django.db.models import Max, TextChoices

from jobs.enqueue import enqueue
from jobs.models import Job
from labelling.models import Image, ImageState, Project


class Photos(TextChoices):
    WAITING = "waiting", "photos that wait for a person"
    ALL = "all", "all photos"


def start_again(project: Project, photos: Photos, *, by) -> Job:
    """One job over the photos there are now. While one is under way, that one is given back."""
    active = Job.objects.filter(kind="propose_again", project_id=project.pk).active()
    running = active.filter(params__photos=photos).first()
    if running:
        return running
    return enqueue(
        "propose_again",
        title=f"Find faces again in {photos.label}",
        project_id=project.pk,
        params={"photos": photos, "until": photos_to_search(project, photos).aggregate(last=Max("pk"))["last"] or 0},
        by=by,
    )


def photos_to_search(project: Project, photos: Photos):
    """Those that were searched once; new ones are being searched anyway."""
    states = [ImageState.PROPOSED] if photos == Photos.WAITING else [*set(ImageState) - {ImageState.NEW}]
    return Image.objects.filter(project=project, state__in=states)
