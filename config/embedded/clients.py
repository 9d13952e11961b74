"""How a command gets the services it needs, and leaves them."""

import atexit
import os
import subprocess
import sys
import time

from config.embedded.errors import EmbeddedError
from config.embedded.folders import REPOSITORY, log_file, made, var_folder
from config.embedded.locks import EXCLUSIVE, SHARED, FileLock, is_held
from config.embedded.secrets_file import local_secrets
from config.embedded.state import read_state, say_nothing

# The variable that says "there is an outside one" → the part started when it is not set.
PART_OF_VARIABLE = {"DATABASE_URL": "postgres", "REDIS_URL": "valkey", "S3_ENDPOINT_URL": "s3"}
_START_TIMEOUT_S = 120  # a first start creates the database, perhaps on a slow disk

_held: FileLock | None = None


def missing_parts() -> list[str]:
    """Return the parts no environment variable points to, which are to be embedded."""
    return [part for variable, part in PART_OF_VARIABLE.items() if not os.environ.get(variable)]


def ensure_environment() -> None:
    """Set what Django's settings need besides the services, for anyone who runs embedded."""
    if missing_parts():
        os.environ["FACET_VAR"] = str(var_folder())  # our children may run in another folder
        os.environ.setdefault("FACET_EMBEDDED", "1")
        made("static")  # WhiteNoise warns when the folder it would collect into is not there
        if not os.environ.get("FACET_SECRET_KEY"):
            os.environ["FACET_SECRET_KEY"] = local_secrets()["django_secret_key"]


def ensure() -> None:
    """Make PostgreSQL, Valkey and S3 reachable through the environment, for the life of this process.

    Starts those no variable points to, unless another process already has; they stop by themselves
    when their last user has gone. Calling it again changes nothing.
    Raises EmbeddedError with a sentence for people when one of them cannot start.
    """
    global _held
    parts = missing_parts()
    if not parts:
        return
    ensure_environment()
    clients = FileLock("clients")
    clients.take(SHARED)  # waits for services that are just stopping
    start = FileLock("start")
    start.take(EXCLUSIVE)
    try:
        environment = _running(parts) or _start(parts)
    except BaseException:
        clients.release()
        raise
    finally:
        start.release()
    os.environ.update(environment)
    _held = clients
    atexit.register(_leave, clients, os.getpid())
    os.register_at_fork(after_in_child=clients.release)  # only we are the client, not our children


def failure() -> str | None:
    """Return why the services this process uses have ended, or None while they run."""
    if _held is None or is_held("supervisor"):
        return None
    return read_state().get("failure") or (
        f"The embedded services ended unexpectedly. The reason should be in {log_file('services')}."
    )


def _running(parts: list[str]) -> dict[str, str] | None:
    """Return the environment of a supervisor that runs already, None when there is none."""
    if not is_held("supervisor"):
        return None
    environment = _await_answer(None)
    if environment is None:
        return None
    lacking = [name for name, part in PART_OF_VARIABLE.items() if part in parts and name not in environment]
    if lacking:
        raise EmbeddedError(
            f"Facet already runs here with {', '.join(lacking)} set from outside. "
            "Stop that one first, or set the same variables for this one."
        )
    return environment


def _start(parts: list[str]) -> dict[str, str]:
    say_nothing()  # what a supervisor said that could not tidy up
    with open(log_file("services"), "ab") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "config.embedded.supervise", *parts],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C meant for a client must not reach the services
        )
    environment = _await_answer(supervisor)
    if environment is None:
        raise EmbeddedError(
            read_state().get("failure")
            or f"The embedded services did not start. The reason should be in {log_file('services')}."
        )
    return environment


def _await_answer(supervisor: subprocess.Popen[bytes] | None) -> dict[str, str] | None:
    """Wait for the supervisor's word; None when it has gone without one."""
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        gone = supervisor.poll() is not None if supervisor else not is_held("supervisor")
        state = read_state()
        if "environment" in state and not gone:
            return state["environment"]
        if gone:
            return None
        time.sleep(0.02)
    raise EmbeddedError(f"The embedded services do not answer; see {var_folder() / 'log'}.")


def _leave(clients: FileLock, owner: int) -> None:
    """Give the services up; when nobody else uses them, stay until they have gone."""
    if os.getpid() != owner:
        return
    clients.let_go()
    while is_held("supervisor"):
        if clients.try_take(SHARED):  # else the supervisor has it and is stopping
            alone = clients.try_take(EXCLUSIVE)
            clients.let_go()
            if not alone:
                return
        time.sleep(0.05)
