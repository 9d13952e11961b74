"""facet leaks PROJECT VERSION: what lies on two sides of a version's split?"""

from config.work_command import WorkCommand
from datasets.leaks import ask_for_report, in_words


class Command(WorkCommand):
    help = "Look for people (open sets), sessions, near-duplicates and twins on two sides of a version's split."

    def add_arguments(self, parser):
        parser.add_argument("project")
        parser.add_argument("version", help="number, or a tag such as latest")
        parser.add_argument("--json", action="store_true")

    def work(self, options: dict) -> dict:
        version = self.version(options["project"], options["version"])
        report = ask_for_report(version)
        self.finish(report.job)
        report.refresh_from_db()
        return {
            "project": version.project.slug,
            "version": version.number,
            "leaks": report.leaks,
            "said": in_words(report.found),
            "found": report.found,
        }
