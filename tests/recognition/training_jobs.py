"""Trainings and evaluations for `tests/plain_worker.py`."""

from jobs.work import handles
from recognition.evaluate import evaluate
from recognition.models import Run
from recognition.train import train

KINDS = ("train", "evaluate")


def _run(work) -> Run:
    return Run.objects.select_related("project", "version__project", "model").get(pk=work.params["run"])


handles("train")(lambda work: train(_run(work), work))
handles("evaluate")(lambda work: evaluate(_run(work), work))
