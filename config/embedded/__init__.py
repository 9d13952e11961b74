"""Real servers without installation: PostgreSQL, Valkey and S3 started beside the command.

`ensure()` is the one door. A background supervisor (`supervise.py`) runs what is needed and ends by
itself when the last process that called `ensure()` has gone, however it went. In production the
environment names outside servers and nothing here is used, nor need its wheels be installed.
"""

import os
from collections.abc import Sequence

from config.embedded.clients import PART_OF_VARIABLE, ensure, ensure_environment, failure, missing_parts
from config.embedded.errors import EmbeddedError

__all__ = [
    "PART_OF_VARIABLE",
    "EmbeddedError",
    "ensure",
    "ensure_environment",
    "ensure_for",
    "failure",
    "missing_parts",
]

# Commands that touch neither database, broker nor object store.
_SERVICE_FREE = {
    "check",
    "collectstatic",
    "compilemessages",
    "diffsettings",
    "findstatic",
    "help",
    "makemessages",
    "makemigrations",
    "sample",
    "sendtestemail",
    "spectacular",
    "startapp",
    "version",
}


def ensure_for(arguments: Sequence[str]) -> None:
    """Bring up what the management command `arguments` needs. Raises EmbeddedError.

    `makemigrations` would like to compare with the database's history, but can do without.
    """
    asks_for_help = not {"-h", "--help", "--version"}.isdisjoint(arguments)
    # A benchmark starts itself anew, in a data folder of its own, before it needs any server.
    is_first_of_bench = arguments[:1] == ["bench"] and os.environ.get("FACET_BENCH") != "1"
    if not arguments or asks_for_help or arguments[0] in _SERVICE_FREE or is_first_of_bench:
        ensure_environment()
    else:
        ensure()
