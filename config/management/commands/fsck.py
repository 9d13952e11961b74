"""facet fsck PROJECT: do rows and objects of a project fit together?"""

from argparse import ArgumentTypeError
from datetime import timedelta

from django.core.management.base import CommandError

from config.work_command import WorkCommand
from labelling.fsck import SAMPLE, OutOfOrder, Tally, check
from labelling.next_step import counted
from labelling.storage import StoreAway

MOST_IN_JSON = 1_000


class Command(WorkCommand):
    help = (
        "Look for rows without objects, objects without rows, wrong checksums, unfinished uploads and jobs without a "
        "worker. Ends with 1 when something is left to do. Without --repair nothing is changed."
    )

    def add_arguments(self, parser):
        parser.add_argument("project")
        parser.add_argument("--repair", action="store_true", help="do what is safe, and say what was done")
        parser.add_argument(
            "--grace", type=_duration, default="1d", metavar="TIME",
            help="objects and uploads younger than this may still get their row: 30m, 12h, 2d (default 1d)",
        )  # fmt: skip
        contents = parser.add_mutually_exclusive_group()
        contents.add_argument(
            "--sample", type=int, default=SAMPLE, metavar="N", help=f"contents to read of each kind (default {SAMPLE})"
        )
        contents.add_argument("--full", action="store_true", help="read every content")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args, **options):
        self._left = 0
        super().handle(*args, **options)
        if self._left:
            raise CommandError(f"{counted(self._left, 'finding')} left to do; see above.")

    def work(self, options: dict) -> dict:
        project = self.project(options["project"])
        tally, kinds, listed, repaired = Tally(), {}, [], 0
        found = check(
            project,
            repair=options["repair"],
            grace=options["grace"],
            sample=None if options["full"] else max(0, options["sample"]),
            tally=tally,
            tell=self.tell,
        )
        try:
            for finding in found:
                kinds[finding.kind] = kinds.get(finding.kind, 0) + 1
                self._left += finding.is_left
                repaired += not finding.is_left
                if len(listed) < MOST_IN_JSON:
                    listed.append(finding.as_dict())
                self._print(finding, options["json"])
        except (StoreAway, OutOfOrder) as error:
            raise CommandError(f"{error} What was found so far is above; the rest was not looked at.") from None
        answer = {"project": project.slug, **vars(tally), "found": kinds, "repaired": repaired, "left": self._left}
        return answer | ({"findings": listed} if options["json"] else {})

    def _print(self, finding, is_json: bool) -> None:
        line = f"{finding.kind}: {finding.what} {finding.done or finding.advice}"
        if finding.is_left and finding.done:
            line += f" {finding.advice}"
        if is_json:
            self.say(line)
        else:
            self.stdout.write(line)


def _duration(text: str) -> timedelta:
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    number, unit = text[:-1], units.get(text[-1:])
    if unit is None or not number.isdecimal():
        raise ArgumentTypeError(f"“{text}” is no time; write it like 30m, 12h or 2d.")
    return timedelta(**{unit: int(number)})
