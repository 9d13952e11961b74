"""facet demo [FOLDER]: the whole loop on photos, with drawn people when no folder is given."""

import contextlib
import tempfile
from pathlib import Path

from django.core.management import call_command
from django.core.management.base import CommandError

from config.demo import Demo
from config.work_command import WorkCommand
from labelling.models import Project

PEOPLE, PHOTOS, SCENES = 12, 15, 16


class Command(WorkCommand):
    help = "Run the whole loop on a folder of photos (Person/photo.jpg, or flat), or on drawn people."

    def add_arguments(self, parser):
        parser.add_argument("folder", nargs="?", help="photos; drawn people when left out")
        parser.add_argument("--limit", type=int, help="at most so many photos, people kept whole")
        parser.add_argument("--no-serve", action="store_true", help="stop when the loop is done")
        parser.add_argument("--json", action="store_true", help="print one JSON object at the end")

    def handle(self, *args, **options):
        super().handle(*args, **options)
        if not options["no_serve"]:
            call_command("up")

    def work(self, options: dict) -> dict:
        call_command("prepare", verbosity=0)
        with contextlib.ExitStack() as stack:
            if options["folder"] is None:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="facet-sample-")))
                self._draw(folder)
                name = "Demo with drawn people"
            else:
                folder = Path(options["folder"]).expanduser().resolve()
                if not folder.is_dir():
                    raise CommandError(f"There is no folder “{folder}”.")
                name = f"Demo with {folder.name}"
            demo = Demo(self.finish, self.finish_kinds, self.tell)
            return demo.run(folder, name=_unused(name), limit=options["limit"])

    def _draw(self, folder: Path) -> None:
        from recognition.drawing import write_sample

        self.say("Drawing people")
        write_sample(folder, identities=PEOPLE, photos=PHOTOS, scenes=SCENES)


def _unused(name: str) -> str:
    """Each demo makes a project of its own; people should be able to tell them apart."""
    earlier = Project.objects.filter(name__startswith=name).count()
    return f"{name} ({earlier + 1})" if earlier else name
