"""What the supervisor tells its clients: the addresses of the services, or why there are none."""

import json
from pathlib import Path
from typing import TypedDict

from config.embedded.folders import made
from config.embedded.secrets_file import write_private


class State(TypedDict, total=False):
    """The content of `run/services.json`: `environment` once all answer, `failure` once one fell."""

    pid: int
    environment: dict[str, str]
    failure: str


def _path() -> Path:
    return made("run") / "services.json"


def read_state() -> State:
    """Return what the supervisor last said; empty when it said nothing."""
    try:
        return json.loads(_path().read_text())
    except FileNotFoundError:
        return {}


def say(state: State) -> None:
    """Tell the clients `state`, whole or not at all."""
    write_private(_path(), state)


def say_nothing() -> None:
    """Forget what was said, as when the services have stopped."""
    _path().unlink(missing_ok=True)
