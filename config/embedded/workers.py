"""The processes that do Facet's own work: the web server and the Celery workers.

Run as `python -m config.embedded.workers PARENT` it runs the workers alone, for the life of its parent.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from config.embedded.crew import Command, Crew
from config.embedded.errors import EmbeddedError
from config.embedded.folders import REPOSITORY, log_file
from config.embedded.leash import die_with_parent
from config.embedded.ports import HOST

# A task cut off in the middle is taken up again by the next worker, so stopping need not be patient.
GRACE_S = 5


def web_command(port: int) -> Command:
    """Return the web server on `port` of this machine: two processes of eight threads."""
    words = [sys.executable, "-m", "gunicorn", "config.wsgi", f"--bind={HOST}:{port}"]
    words += ["--worker-class=gthread", "--workers=2", "--threads=8", "--timeout=120", "--preload"]
    words += [f"--graceful-timeout={GRACE_S - 2}", "--no-control-socket"]
    return Command(name="web", title="The web server", words=words)


def worker_commands() -> list[Command]:
    """Return one worker for long work and one that keeps what people wait for quick."""
    return [
        _celery("worker", "The worker for long work", queue="bulk", niceness=10),
        # Two at a time: while one suggests names, the other looks at a box or puts groups in order.
        _celery("quick", "The worker for quick work", queue="interactive", at_once=2, niceness=5),
    ]


def _celery(name: str, title: str, *, queue: str, niceness: int, at_once: int = 1) -> Command:
    # Whoever waits for a page comes before any worker, or twenty annotators would feel each round of suggestions.
    words = ["nice", "-n", str(niceness), sys.executable, "-m", "celery", "-A", "config", "worker", f"--queues={queue}"]
    words += [f"--hostname={queue}-{os.getpid()}@%h", f"--concurrency={at_once}"]  # unique: several may run beside `up`
    words += ["--loglevel=INFO", "--without-gossip", "--without-mingle"]
    # Told to stop by its manager it may finish; with the manager killed there is nobody to wait for.
    # FACET_WARM=0 is for who starts workers often and seldom waits for a face.
    warm = {"FACET_WARM": os.environ.get("FACET_WARM", "1")} if queue == "interactive" else {}
    return Command(name=name, title=title, words=words, environment=warm, orphan_signal=signal.SIGKILL)


class Workers:
    """Workers that run beside this process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._said = f"The workers ended. The reason should be in {log_file('workers')}."

    def check(self) -> None:
        """Raise EmbeddedError, naming the worker and its log, when one of them has ended."""
        if self._process.poll() is None:
            return
        if self._process.stdout:
            self._said = self._process.stdout.read().strip() or self._said
        raise EmbeddedError(self._said)


@contextmanager
def running_workers() -> Iterator[Workers]:
    """Run the workers for the length of a `with` block; needs the services (`ensure()`) before.

    The block may call `check()` on what it gets while it waits for jobs, so as not to wait in vain.
    Enter it in the main thread: the workers end with the thread that started them.
    """
    with open(log_file("workers"), "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.embedded.workers", str(os.getpid())],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,  # Ctrl-C is for us; we stop them
        )
    try:
        yield Workers(process)
    finally:
        process.terminate()
        process.communicate()


def main(parent: int) -> int:
    """Run the workers until process `parent` stops us or dies, or one of them falls."""
    die_with_parent(signal.SIGTERM, parent)
    crew = Crew("workers", worker_commands(), grace_s=GRACE_S)
    crew.run()
    sentence = crew.sentence()
    if sentence:
        print(sentence, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
