"""Who uses the embedded services, who runs them, and who is starting them: three file locks.

A lock is the kernel's: it is given up when its last holder dies, however it dies.

- `clients`: every process that uses the services holds it shared. The supervisor stops the services
  when it can take it exclusively, which means that no client is left.
- `supervisor`: held by the supervisor and, inherited, by every process of the services. Free means
  that nothing runs.
- `start`: held while a client looks for a supervisor and starts one.
"""

import fcntl
import os
import time
from pathlib import Path

from config.embedded.folders import made

SHARED = fcntl.LOCK_SH
EXCLUSIVE = fcntl.LOCK_EX


class FileLock:
    """One lock file, opened; closed with `release()` or by the end of the process."""

    def __init__(self, name: str) -> None:
        self.path: Path = made("run") / f"{name}.lock"
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self, kind: int) -> None:
        """Wait for the lock."""
        fcntl.flock(self.descriptor, kind)

    def try_take(self, kind: int) -> bool:
        """Take the lock if nobody stands in the way, and tell whether it was taken."""
        try:
            fcntl.flock(self.descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def take_within(self, timeout_s: float, kind: int) -> bool:
        """Try to take the lock until `timeout_s` have passed, and tell whether it was taken."""
        deadline = time.monotonic() + timeout_s
        while not self.try_take(kind):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def let_go(self) -> None:
        """Give the lock up, and keep the file open to take it again."""
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    def release(self) -> None:
        """Close the file, which gives the lock up unless a child holds it too."""
        os.close(self.descriptor)


def is_held(name: str) -> bool:
    """Tell whether any process holds the lock `name`."""
    lock = FileLock(name)
    try:
        return not lock.try_take(EXCLUSIVE)
    finally:
        lock.release()
