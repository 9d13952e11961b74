"""Freezing and exporting for `tests/plain_worker.py`."""

import datasets.tasks  # noqa: F401  (registers the handlers)

KINDS = ("freeze", "export")
