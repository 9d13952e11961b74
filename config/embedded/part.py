"""One embedded service as the supervisor sees it."""

from collections.abc import Callable
from dataclasses import dataclass

from config.embedded.crew import Command


@dataclass(frozen=True)
class Part:
    """A server to run: its command, when it answers, and what its clients must know."""

    command: Command
    answers: Callable[[], bool]
    exports: dict[str, str]  # environment variables of its clients
