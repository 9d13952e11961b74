"""What journeys through exports need inside of a Facet that is up."""


def ready_version(slug: str) -> int:
    """The number of a version of photos with pixels."""
    import datasets.tasks  # noqa: F401  (registers the handlers)
    from datasets.freeze import start_freeze
    from jobs.work import perform
    from labelling.models import Project
    from tests.datasets.exported import fill

    project = Project.objects.get(slug=slug)
    fill(project, per_person=3)
    version = start_freeze(project)
    perform(version.job_id)
    return version.number


def do_exports(slug: str) -> list[dict]:
    """What a worker would do now; what came of it, newest first."""
    import datasets.tasks  # noqa: F401
    from datasets.models import Export
    from jobs.work import perform

    exports = Export.objects.filter(version__project__slug=slug)
    for export in exports.filter(state="waiting"):
        perform(export.job_id)
    return [{"state": one.state, "options": one.options, "files": len(one.files)} for one in exports.all()]
