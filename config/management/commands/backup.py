"""facet backup FOLDER: everything Facet knows, so that it can be brought back."""

from pathlib import Path

from django.core.management.base import CommandError

from config.backup import BackupFailed, back_up
from config.work_command import WorkCommand


class Command(WorkCommand):
    help = (
        "Write the database and all objects into a folder. A second backup into the same folder copies only what is "
        "new. Facet may be in use meanwhile. Originals that stay in buckets of their own are not in it."
    )

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path)
        parser.add_argument("--json", action="store_true")

    def work(self, options: dict) -> dict:
        try:
            return back_up(options["folder"], self.tell)
        except BackupFailed as error:
            raise CommandError(str(error)) from None
