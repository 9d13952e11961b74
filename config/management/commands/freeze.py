"""facet freeze PROJECT: freeze the labels into a version."""

from datetime import date

from django.core.management.base import CommandError
from django.utils import timezone

from config.work_command import WorkCommand
from datasets.filters import read_filters
from datasets.freeze import start_freeze
from datasets.splits import CLOSED, SPLIT_KINDS, BadPolicy, SplitPolicy
from labelling.models import Who


class Command(WorkCommand):
    help = "Freeze a project's labels as they stand into a new version."

    def add_arguments(self, parser):
        parser.add_argument("project")
        parser.add_argument("--note", default="")
        parser.add_argument("--tag", default="")
        parser.add_argument("--split", default="0.6,0.2,0.2", help="shares of train,val,test")
        parser.add_argument("--kind", default=CLOSED, choices=list(SPLIT_KINDS), help="; ".join(SPLIT_KINDS.values()))
        parser.add_argument("--folds", type=int, default=SplitPolicy.folds, help="of kfold")
        parser.add_argument("--fold", type=int, default=SplitPolicy.fold, help="the fold to test, from 1")
        parser.add_argument("--gallery", type=int, default=SplitPolicy.gallery, help="photos that enrol each person")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--ignore-sessions", action="store_true", help="let capture sessions cross splits")
        parser.add_argument(
            "--new-splits", action="store_true", help="divide all photos anew, those kept for tests too"
        )
        _add_filters(parser.add_argument_group("only some of it"))
        parser.add_argument("--json", action="store_true")

    def work(self, options: dict) -> dict:
        project = self.project(options["project"])
        filters = read_filters(project, options, today=timezone.localdate())
        version = start_freeze(
            project, note=options["note"], tag=options["tag"], policy=_policy(options), filters=filters
        )
        self.finish(version.job)
        version.refresh_from_db()
        counts = {name: version.statistics[name] for name in ("images", "faces", "identities")}
        return {"project": project.slug, "version": version.number, "content_hash": version.content_hash, **counts}


def _add_filters(group) -> None:
    group.add_argument("--who", action="append", choices=Who.values, help="a kind of confirmed faces")
    for name, what in (("people", "PERSON"), ("sessions", "SESSION")):
        one = name.removesuffix("s") if name == "sessions" else "person"
        group.add_argument(f"--only-{one}", dest=name, action="append", metavar=what)
        group.add_argument(f"--without-{one}", dest=f"not_{name}", action="append", metavar=what)
    group.add_argument("--consent", action="store_true", help="only people whose consent is given and runs today")
    group.add_argument("--taken-from", type=date.fromisoformat, metavar="YYYY-MM-DD")
    group.add_argument("--taken-to", type=date.fromisoformat, metavar="YYYY-MM-DD", help="that day included")
    for flag, what in (
        ("--min-face", "pixels of the shorter side of a face's box"),
        ("--min-sharpness", "of its photo"),
        ("--min-brightness", "of its photo, 0 to 255"),
        ("--max-brightness", "of its photo"),
    ):
        group.add_argument(flag, type=float, metavar="N", help=what)


def _policy(options: dict) -> SplitPolicy:
    try:
        train, val, test = (float(share) for share in options["split"].split(","))
        by_session, sticky = not options["ignore_sessions"], not options["new_splits"]
        more = {name: options[name] for name in ("kind", "folds", "fold", "gallery", "seed")}
        return SplitPolicy(train, val, test, by_session=by_session, sticky=sticky, **more)
    except BadPolicy as error:
        raise CommandError(str(error)) from None
    except ValueError:
        raise CommandError("--split wants three shares, for example 0.6,0.2,0.2.") from None
