"""The objects of versions, exports, lists of pairs, imports and comparisons, for `fsck`."""

from collections.abc import Iterator

from datasets.models import (
    Comparison,
    ComparisonState,
    Export,
    ExportState,
    Import,
    PairList,
    PairListState,
    Version,
    VersionState,
)
from labelling.fsck import Area, Expected
from labelling.models import Project


class Manifests(Area):
    folder = "versions/"

    def expected(self, project: Project) -> Iterator[Expected]:
        ready = Version.objects.filter(project=project, state=VersionState.READY).defer("statistics")
        tables = [
            Expected(version.key(table), f"{table}.parquet of version {version.number}", sha256=sha256)
            for version in ready
            for table, sha256 in (("images", version.images_sha256), ("faces", version.faces_sha256))
        ]
        yield from sorted(tables, key=lambda table: table.key)

    def advice(self, project: Project, expected: Expected) -> str:
        return f"Copy it back from a backup, to “{expected.key}”: what was frozen is nowhere else."


class Exports(Area):
    folder = "exports/"

    def expected(self, project: Project) -> Iterator[Expected]:
        """Parts of one that is still being made too; what a failed one left may go."""
        kept = Export.objects.filter(version__project=project).exclude(
            state__in=(ExportState.FAILED, ExportState.ERASED)
        )
        files = [
            Expected(file["key"], f"{file['name']} of export {export.pk} ({export})", file["byte_size"], file["sha256"])
            for export in kept.select_related("version__project").defer("version__statistics")
            for file in export.all_files
        ]
        yield from sorted(files, key=lambda file: file.key)

    def advice(self, project: Project, expected: Expected) -> str:
        return "Export that version again: the same bytes come out."


class PairLists(Area):
    folder = "pairs/"

    def expected(self, project: Project) -> Iterator[Expected]:
        done = PairList.objects.filter(version__project=project, state=PairListState.DONE).select_related("version")
        files = [
            Expected(one.key, f"pairs “{one.name}” of version {one.version.number}", one.byte_size, one.sha256)
            for one in done.defer("version__statistics")
        ]
        yield from sorted(files, key=lambda file: file.key)

    def advice(self, project: Project, expected: Expected) -> str:
        return "Make them again under another name, with the same seed: the same bytes come out."


class Comparisons(Area):
    folder = "comparisons/"

    def expected(self, project: Project) -> Iterator[Expected]:
        done = Comparison.objects.filter(new__project=project, state=ComparisonState.DONE).exclude(key="")
        rows = done.values_list("key", "old__number", "new__number", "byte_size", "sha256", "pk")
        for key, old, new, size, sha256, row in sorted(rows):
            yield Expected(key, f"the list of what changed from version {old} to {new}", size, sha256, row=row)

    def advice(self, project: Project, expected: Expected) -> str:
        return "Run with --repair: it is forgotten then, and worked out anew when somebody asks for it."

    def remake(self, project: Project, expected: Expected) -> str:
        Comparison.objects.filter(pk=expected.row).delete()
        return "Forgotten; it is worked out anew when somebody asks for it."


class Imports(Area):
    """Files of labels that wait to be checked or taken in; of no use once they are."""

    folder = "imports/"
    is_sampled = False

    def expected(self, project: Project) -> Iterator[Expected]:
        waiting = Import.objects.filter(project=project, state__in=Import.WAITING).defer("report")
        files = [Expected(row.key, f"“{row.name}”, a file of labels", row.byte_size) for row in waiting]
        yield from sorted(files, key=lambda file: file.key)

    def advice(self, project: Project, expected: Expected) -> str:
        return "Send the file again."
