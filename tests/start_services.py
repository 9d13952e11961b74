"""Loaded before pytest-django reads the settings: the settings need the embedded services' addresses.

Tests have a data folder of their own, so that they never touch what `./facet up` holds.
"""

import os
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
os.environ.setdefault("FACET_VAR", str(REPO / "var" / "test"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Short leases: a killed worker's job comes back within the patience of a test.
os.environ.setdefault("FACET_JOB_LEASE_S", "4")

from config import embedded  # noqa: E402

embedded.ensure()
