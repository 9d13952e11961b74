"""Choosing a TCP port: the usual one, or any other when somebody has it."""

import fcntl
import os
import socket
import tempfile
from pathlib import Path

HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Tell whether a server could listen on `port` of this machine now."""
    with socket.socket() as probe:
        # As servers do: a port whose last connections are still fading away counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def pick_port(preferred: int) -> int:
    """Return `preferred` when it is free, else a free port chosen by the system."""
    if is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


class ChoosingPorts:
    """Held from choosing ports until servers listen on them, so that two starts never choose the same.

    A lock file of this user, outside of any data folder: starts on other folders are meant.
    """

    def __init__(self) -> None:
        path = Path(tempfile.gettempdir()) / f"facet-ports-{os.getuid()}.lock"
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def over(self) -> None:
        """Let the next one choose; said outright, as forked processes hold the file open too."""
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        os.close(self._descriptor)
