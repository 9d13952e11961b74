"""facet pull URL PROJECT@VERSION FOLDER, and facet verify FOLDER."""

import argparse
import json
import sys

from facet_client.folder import NotPulled, VersionFolder
from facet_client.progress import Progress
from facet_client.pulling import AT_ONCE, pull
from facet_client.server import ServerRefused, ServerUnreachable

MOST_SHOWN = 10


def main(words: list[str] | None = None) -> int:
    options = vars(_parser().parse_args(words))
    progress = Progress()
    try:
        return options["work"](options, progress)
    except (ServerRefused, ServerUnreachable, NotPulled) as error:
        progress.close()
        print(f"facet: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        progress.close()
        print("facet: Stopped. What came is kept; run the same command again to go on.", file=sys.stderr)
        return 130


def add_pull_arguments(parser: argparse.ArgumentParser) -> None:
    """Of `facet pull`, here and as a command of the server's own checkout."""
    parser.add_argument("url", help="of the Facet server, such as https://facet.example")
    parser.add_argument("wanted", metavar="PROJECT@VERSION", help="a number, or a tag such as latest or golden")
    parser.add_argument("folder", help="where it goes; what is there already is not fetched again")
    parser.add_argument("--tables-only", action="store_true", help="leave the photos where they are")
    parser.add_argument("--prune", action="store_true", help="remove photos that are not of this version")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help=f"how many photos at once ({AT_ONCE})")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")


def run_pull(options: dict, progress: Progress) -> int:
    """What the command ends with: 0 when all of it is there; 1 when photos are missing. Erased photos are no fault."""
    data = pull(
        options["url"], options["wanted"], options["folder"], photos=not options["tables_only"], prune=options["prune"],
        at_once=max(options["at_once"], 1), tell=progress,
    )  # fmt: skip
    progress.close()
    done = data.pulled
    answer = {
        "project": data.project, "version": data.number, "content_hash": data.content_hash, "photos": done.photos,
        "fetched": done.fetched, "bytes": done.byte_size, "erased": len(done.erased), "missing": len(done.missing),
        "removed": done.removed,
    }  # fmt: skip
    print(json.dumps(answer) if options["json"] else _told(data))
    for name in done.missing[:MOST_SHOWN]:
        print(f"facet: the photo {name} is gone from the server.", file=sys.stderr)
    return 1 if done.missing else 0


def _told(data: VersionFolder) -> str:
    done = data.pulled
    there = done.photos - done.fetched - len(done.erased) - len(done.missing)
    parts = [f"Version {data.number} of {data.project} is in {data.path}: {done.fetched:,} photos fetched"]
    parts += [f"{there:,} were there"] if there else []
    parts += [f"{len(done.erased):,} erased since"] if done.erased else []
    parts += [f"{len(done.missing):,} missing"] if done.missing else []
    parts += [f"{done.removed:,} removed"] if done.removed else []
    return f"{', '.join(parts)}.\nContent hash {data.content_hash}"


def _verify(options: dict, progress: Progress) -> int:
    data = VersionFolder(options["folder"])
    wrong = list(data.wrong_files(lambda done, total: progress("Reading", done, total, None)))
    progress.close()
    for path, why in wrong[:MOST_SHOWN]:
        print(f"facet: {path} {why}.", file=sys.stderr)
    if wrong:
        data.forget([path for path, _ in wrong])
        print(f"facet: {len(wrong):,} files are wrong; pull again to mend them.", file=sys.stderr)
        return 1
    print(f"Version {data.number} of {data.project}: every file is what the server gave.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="facet", description="Takes versions of face data sets away from Facet.")
    commands = parser.add_subparsers(required=True, metavar="pull | verify")
    one = commands.add_parser("pull", help="fetch a version; FACET_TOKEN holds the token")
    add_pull_arguments(one)
    one.set_defaults(work=run_pull)
    one = commands.add_parser("verify", help="is everything in the folder still what the server gave?")
    one.add_argument("folder")
    one.set_defaults(work=_verify)
    return parser


if __name__ == "__main__":
    sys.exit(main())
