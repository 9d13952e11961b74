"""Has photos decoded in processes of their own, with a limit on memory and time: a hostile file harms nothing else."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from queue import Empty, SimpleQueue

from django.conf import settings

from labelling.photo_child import LENGTH, moment
from labelling.photos import BadPhoto, Photo, refuse_unread

TOO_SLOW = "Decoding this file took more than {seconds} seconds, so it was stopped. Export it again as JPEG."
# The limit is one of processor time. By the clock, a process that does nothing is given up after so many times it.
STANDS_STILL = 15
CRASHED = "This file makes its decoder crash. Export it again as JPEG."


def read_photo_apart(data: bytes) -> Photo:
    """As `photos.read_photo`, in another process. Safe to call from many threads; waits for one that is free."""
    refuse_unread(data)
    for _ in range(2):  # a process may also fall without any fault of the photo's
        child = _processes().borrow()
        try:
            return child.read(data)
        except _Fallen:
            if child.was_too_slow:
                raise BadPhoto(TOO_SLOW.format(seconds=settings.DECODE_SECONDS)) from None
        finally:
            _processes().give_back(child)
    raise BadPhoto(CRASHED)


class _Fallen(Exception):
    """The process ended before it answered."""


class _Child:
    def __init__(self) -> None:
        limits = (
            settings.INGEST_MAX_BYTES, settings.INGEST_MAX_PIXELS, settings.DECODE_MEMORY_BYTES, settings.DECODE_SECONDS
        )  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-m", "labelling.photo_child", *map(str, limits)],
            cwd=settings.BASE_DIR,
            # Nothing of ours: no addresses, no passwords. Threads of numpy would each take memory.
            env={"PATH": os.environ.get("PATH", ""), "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.was_too_slow = self.has_ended = False

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def read(self, data: bytes) -> Photo:
        """Raises BadPhoto, or _Fallen when the process did not live to answer."""
        timer = threading.Timer(STANDS_STILL * settings.DECODE_SECONDS, self._stop)
        timer.start()
        try:
            said, pictures = self._ask(data)
        except (OSError, EOFError, ValueError) as error:
            with contextlib.suppress(subprocess.TimeoutExpired):  # it says why it ended, if it did
                self._process.wait(1)
            self.end()
            raise _Fallen from error
        finally:
            timer.cancel()
        if "bad" in said:
            raise BadPhoto(said["bad"])
        return Photo(**{**said["photo"], "taken_at": moment(said["photo"]["taken_at"]), "pictures": pictures})

    def _ask(self, data: bytes) -> tuple[dict, dict[str, bytes]]:
        self._process.stdin.write(LENGTH.pack(len(data)))
        self._process.stdin.write(data)
        self._process.stdin.flush()
        (length,) = LENGTH.unpack(self._take(LENGTH.size))
        said = json.loads(self._take(length))
        sizes = said["photo"]["pictures"] if "photo" in said else []
        return said, {size: self._take(length) for size, length in sizes}

    def _take(self, length: int) -> bytes:
        taken = self._process.stdout.read(length)
        if len(taken) < length:
            raise EOFError("The process ended.")
        return taken

    def _stop(self) -> None:
        self.was_too_slow = True
        self._process.kill()

    def end(self) -> None:
        self.has_ended = True
        self._process.kill()
        self.was_too_slow |= self._process.wait() == -signal.SIGXCPU
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):  # closing would send what it never read
                pipe.close()


class _Processes:
    """As many as there are processors, started when first needed, kept until this process ends."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._free: SimpleQueue[_Child] = SimpleQueue()
        self._room = threading.Semaphore(settings.DECODE_PROCESSES)

    def borrow(self) -> _Child:
        self._room.acquire()
        try:
            child = self._free.get_nowait()
        except Empty:
            return self._started()
        return child if child.is_alive else self._started()

    def _started(self) -> _Child:
        try:
            return _Child()
        except BaseException:
            self._room.release()
            raise

    def give_back(self, child: _Child) -> None:
        if not child.has_ended:
            self._free.put(child)
        self._room.release()


_current: _Processes | None = None
_lock = threading.Lock()


def _processes() -> _Processes:
    """Those of this process: a fork must not share its parent's pipes."""
    global _current
    with _lock:
        if _current is None or _current.pid != os.getpid():
            _current = _Processes()
        return _current
