"""facet evaluate PROJECT N --model M: measure a model on a version's test faces."""

from django.core.management.base import CommandError

from config.work_command import WorkCommand
from recognition.enrolment import Enrolment, Policy
from recognition.models import Model
from recognition.runs import start_evaluation


class Command(WorkCommand):
    help = "Evaluate a model, or without --model the frozen embedding alone, on a version's test faces."

    def add_arguments(self, parser):
        parser.add_argument("project")
        parser.add_argument("version", help="number, or a tag such as latest")
        parser.add_argument("--model", type=int, help="number of a model of this project")
        parser.add_argument(
            "--gallery", choices=[policy.value for policy in Policy], default=Policy.ALL.value, help="who is enrolled"
        )
        parser.add_argument("--gallery-size", type=int, default=Enrolment.gallery_size, help="faces a person, for k")
        parser.add_argument(
            "--apart-sessions", action="store_true", help="never compare a face with one of its own capture session"
        )
        parser.add_argument("--json", action="store_true")

    def work(self, options: dict) -> dict:
        version = self.version(options["project"], options["version"])
        model = None
        if options["model"] is not None:
            model = Model.objects.filter(project=version.project, pk=options["model"]).first()
            if model is None:
                raise CommandError(f"“{version.project.slug}” has no model {options['model']}.")
        enrolment = Enrolment(options["gallery"], options["gallery_size"], options["apart_sessions"])
        run = start_evaluation(version, model, enrolment=enrolment)
        self.finish(run.job)
        run.refresh_from_db()
        return {"evaluation": run.pk, **run.metrics}
