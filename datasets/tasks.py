"""Background work of this layer; imported by workers only."""

from datasets.exports import make_export
from datasets.freeze import freeze
from datasets.models import Export, Version
from jobs.work import Work, handles


@handles("freeze")
def freeze_version(work: Work) -> dict:
    return freeze(Version.objects.select_related("project").get(pk=work.params["version"]), work)


@handles("export")
def export_version(work: Work) -> dict:
    return make_export(Export.objects.select_related("version__project").get(pk=work.params["export"]), work)
