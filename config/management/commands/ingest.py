"""facet ingest PROJECT PATH: take the photos of a folder in."""

from pathlib import Path

from django.core.management.base import CommandError

from config.work_command import WorkCommand
from labelling.ingest import find_photos, ingest_folder


class Command(WorkCommand):
    help = "Take all photos under a folder into a project. Repeating it stores nothing twice."

    def add_arguments(self, parser):
        parser.add_argument("project")
        parser.add_argument("path")
        parser.add_argument("--session", default="", help="name of the capture session")
        parser.add_argument("--identity-from-folder", action="store_true", help="Person/photo.jpg names a person")
        parser.add_argument("--propose", action="store_true", help="wait until faces are found and described")
        parser.add_argument("--json", action="store_true")

    def work(self, options: dict) -> dict:
        project = self.project(options["project"])
        try:
            found = find_photos(Path(options["path"]), people_from_folders=options["identity_from_folder"])
        except FileNotFoundError as error:
            raise CommandError(str(error)) from None
        counts = {"created": 0, "duplicate": 0, "rejected": 0}
        for number, outcome in enumerate(ingest_folder(project, found, session=options["session"]), start=1):
            counts[outcome.status] += 1
            if outcome.status == "rejected":
                self.say(f"{outcome.name}: {outcome.reason}")
            self.tell("Taking photos in", number, len(found))
        if options["propose"]:
            self.finish_kinds(project, "propose", "embed")
        return {"project": project.slug, **counts}
