"""facet pairs PROJECT VERSION [DEST]: make verification pairs as LFW has them."""

from pathlib import Path

from django.core.management.base import CommandError

from config.work_command import WorkCommand
from datasets.pair_lists import LFW_FOLDS, LFW_PAIRS, start_pairs, warning
from labelling import storage


class Command(WorkCommand):
    help = "Choose genuine and impostor pairs of a version's test faces, in folds of people, and write pairs.txt."

    def add_arguments(self, parser):
        parser.add_argument("project")
        parser.add_argument("version", help="number, or a tag such as latest")
        parser.add_argument("dest", nargs="?", help="a file, or a folder for pairs.txt")
        parser.add_argument("--name", default="lfw", help="of the list, once a version (lfw)")
        parser.add_argument("--folds", type=int, default=LFW_FOLDS, help=f"({LFW_FOLDS})")
        parser.add_argument("--pairs", type=int, default=LFW_PAIRS, help=f"of a kind in a fold, at most ({LFW_PAIRS})")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--splits", default="test", help="whose faces, separated by commas (test)")
        parser.add_argument("--json", action="store_true")

    def work(self, options: dict) -> dict:
        dest = _target(options["dest"])
        version = self.version(options["project"], options["version"])
        chosen = {name: options[name] for name in ("folds", "pairs", "seed")}
        splits = tuple(part.strip() for part in options["splits"].split(","))
        made = start_pairs(version, options["name"], splits=splits, **chosen)
        self.finish(made.job)
        made.refresh_from_db()
        if dest:
            partial = dest.with_name(dest.name + ".part")
            partial.write_bytes(storage.get(made.key))
            partial.replace(dest)
        self.say(warning(made.counts))
        return {
            "project": version.project.slug,
            "version": version.number,
            "name": made.name,
            "sha256": made.sha256,
            **made.counts,
            **({"file": str(dest)} if dest else {}),
        }


def _target(dest: str | None) -> Path | None:
    if dest is None:
        return None
    path = Path(dest)
    if not path.is_dir() and not path.parent.is_dir():
        raise CommandError(f"There is no folder “{path.parent}”.")
    return path / "pairs.txt" if path.is_dir() else path
