"""Looks for faces again, in photos that people may have worked on already. Runs in workers only.

What the job has covered is kept in its row, beside its progress: `cursor`, the last photo that is done, and
`later`, photos that somebody had open when their turn came. Those come at the end, when their work is mostly sent.
"""

from collections.abc import Iterator

from django.db.models.functions import Now

from jobs.models import Job
from jobs.work import Work
from labelling.models import Image, Lease, Project
from labelling.proposals import record_proposals
from recognition.photos_again import Photos, photos_to_search
from recognition.propose import CHUNK, description, loaded_detector, search


def find_again(project: Project, work: Work) -> dict:
    """Search the photos once more. A stopped run goes on behind the last photo it finished."""
    chosen = project.settings
    detector = loaded_detector(chosen.detector, chosen.min_face_px)
    todo = photos_to_search(project, Photos(work.params["photos"])).filter(pk__lte=work.params["until"])
    covered = {"cursor": 0, "later": [], **work.job.result}
    left = todo.filter(pk__gt=covered["cursor"]).count() + len(covered["later"])
    work.progress(total=work.job.done + left, message="Looking for faces")
    found, described = 0, description(detector, chosen)
    for images in _chunks(todo, covered):
        answers = [(image, *search(image, detector, chosen)) for image in images]
        with work.chunk(len(images)):
            for image, faces, reason in answers:
                if not reason:  # a photo that cannot be read now keeps what was found in it before
                    found += len(record_proposals(image.pk, faces, detector=described))
            Job.objects.filter(pk=work.job.pk).update(result=covered)
    return {"faces": found, "detector": described, "said": f"{found:,} faces that were not known."}


def _chunks(todo, covered: dict) -> Iterator[list[Image]]:
    """Photos to search next; `covered` is brought up to what will be done with them."""
    while chunk := list(todo.filter(pk__gt=covered["cursor"]).order_by("pk")[:CHUNK]):
        covered["cursor"] = chunk[-1].pk
        opened = set(_open(chunk))
        covered["later"] = [*covered["later"], *sorted(opened)]
        yield [image for image in chunk if image.pk not in opened]
    while covered["later"]:
        now, covered["later"] = covered["later"][:CHUNK], covered["later"][CHUNK:]
        yield list(todo.filter(pk__in=now).order_by("pk"))


def _open(images: list[Image]):
    return Lease.objects.filter(image__in=images, until__gt=Now()).values_list("image_id", flat=True)
