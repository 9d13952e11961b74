"""facet watch PROJECT FOLDER: take in what appears in a folder, until stopped."""

import time
from collections import Counter
from pathlib import Path

from django.core.management.base import CommandError
from django.db import Error as DatabaseFault
from django.db import close_old_connections

from config.work_command import WorkCommand
from labelling.ingest import ingest_folder
from labelling.models import FileStatus
from labelling.storage import StoreAway
from labelling.watch import WatchedFolder


class Command(WorkCommand):
    help = (
        "Watch a folder that a camera or another program writes into, and take each photo in once it is whole. "
        "Stop it with Ctrl-C; started again it looks at everything, and takes nothing twice."
    )

    def add_arguments(self, parser):
        parser.add_argument("project")
        parser.add_argument("folder")
        parser.add_argument("--session", default="", help="name of the capture session")
        parser.add_argument("--identity-from-folder", action="store_true", help="Person/photo.jpg names a person")
        parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS", help="pause between two looks")
        parser.add_argument("--once", action="store_true", help="end when nothing new is left")
        parser.add_argument("--json", action="store_true")

    def work(self, options: dict) -> dict:
        project = self.project(options["project"])
        try:
            watched = WatchedFolder(Path(options["folder"]), people_from_folders=options["identity_from_folder"])
        except FileNotFoundError as error:
            raise CommandError(str(error)) from None
        told = (FileStatus.CREATED, FileStatus.DUPLICATE, FileStatus.REJECTED)
        counts: Counter = Counter(dict.fromkeys((status.value for status in told), 0))
        self.say(f"Watching {options['folder']}. Ctrl-C ends it.")
        try:
            while True:
                self._take(project, watched.look(), options["session"], counts)
                if options["once"] and not watched.is_waiting:
                    break
                time.sleep(options["every"])
        except KeyboardInterrupt:
            self.say("Stopped.")
        return {"project": project.slug, **counts}

    def _take(self, project, found: list, session: str, counts: Counter) -> None:
        """All of these, however long the store or database is away: a watch has nobody to tell but its log."""
        while found:
            done = 0
            try:
                for outcome in ingest_folder(project, found, session=session):
                    done += 1
                    counts[outcome.status] += 1
                    self.say(f"{outcome.name}: {outcome.reason or outcome.status}")
                return
            except (StoreAway, DatabaseFault) as error:
                self.say(f"{error} Trying again in 5 seconds.")
                close_old_connections()
                time.sleep(5)
            found = found[done:]
