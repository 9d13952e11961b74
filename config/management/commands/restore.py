"""facet restore FOLDER: bring a backup back, into an empty Facet."""

from pathlib import Path

from django.core.management.base import CommandError

from config.backup import BackupFailed, restore
from config.work_command import WorkCommand


class Command(WorkCommand):
    help = (
        "Bring back what facet backup wrote, into a database without projects. Accounts there are replaced by those of "
        "the backup. Stop the web server and workers first, and run facet fsck PROJECT afterwards."
    )

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path)
        parser.add_argument("--json", action="store_true")

    def work(self, options: dict) -> dict:
        try:
            return restore(options["folder"], self.tell)
        except BackupFailed as error:
            raise CommandError(str(error)) from None
