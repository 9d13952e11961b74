"""The background process that runs the embedded services for as long as anybody uses them.

Run as `python -m config.embedded.supervise NAME…`, by a client that needs the services.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from config.embedded import objectstore, postgres, valkey
from config.embedded.crew import Crew
from config.embedded.errors import EmbeddedError
from config.embedded.locks import EXCLUSIVE, FileLock
from config.embedded.part import Part
from config.embedded.ports import ChoosingPorts
from config.embedded.secrets_file import local_secrets
from config.embedded.state import say, say_nothing

PARTS: dict[str, Callable[[dict[str, str]], Part]] = {
    "postgres": postgres.prepare,
    "valkey": valkey.prepare,
    "s3": objectstore.prepare,
}
START_TIMEOUT_S = 60
_POLL_S = 0.1


def main(names: Sequence[str]) -> int:
    """Run the parts called `names` until no client is left or one of them falls."""
    running = FileLock("supervisor")
    # Processes of a supervisor that was killed may need a moment to follow it.
    if not running.take_within(30, EXCLUSIVE):
        print("The embedded services of an earlier start are still ending; try again.", file=sys.stderr)
        return 1
    say_nothing()
    try:
        return _run([PARTS[name] for name in names], running)
    except EmbeddedError as error:
        say({"failure": str(error)})
        return 1


def _run(prepares: list[Callable[[dict[str, str]], Part]], running: FileLock) -> int:
    secrets = local_secrets()
    choosing = ChoosingPorts()
    parts = [prepare(secrets) for prepare in prepares]
    os.set_inheritable(running.descriptor, True)
    # PostgreSQL writes its last checkpoint when it stops: it gets the time for it.
    crew = Crew("services", [part.command for part in parts], grace_s=30, held=(running.descriptor,))
    crew.run(attend=lambda: _attend(crew, parts, choosing))
    sentence = crew.sentence()
    if sentence:
        say({"failure": sentence})
        return 1
    say_nothing()
    return 0


def _attend(crew: Crew, parts: list[Part], choosing: ChoosingPorts) -> None:
    """Say when all parts answer, then wait until nobody uses them and end the crew."""
    ready = _wait_until_answering(crew, parts)
    choosing.over()
    if ready:
        environment = {name: value for part in parts for name, value in part.exports.items()}
        say({"pid": os.getpid(), "environment": environment})
    clients = FileLock("clients")
    while ready and not clients.try_take(EXCLUSIVE):
        time.sleep(_POLL_S)
    # The lock stays ours until we are gone: a new client waits, then starts a new supervisor.
    os.kill(os.getpid(), signal.SIGTERM)


def _wait_until_answering(crew: Crew, parts: list[Part]) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_S

    def wait(part: Part) -> bool:
        while not part.answers():
            if crew.is_ending or time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    with ThreadPoolExecutor(len(parts)) as pool:
        return all(pool.map(wait, parts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
