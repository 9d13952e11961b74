"""facet freeze PROJECT: freeze the labels into a version."""

from django.core.management.base import CommandError

from config.work_command import WorkCommand
from datasets.freeze import start_freeze
from datasets.splits import BadPolicy, SplitPolicy


class Command(WorkCommand):
    help = "Freeze a project's labels as they stand into a new version."

    def add_arguments(self, parser):
        parser.add_argument("project")
        parser.add_argument("--note", default="")
        parser.add_argument("--tag", default="")
        parser.add_argument("--split", default="0.6,0.2,0.2", help="shares of train,val,test")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--ignore-sessions", action="store_true", help="let capture sessions cross splits")
        parser.add_argument(
            "--new-splits", action="store_true", help="divide all photos anew, those kept for tests too"
        )
        parser.add_argument("--json", action="store_true")

    def work(self, options: dict) -> dict:
        project = self.project(options["project"])
        version = start_freeze(project, note=options["note"], tag=options["tag"], policy=_policy(options))
        self.finish(version.job)
        version.refresh_from_db()
        counts = {name: version.statistics[name] for name in ("images", "faces", "identities")}
        return {"project": project.slug, "version": version.number, "content_hash": version.content_hash, **counts}


def _policy(options: dict) -> SplitPolicy:
    try:
        train, val, test = (float(share) for share in options["split"].split(","))
        by_session, sticky = not options["ignore_sessions"], not options["new_splits"]
        return SplitPolicy(train, val, test, options["seed"], by_session, sticky=sticky)
    except BadPolicy as error:
        raise CommandError(str(error)) from None
    except ValueError:
        raise CommandError("--split wants three shares, for example 0.6,0.2,0.2.") from None
