"""facet export PROJECT N FORMAT DEST: write a version to a file, or to a folder when it is several files."""

from collections.abc import Iterable
from pathlib import Path

from django.core.management.base import CommandError

from config.work_command import WorkCommand
from datasets.export_options import ALIGNMENTS, CONTENTS, PEOPLE
from datasets.exports import FORMATS, start_export
from datasets.models import Export
from labelling import storage

OPTIONS = ("contents", "splits", "people", "anonymous", "size", "margin", "alignment", "part_mb")


class Command(WorkCommand):
    help = "Write a version of a project in one of these formats: " + ", ".join(FORMATS)

    def add_arguments(self, parser):
        parser.add_argument("project")
        parser.add_argument("version", help="number, or a tag such as latest")
        parser.add_argument("format")
        parser.add_argument("dest", help="a file, or a folder to put it in")
        parser.add_argument("--contents", choices=CONTENTS, help="labels alone, with the photos, or crops of the faces")
        parser.add_argument("--splits", help="some of train,val,test")
        parser.add_argument("--people", choices=PEOPLE, help="as classes, or as an attribute of one class “face”")
        parser.add_argument("--anonymous", action="store_true", default=None, help="pseudonyms instead of names")
        parser.add_argument("--size", type=int, help="of crops: pixels a side")
        parser.add_argument("--margin", type=float, help="of crops: share of the box added on each side")
        parser.add_argument("--alignment", choices=ALIGNMENTS, help="of crops: by their landmarks, or the box as it is")
        parser.add_argument("--part-mb", type=int, help="with pictures: about how large each file becomes")
        parser.add_argument("--json", action="store_true")

    def work(self, options: dict) -> dict:
        version = self.version(options["project"], options["version"])
        asked = {name: options[name] for name in OPTIONS if options.get(name) is not None}
        export = start_export(version, options["format"], options=asked)
        dest = Path(options["dest"])
        _refuse_nowhere(dest)
        self.finish(export.job)
        export = Export.objects.select_related("version__project").get(pk=export.pk)
        if len(export.data_files) > 1:
            target, files = _folder(dest), export.all_files
            for file in files:
                _write(target / file["name"], file["key"])
            written = {"folder": str(target), "files": [file["name"] for file in files]}
        else:
            (file,) = export.data_files
            target = _target(dest, file["key"], version.project.slug, version.number)
            _write(target, file["key"])
            written = {"file": str(target)}
        return {**written, "sha256": export.sha256, "bytes": export.byte_size, **export.counts}


def _refuse_nowhere(dest: Path) -> None:
    if not dest.is_dir() and not dest.parent.is_dir():
        raise CommandError(f"There is no folder “{dest.parent}”.")


def _target(dest: Path, key: str, slug: str, number: int) -> Path:
    return dest / f"{slug}-v{number}.{key.rsplit('.')[-1]}" if dest.is_dir() else dest


def _folder(dest: Path) -> Path:
    if dest.exists() and not dest.is_dir():
        raise CommandError(f"This export is several files, and “{dest}” is a file. Name a folder.")
    dest.mkdir(exist_ok=True)
    return dest


def _write(target: Path, key: str) -> None:
    pieces: Iterable[bytes] = storage.stream(key)[1]
    partial = target.with_name(target.name + ".part")
    with partial.open("wb") as file:
        file.writelines(pieces)
    partial.replace(target)
