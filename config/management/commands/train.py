"""facet train PROJECT N: train on a version, then evaluate."""

from config.work_command import WorkCommand
from recognition.models import Run
from recognition.recipe_list import DEFAULT, TITLES, read_options
from recognition.runs import TrainParams, start_training


class Command(WorkCommand):
    help = "Train a model on a frozen version and evaluate it."

    def add_arguments(self, parser):
        parser.add_argument("project")
        parser.add_argument("version", help="number, or a tag such as latest")
        parser.add_argument("--recipe", default=DEFAULT, choices=list(TITLES))
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--epochs", type=int, default=TrainParams.epochs)
        parser.add_argument(
            "--set", nargs="*", default=[], metavar="NAME=VALUE", help="parameters of the recipe, as in margin=20"
        )
        parser.add_argument(
            "--sweep", type=int, default=0, metavar="N",
            help="search for the recipe's parameters in N trials, then train with the best; those of --set stay",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true")

    def work(self, options: dict) -> dict:
        version = self.version(options["project"], options["version"])
        params = TrainParams(
            recipe=options["recipe"],
            seed=options["seed"],
            epochs=options["epochs"],
            options=read_options(" ".join(options["set"])),
            trials=options["sweep"],
        )
        training = start_training(version, params=params)
        self.finish(training.job)
        evaluation = Run.objects.get(parent=training)
        self.finish(evaluation.job)
        training.refresh_from_db()
        evaluation.refresh_from_db()
        return {"run": training.pk, "model": training.model_id, "evaluation": evaluation.pk, **evaluation.metrics}
