"""facet import PROJECT FORMAT SRC: take labels in from a file."""

from pathlib import Path

from django.core.management.base import CommandError

from config.work_command import WorkCommand
from datasets.given import BadLabels
from datasets.imports import READERS, import_labels


class Command(WorkCommand):
    help = (
        "Take the labels of a file in, in one of these formats: "
        + ", ".join(READERS)
        + ". Photos are found by their bytes or, in files that do not know them, by name; they must be in the project "
        "already (facet ingest). Faces are matched by overlap, people by name. All is imported, or nothing."
    )

    def add_arguments(self, parser):
        parser.add_argument("project")
        parser.add_argument("format")
        parser.add_argument("src", help="the file")
        parser.add_argument("--dry-run", action="store_true", help="only tell what would happen")
        parser.add_argument("--partly", action="store_true", help="leave photos out that are not here or do not fit")
        parser.add_argument("--take-theirs", action="store_true", help="believe the file where people here differ")
        parser.add_argument("--json", action="store_true")

    def work(self, options: dict) -> dict:
        project = self.project(options["project"])
        if options["format"] not in READERS:
            raise CommandError(f"“{options['format']}” is no format Facet reads; use one of: {', '.join(READERS)}.")
        path = Path(options["src"])
        if not path.is_file():
            raise CommandError(f"There is no file “{path}”.")
        how = {name: options[name] for name in ("dry_run", "partly", "take_theirs")}
        try:
            report = import_labels(project, READERS[options["format"]].read(path), **how)
        except BadLabels as error:
            raise CommandError(str(error)) from None
        for problem in report.problems:
            self.say(problem)
        for remark, count in report.remarks.most_common():
            self.say(f"{count:,} ×: {remark}")
        return {"project": project.slug, "dry_run": options["dry_run"], **report.as_dict()}
