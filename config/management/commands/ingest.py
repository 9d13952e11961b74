"""facet ingest PROJECT PATH: take the photos of a folder in, or of a bucket: s3://bucket/folder."""

from pathlib import Path
from uuid import uuid4

from django.core.management.base import CommandError

from config.work_command import WorkCommand
from labelling.bucket_places import place_of
from labelling.bucket_source import IN_PLACE, synchronise
from labelling.ingest import find_photos, ingest_folder
from labelling.models import FileStatus, Intake, Project


class Command(WorkCommand):
    help = (
        "Take all photos under a folder into a project, or those of a bucket (s3://bucket/folder) that is open for it. "
        "Repeating it stores nothing twice; of a bucket only what is new or has changed is read again."
    )

    def add_arguments(self, parser):
        parser.add_argument("project")
        parser.add_argument("path")
        parser.add_argument("--pattern", default="", help="of a bucket: which names are meant, such as 2024-*/*.jpg")
        parser.add_argument("--in-place", action="store_true", help=f"of a bucket: do not copy. {IN_PLACE}")
        parser.add_argument("--session", default="", help="name of the capture session")
        parser.add_argument("--identity-from-folder", action="store_true", help="Person/photo.jpg names a person")
        parser.add_argument("--propose", action="store_true", help="wait until faces are found and described")
        parser.add_argument("--json", action="store_true")

    def work(self, options: dict) -> dict:
        project = self.project(options["project"])
        counts = (self._bucket if options["path"].startswith("s3://") else self._folder)(project, options)
        if options["propose"]:
            self.finish_kinds(project, "propose", "embed")
        return {"project": project.slug, **counts}

    def _bucket(self, project: Project, options: dict) -> dict:
        place = place_of(options["path"])
        intake = synchronise(
            project,
            place,
            pattern=options["pattern"],
            in_place=options["in_place"],
            uid=uuid4(),
            session=options["session"],
            people_from_folders=options["identity_from_folder"],
        )
        self.finish(intake.job)
        for file in intake.files.filter(status__in=(FileStatus.REJECTED, FileStatus.MISSING)).iterator():
            self.say(f"{file.path}: {file.reason}")
        done = Intake.objects.with_counts().get(pk=intake.pk)
        return {**done.options["found"], **{status: getattr(done, status) for status in FileStatus.values}}

    def _folder(self, project: Project, options: dict) -> dict:
        if options["in_place"]:
            raise CommandError("Only photos of a bucket (s3://bucket/folder) can stay where they are.")
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
        return counts
