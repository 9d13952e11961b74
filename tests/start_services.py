"""Loaded before pytest-django reads the settings: the settings need the embedded services' addresses.

Tests have a data folder of their own, so that they never touch what `./facet up` holds. Where pytest-xdist runs
them side by side, each of its workers has services of its own: tests kill processes, fill queues and count rows.
"""

import os
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
os.environ.setdefault("FACET_VAR", str(REPO / "var" / "test"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Short leases: a killed worker's job comes back within the patience of a test.
os.environ.setdefault("FACET_JOB_LEASE_S", "4")

from config import embedded  # noqa: E402


def part_from_the_others(worker: str) -> None:
    """Forget the embedded services of the process that started this worker. Outside ones stay shared."""
    if os.environ.pop("FACET_EMBEDDED", None) is None:
        return
    for variable in (*embedded.PART_OF_VARIABLE, "FACET_SECRET_KEY"):
        os.environ.pop(variable, None)
    os.environ["FACET_VAR"] = str(Path(os.environ["FACET_VAR"]) / worker)


if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    part_from_the_others(worker)
embedded.ensure()
