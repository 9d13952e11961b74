"""The real web server, as `facet up` runs it, for the length of a benchmark."""

import http.client
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from config.embedded.errors import EmbeddedError
from config.embedded.folders import REPOSITORY, log_file
from config.embedded.leash import die_with_parent
from config.embedded.ports import HOST, pick_port
from config.embedded.workers import GRACE_S, web_command

PATIENCE_S = 60


@contextmanager
def running_web(preferred_port: int) -> Iterator[int]:
    """Run the web server; gives its port once it answers. Raises EmbeddedError when it does not."""
    port = pick_port(preferred_port)
    with open(log_file("web"), "ab") as log:
        process = subprocess.Popen(
            web_command(port).words,
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(signal.SIGTERM),
        )
    try:
        _await_answer(process, port)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(2 * GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_answer(process: subprocess.Popen, port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection(HOST, port, timeout=10)
        try:
            connection.request("GET", "/login/")
            if connection.getresponse().status < 500:
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
        finally:
            connection.close()
    raise EmbeddedError(f"The web server does not answer. The reason should be in {log_file('web')}.")
