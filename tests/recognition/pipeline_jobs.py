"""All steps of a pipeline for `tests/plain_worker.py`."""

import datasets.tasks  # noqa: F401  (registers the handlers)
from jobs.work import handles
from recognition.pipeline_gate import ask_gate
from tests.recognition import training_jobs

handles("gate")(ask_gate)
KINDS = ("freeze", *training_jobs.KINDS, "gate")
