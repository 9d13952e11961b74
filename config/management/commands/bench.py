"""facet bench NAME: measure, against real servers with data of their own, and print the figures."""

import os
import sys
from pathlib import Path

from django.core.management import call_command
from django.core.management.base import CommandError

from config import bench
from config.embedded.folders import REPOSITORY
from config.work_command import NOT_THERE, WorkCommand

# What some of them can be told; a module names its own in OPTIONS.
ARGUMENTS = {
    "path": (("path",), {"nargs": "?", "help": "lfw: folder with faces/ and protocols/"}),
    "pairs": (("--pairs",), {"help": "lfw: list of pairs; protocols/pairs_large.txt in the folder when not said"}),
    "embedder": (("--embedder",), {"help": "lfw: which embedder to measure (dlib)"}),
}


class Command(WorkCommand):
    help = "Run a benchmark in a data folder of its own (var/bench), never on your data."

    def add_arguments(self, parser):
        parser.add_argument("name", choices=bench.names())
        parser.add_argument("--json", action="store_true")
        for flags, more in ARGUMENTS.values():
            parser.add_argument(*flags, **more)

    def handle(self, *args, **options):
        self._must_fit(bench.load(options["name"]), options)
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
        module = bench.load(options["name"])
        return module.run(self.say, **{name: options[name] for name in _options(module)})

    def _must_fit(self, module, options: dict) -> None:
        known = _options(module)
        if strange := [name for name in ARGUMENTS if options[name] is not None and name not in known]:
            raise CommandError(f"“{options['name']}” takes no {strange[0]}.", returncode=NOT_THERE)
        if "path" in known and options["path"] is None:
            raise CommandError(f"Say which folder: facet bench {options['name']} PATH.", returncode=NOT_THERE)


def _options(module) -> tuple[str, ...]:
    return getattr(module, "OPTIONS", ())
