"""facet diff PROJECT A B: what changed from one version to another."""

from django.core.management.base import CommandError

from config.work_command import WorkCommand
from datasets.changes import KINDS, as_dict
from datasets.comparisons import require_comparable
from datasets.diff import diff
from datasets.diff_text import as_text
from datasets.manifest import ManifestBroken
from labelling.storage import StoreAway


class Command(WorkCommand):
    help = "Say what changed from version A of a project to version B: people, faces, boxes, splits and photos."

    def add_arguments(self, parser):
        parser.add_argument("project")
        parser.add_argument("a", metavar="A", help="number or tag of the older version")
        parser.add_argument("b", metavar="B", help="number or tag of the newer one")
        parser.add_argument("--limit", type=int, default=10, metavar="N", help="changes of each kind to list (10)")
        parser.add_argument("--json", action="store_true")

    def work(self, options: dict) -> dict:
        old, new = (self.version(options["project"], options[number]) for number in ("a", "b"))
        require_comparable(old, new)
        try:
            found = diff(old, new)
        except (ManifestBroken, StoreAway) as error:
            raise CommandError(f"{error} Nothing was compared.") from None
        most = max(0, options["limit"])
        listed = {kind: found.rows(kind, 0, most).to_pylist() for kind in KINDS}
        return {
            "project": old.project.slug,
            **found.summary,
            "changes": {kind: [as_dict(row) for row in rows] for kind, rows in listed.items() if rows},
        }

    def as_text(self, answer: dict) -> str:
        return as_text(answer)
