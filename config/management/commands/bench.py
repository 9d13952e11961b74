"""facet bench NAME: measure, against real servers with data of their own, and print the figures."""

import os
import sys
from pathlib import Path

from django.core.management import call_command

from config import bench
from config.embedded.folders import REPOSITORY
from config.work_command import WorkCommand


class Command(WorkCommand):
    help = "Run a benchmark in a data folder of its own (var/bench), never on your data."

    def add_arguments(self, parser):
        parser.add_argument("name", choices=bench.names())
        parser.add_argument("--json", action="store_true")

    def handle(self, *args, **options):
        if os.environ.get("FACET_BENCH") != "1":
            self._in_its_own_folder()
        super().handle(*args, **options)

    def _in_its_own_folder(self) -> None:
        """Start anew with other services: those of `var/` hold what people labelled."""
        outside = [name for name in ("DATABASE_URL", "REDIS_URL", "S3_ENDPOINT_URL") if name in os.environ]
        plain = {name: value for name, value in os.environ.items() if name not in outside and name != "FACET_EMBEDDED"}
        folder = os.environ.get("FACET_BENCH_VAR") or str(Path(REPOSITORY, "var", "bench"))
        os.execve(  # noqa: S606 (our own interpreter and arguments)
            sys.executable,
            [sys.executable, "-u", str(REPOSITORY / "manage.py"), *sys.argv[1:]],
            plain | {"FACET_VAR": folder, "FACET_BENCH": "1"},
        )

    def work(self, options: dict) -> dict:
        call_command("prepare", verbosity=0)
        return bench.load(options["name"]).run(self.say)
