"""facet pipeline PROJECT: freeze, train, evaluate and ask the gate, as one chain, to its end."""

import contextlib

from django.core.management.base import CommandError

from config.work_command import WorkCommand
from jobs.errors import JobFailed
from recognition.models import Model, Pipeline, PipelineState
from recognition.pipelines import Asked, go_on, settle_stopped, start_pipeline
from recognition.recipe_list import DEFAULT, TITLES, read_options
from recognition.rules import version_to_follow
from recognition.runs import TrainParams


class Command(WorkCommand):
    help = "Freeze the labels, train, evaluate and ask the gate. With --resume, go on where a pipeline stopped."

    def add_arguments(self, parser):
        parser.add_argument("project")
        parser.add_argument("--recipe", default=DEFAULT, choices=list(TITLES))
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--epochs", type=int, default=TrainParams.epochs)
        parser.add_argument(
            "--set", nargs="*", default=[], metavar="NAME=VALUE", help="parameters of the recipe, as in margin=20"
        )
        parser.add_argument(
            "--sweep", type=int, default=0, metavar="N", help="search for the recipe's parameters in N trials first"
        )
        parser.add_argument(
            "--like", metavar="VERSION", help="number or tag: its splits and filters; the last one's by default"
        )
        parser.add_argument("--promote", action="store_true", help="into production, if the gate is open")
        parser.add_argument("--no-training", action="store_true", help="only freeze, and evaluate what serves now")
        parser.add_argument("--resume", type=int, metavar="PIPELINE", help="number of one that failed or was cancelled")
        parser.add_argument("--json", action="store_true")

    def work(self, options: dict) -> dict:
        project = self.project(options["project"])
        if options["resume"] is None:
            params = TrainParams(
                recipe=options["recipe"], seed=options["seed"], epochs=options["epochs"],
                options=read_options(" ".join(options["set"])), trials=options["sweep"],
            )  # fmt: skip
            asked = Asked(
                trains=not options["no_training"], params=params, like=version_to_follow(project, options["like"]),
                promotes=options["promote"],
            )  # fmt: skip
            pipeline = start_pipeline(project, asked)
        else:
            stopped = Pipeline.objects.filter(project=project, pk=options["resume"]).select_related("project").first()
            if stopped is None:
                raise CommandError(f"“{project.slug}” has no pipeline {options['resume']}.", returncode=2)
            pipeline = go_on(stopped)
        while pipeline.state == PipelineState.RUNNING:
            with contextlib.suppress(JobFailed):  # the pipeline says at which step, and how to go on
                self.finish(pipeline.job)
            settle_stopped()
            pipeline = Pipeline.objects.select_related("job").get(pk=pipeline.pk)
        return self._answer(pipeline)

    def _answer(self, pipeline: Pipeline) -> dict:
        if pipeline.state != PipelineState.DONE:
            raise CommandError(
                f"{pipeline.message} Pipeline {pipeline.pk} stopped at “{pipeline.get_step_display().lower()}”; "
                f"--resume {pipeline.pk} goes on from there."
            )
        metrics = pipeline.evaluation.metrics
        model = Model.objects.filter(pk=pipeline.training.model_id).first() if pipeline.training else None
        return {
            "pipeline": pipeline.pk,
            "version": pipeline.version.number,
            "training": pipeline.training_id,
            "model": model.pk if model else None,
            "evaluation": pipeline.evaluation_id,
            "map": metrics["map"],
            "recognition_rate": metrics["recognition_rate"],
            "gate": pipeline.verdict or None,
            "promoted": pipeline.promoted,
            "stage": model.stage if model else None,
        }

    def as_text(self, answer: dict) -> str:
        gate = answer["gate"]
        lines = [f"Version {answer['version']} is frozen."]
        if answer["model"]:
            lines.append(f"Model {answer['model']} is trained (training {answer['training']}).")
        lines.append(f"Evaluation {answer['evaluation']}: {_share('mAP', answer['map'], 'macro')}, "
                     f"{_share('recognition rate', answer['recognition_rate'], 'value')}.")  # fmt: skip
        if gate:
            lines.append("The gate is open." if gate["passed"] else "The gate is closed.")
            for one in gate["conditions"]:
                mark = {True: "fine", False: "FAILS", None: "not checked"}[one["passed"]]
                lines.append(f"{mark:>11}  {one['title']}: {one['said']}")
            lines.append("The model is in production." if answer["promoted"] else "The model is a candidate.")
        return "\n".join(lines)


def _share(words: str, figures: dict, name: str) -> str:
    value = figures.get(name)
    if value is None:
        return f"{words} not measurable"
    low, high = figures.get("low"), figures.get("high")
    return f"{words} {value:.1%}" + ("" if None in (low, high) else f" ({low:.1%} to {high:.1%})")
