"""Background work of this layer; imported by workers only."""

from datasets.comparisons import make_comparison
from datasets.exports import make_export
from datasets.freeze import freeze
from datasets.import_files import do_import
from datasets.leaks import make_report
from datasets.models import Comparison, Export, Import, LeakReport, PairList, Version
from datasets.pair_lists import make_pairs
from jobs.work import Work, handles


@handles("freeze")
def freeze_version(work: Work) -> dict:
    return freeze(Version.objects.select_related("project").get(pk=work.params["version"]), work)


@handles("export")
def export_version(work: Work) -> dict:
    return make_export(Export.objects.select_related("version__project").get(pk=work.params["export"]), work)


@handles("compare")
def compare_versions(work: Work) -> dict:
    comparisons = Comparison.objects.select_related("old__project", "new__project")
    return make_comparison(comparisons.get(pk=work.params["comparison"]), work)


@handles("import")
def import_file(work: Work) -> dict:
    rows = Import.objects.select_related("project", "created_by")
    return do_import(rows.get(pk=work.params["import"]), work)


@handles("pairs")
def pair_faces(work: Work) -> dict:
    return make_pairs(PairList.objects.select_related("version__project").get(pk=work.params["pair_list"]), work)


@handles("leaks")
def look_for_leaks(work: Work) -> dict:
    reports = LeakReport.objects.select_related("version__project")
    return make_report(reports.get(pk=work.params["report"]), work)
