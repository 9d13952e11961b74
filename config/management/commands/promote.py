"""facet promote PROJECT MODEL: put a model into production; facet promote PROJECT --rollback: the way back."""

from django.core.management.base import CommandError

from config.work_command import WorkCommand
from recognition.gate_evidence import weigh
from recognition.models import Model, Run
from recognition.promotion import CannotCompareYet, promote, roll_back


class Command(WorkCommand):
    help = "Put a model into production when the gate is open, or over it with a reason; or go back to the one before."

    def add_arguments(self, parser):
        parser.add_argument("project")
        parser.add_argument("model", type=int, nargs="?", help="number of a model of this project")
        parser.add_argument("--override", metavar="REASON", default="", help="promote although the gate is closed")
        parser.add_argument("--rollback", action="store_true", help="bring back what served before")
        parser.add_argument("--json", action="store_true")

    def work(self, options: dict) -> dict:
        project = self.project(options["project"])
        if options["rollback"] == (options["model"] is not None):
            raise CommandError("Name the model to promote, or give --rollback; one of the two.")
        if options["rollback"]:
            event = roll_back(project, reason=options["override"])
            return {"move": "rollback", "old": event.old_id, "new": event.new_id}
        model = Model.objects.filter(project=project, pk=options["model"]).select_related("project", "version").first()
        if model is None:
            raise CommandError(f"“{project.slug}” has no model {options['model']}.")
        return self._promote(model, options["override"])

    def _promote(self, model: Model, reason: str) -> dict:
        """What the gate has to know first is evaluated here and now."""
        try:
            event = promote(model, reason=reason)
        except CannotCompareYet as error:
            if not error.extra.get("runs"):
                raise
            for run in Run.objects.filter(pk__in=error.extra["runs"]).select_related("job"):
                self.finish(run.job)
            event = promote(model, reason=reason)
        gate = event.verdict if event else weigh(model).as_dict()
        return {"move": "promote" if event else "none", "old": event and event.old_id, "new": model.pk, "gate": gate}

    def as_text(self, answer: dict) -> str:
        now = f"model {answer['new']}" if answer["new"] else "the frozen embedding"
        lines = [f"Nothing changed: {now} was in production." if answer["move"] == "none" else f"In production: {now}."]
        for one in answer.get("gate", {}).get("conditions", []):
            mark = {True: "fine", False: "FAILS", None: "not checked"}[one["passed"]]
            lines.append(f"{mark:>11}  {one['title']}: {one['said']}")
        return "\n".join(lines)
