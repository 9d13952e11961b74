"""What the faults of taking in need inside a Facet: call these through `inside(…)`."""

import io
import uuid
import zipfile


def stage_archive(name: str, photos: int) -> dict:
    """A project and an archive of that many different portraits, which waits for a worker."""
    from django.contrib.auth import get_user_model
    from PIL import Image as Picture

    from labelling.intake import take_in_staged
    from labelling.projects import create_project
    from recognition.drawing.scene import draw_portrait

    owner = get_user_model().objects.get_or_create(username="faults")[0]
    project = create_project(name, by=owner)
    drawn = []
    for person in range(min(photos, 20)):
        out = io.BytesIO()
        Picture.fromarray(draw_portrait(person, 1, (240, 240)).image).save(out, "JPEG", quality=88)
        drawn.append(out.getvalue())
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(photos):  # what follows a picture's end is not looked at: each is another file
            archive.writestr(f"{number:05}.jpg", drawn[number % len(drawn)] + str(number).encode())
    packed.seek(0)
    intake = take_in_staged(project, "archive", "faults.zip", packed, uid=uuid.uuid4(), by=owner)
    return {"project": project.pk, "slug": project.slug, "intake": intake.pk}


def progress(project: int) -> dict:
    from jobs.models import Job
    from labelling.models import Image, ImageState, IntakeFile

    return {
        "taken": IntakeFile.objects.filter(intake__project=project).count(),
        "searched": Image.objects.filter(project=project).exclude(state=ImageState.NEW).count(),
        "active": Job.objects.in_project(project).active().count(),
        "jobs": list(Job.objects.in_project(project).values_list("kind", "state", "message")),
    }


def outcome(project: int) -> dict:
    """Photos, files by what became of them, and boxes that lie upon each other."""
    from collections import Counter

    from labelling.models import Face, Image, IntakeFile

    faces = Counter(Face.objects.filter(project=project).values_list("image", flat=True))
    images = Image.objects.filter(project=project)
    return {
        "images": images.count(),
        "hashes": images.values("sha256").distinct().count(),
        "states": dict(Counter(images.values_list("state", flat=True))),
        "files": dict(Counter(IntakeFile.objects.filter(intake__project=project).values_list("status", flat=True))),
        "faces_a_photo": dict(Counter(str(faces.get(pk, 0)) for pk in images.values_list("pk", flat=True))),
        "undescribed": Face.objects.filter(project=project, embeddings=None).count(),
    }


def findings(slug: str) -> list[dict]:
    """What `fsck --full` finds, without any grace."""
    from datetime import timedelta

    from labelling.fsck import check
    from labelling.models import Project

    project = Project.objects.get(slug=slug)
    return [finding.as_dict() for finding in check(project, sample=None, grace=timedelta(0))]
