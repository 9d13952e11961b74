"""facet verify PROJECT N: is a version still what was frozen?"""

from django.core.management.base import CommandError

from config.work_command import WorkCommand
from datasets.manifest import ManifestBroken
from datasets.models import VersionState
from datasets.verify import verify


class Command(WorkCommand):
    help = (
        "Read a version again: are its tables the frozen ones, has their content the hash that was written down, are "
        "its exports and the originals of its photos there? Ends with 1 where something is wrong."
    )

    def add_arguments(self, parser):
        parser.add_argument("project")
        parser.add_argument("version", help="number, or a tag such as latest")
        parser.add_argument("--tables-only", action="store_true", help="leave the originals of photos aside")
        parser.add_argument("--json", action="store_true")

    def work(self, options: dict) -> dict:
        version = self.version(options["project"], options["version"])
        if version.state != VersionState.READY:
            raise CommandError(f"Version {version.number} is {version.get_state_display()}: nothing to verify.")
        try:
            answer = verify(version, photos=not options["tables_only"])
        except ManifestBroken as error:
            raise CommandError(f"{error} Restore it from a backup.") from None
        if answer["problems"]:
            told = "\n".join(answer["problems_first"])
            raise CommandError(f"{answer['problems']:,} things are wrong with {version}:\n{told}")
        return {"project": version.project.slug, "version": version.number, **answer}
