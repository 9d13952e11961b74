"""facet export PROJECT N FORMAT DEST: write a version to a file."""

from pathlib import Path

from django.core.management.base import CommandError

from config.work_command import WorkCommand
from datasets.exports import FORMATS, start_export
from labelling import storage


class Command(WorkCommand):
    help = "Write a version of a project in one of these formats: " + ", ".join(FORMATS)

    def add_arguments(self, parser):
        parser.add_argument("project")
        parser.add_argument("version", help="number, or a tag such as latest")
        parser.add_argument("format")
        parser.add_argument("dest", help="a file, or a folder to put it in")
        parser.add_argument("--json", action="store_true")

    def work(self, options: dict) -> dict:
        version = self.version(options["project"], options["version"])
        export = start_export(version, options["format"])
        self.finish(export.job)
        export.refresh_from_db()
        target = _target(Path(options["dest"]), export.key, version.project.slug, version.number)
        partial = target.with_name(target.name + ".part")
        with partial.open("wb") as file:
            file.writelines(storage.stream(export.key)[1])
        partial.replace(target)
        return {"file": str(target), "sha256": export.sha256, "bytes": export.byte_size, **export.counts}


def _target(dest: Path, key: str, slug: str, number: int) -> Path:
    if dest.is_dir():
        return dest / f"{slug}-v{number}.{key.rsplit('.')[-1]}"
    if not dest.parent.is_dir():
        raise CommandError(f"There is no folder “{dest.parent}”.")
    return dest
