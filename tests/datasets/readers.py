"""Other people's readers of our exports, each in a process where our own `datasets` app is not in their way."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path


def read_apart(program: str, folder: Path, *arguments: str) -> dict:
    """What a program prints last, as JSON. It knows nothing of Django, and reaches nobody."""
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(home), "HF_HOME": str(home), "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1", "PYTHONWARNINGS": "ignore", "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-I", "-c", textwrap.dedent(program), str(folder), *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
