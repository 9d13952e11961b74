"""Embedded services in a data folder of the test's own, used by processes that can be killed."""

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_S = 60

# A process that uses the services until its standard input ends; it says first what it was given.
CLIENT = """
import json, os, sys
from config import embedded
try:
    embedded.ensure()
except embedded.EmbeddedError as error:
    sys.exit(str(error))
print(json.dumps(dict(os.environ)), flush=True)
sys.stdin.read()
"""


def eventually(condition: Callable[[], object], what: str) -> object:
    """Wait until `condition` returns something true, and return that."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.2)  # looking through all processes is work too
    raise AssertionError(f"never happened: {what}")


class Folder:
    """A data folder, the clients started on it, and the processes that belong to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.started: list[subprocess.Popen[str]] = []

    def environment(self, **more: str) -> dict[str, str]:
        ours = ("FACET_", "DATABASE_URL", "REDIS_URL", "S3_")
        plain = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return plain | {"FACET_VAR": str(self.path), "FACET_WARM": "0", "PYTHONPATH": str(REPOSITORY)} | more

    def run(self, *words: str, **more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=REPOSITORY,
            env=self.environment(**more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def client(self, **more: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
        process = self.run("-c", CLIENT, **more)
        line = process.stdout.readline()
        assert line, process.stderr.read()
        return process, json.loads(line)

    def processes(self, *words: str) -> list[psutil.Process]:
        """Every live process of this folder whose command line has all `words`."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("FACET_VAR") != str(self.path) or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                if all(word in " ".join(process.cmdline()) for word in words):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def is_quiet(self) -> bool:
        """Whether no process of the services is left; each of them holds this lock."""
        with open(self.path / "run" / "supervisor.lock") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True


@pytest.fixture(scope="session")
def shared_data(tmp_path_factory):
    """One data folder for all tests here: creating a database anew takes longer than any of them."""
    return tmp_path_factory.mktemp("embedded") / "var"


@pytest.fixture
def folder(shared_data):
    """The shared data folder, with whatever earlier tests left in it and nothing running on it."""
    yield from _cleared(Folder(shared_data))


@pytest.fixture
def new_folder(tmp_path):
    """A data folder that does not exist yet."""
    yield from _cleared(Folder(tmp_path / "var"))


def _cleared(folder):
    yield folder
    for process in folder.started:
        process.kill()
        process.communicate()
    eventually(lambda: not folder.processes(), "all processes of the folder have gone")


def leave(process: subprocess.Popen[str]) -> None:
    """Let a client end the normal way."""
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
