"""What journeys through Import labels need inside of a Facet that is up."""


def sides(slug: str) -> list[int]:
    from labelling.models import Image

    image = Image.objects.filter(project__slug=slug).first()
    return [image.width, image.height]


def do_imports(slug: str) -> None:
    """What a worker would do now."""
    import datasets.tasks  # noqa: F401  (registers the handlers)
    from jobs.models import Job, State
    from jobs.work import perform
    from labelling.models import Project

    project = Project.objects.get(slug=slug)
    for job in Job.objects.in_project(project.pk).filter(kind="import", state=State.QUEUED):
        perform(job.pk)


def named(slug: str) -> list[list]:
    from django.db.models import Count

    from labelling.models import Face

    faces = Face.objects.filter(project__slug=slug, identity__isnull=False).values("identity__name").order_by()
    return sorted([row["identity__name"], row["number"]] for row in faces.annotate(number=Count("*")))
