"""Starts the processes that decode what strangers made, and reads their answers. They know nothing of ours."""

import os
import subprocess
import sys
from typing import IO

from django.conf import settings

# Their limits are of processor time. By the clock one waits so many times longer: a busy machine gives them little.
PATIENCE = 15


def start(module: str, *told: str, stdin: int | IO[bytes] = subprocess.PIPE) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", module, *told],
        cwd=settings.BASE_DIR,
        # No addresses, no passwords. Threads of numpy would each take memory.
        env={"PATH": os.environ.get("PATH", ""), "OPENBLAS_NUM_THREADS": "1"},
        stdin=stdin,
        stdout=subprocess.PIPE,
    )


def take(process: subprocess.Popen, length: int) -> bytes:
    """The next bytes it says. Raises EOFError when it ended before."""
    taken = process.stdout.read(length)
    if len(taken) < length:
        raise EOFError("The process ended.")
    return taken
