"""Calls functions inside a Facet that is up: in a process that has its database, broker and store.

`python -m tests.inside` reads calls from its standard input, one JSON object a line, and answers likewise.
The tests' own process cannot do that: its Django is bound to the database of the test run.
"""

import importlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


class Inside:
    """Calls a module's functions in the Facet that `environment` leads to. Arguments and answers pass as JSON."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {**environment, "DJANGO_SETTINGS_MODULE": "config.settings"}
        self._process: subprocess.Popen[str] | None = None

    def __call__(self, function: Callable, *args, **kwargs):
        """What `function` returned there. An exception it raised fails the test with its traceback."""
        if self._process is None:
            self._process = self._start()
        where = [function.__module__, function.__qualname__]
        self._process.stdin.write(json.dumps([*where, args, kwargs], default=str) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"The process inside Facet ended while it did {where[1]}."
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["answer"]

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.inside"],
            cwd=REPOSITORY, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def end(self) -> None:
        if self._process is not None:
            self._process.communicate(timeout=60)


def answer(line: str) -> dict:
    from django.db import connections

    module, name, args, kwargs = json.loads(line)
    try:
        with redirect_stdout(sys.stderr):
            return {"answer": getattr(importlib.import_module(module), name)(*args, **kwargs)}
    except Exception:
        return {"error": traceback.format_exc()}
    finally:
        connections.close_all()  # the server behind it may be killed before the next call


def main() -> None:
    from config import embedded

    embedded.ensure()
    import django

    django.setup()
    for line in sys.stdin:
        print(json.dumps(answer(line), default=str), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(REPOSITORY))
    main()
