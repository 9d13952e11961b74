"""Draw a folder of synthetic people with known truth."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

LONG_RUN = 500  # photos; fewer are there before one wonders


class Command(BaseCommand):
    """Needs neither database nor services: it only writes files."""

    help = "Draw synthetic people into the folder DEST: portraits by person, group photos, truth.json with all boxes."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the folder and the numbers."""
        parser.add_argument("dest", metavar="DEST", type=Path, help="a new or empty folder, or an earlier sample")
        parser.add_argument("--identities", type=int, default=12, help="how many people (default: %(default)s)")
        parser.add_argument("--photos", type=int, default=8, help="portraits of each person (default: %(default)s)")
        parser.add_argument("--scenes", type=int, help="group photos (default: a quarter of the people, at least 2)")
        parser.add_argument("--seed", type=int, default=1, help="same seed, same bytes (default: %(default)s)")
        parser.add_argument(
            "--imbalance",
            type=float,
            default=0.0,
            help="long tail: person number n gets photos / n**IMBALANCE portraits (default: %(default)s, all alike)",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object last")

    def handle(self, **options: object) -> None:
        """Draw, and say what was written."""
        from recognition.drawing import FolderInUse, write_sample  # needs OpenCV, which a web process never loads

        numbers = {name: options[name] for name in ("identities", "photos", "scenes", "seed", "imbalance")}
        try:
            summary = write_sample(options["dest"], **numbers, on_progress=self._report)
        except (FolderInUse, ValueError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{options['dest']} cannot be written: {error.strerror or error}.") from error
        if options["json"]:
            self.stdout.write(json.dumps({**asdict(summary), "folder": str(summary.folder)}))
        else:
            self.stdout.write(
                f"Drew {summary.portraits} portraits of {summary.identities} people and {summary.scenes} group photos "
                f"({summary.faces} faces) into {summary.folder}."
            )

    def _report(self, done: int, total: int) -> None:
        """Say how far a long run has got, ten times."""
        if total >= LONG_RUN and done % (total // 10) == 0:
            self.stdout.write(f"{done} of {total} photos drawn")
