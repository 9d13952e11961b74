"""Has photos decoded in processes of their own, with a limit on memory and time: a hostile file harms nothing else."""

import contextlib
import json
import os
import signal
import subprocess
import threading
from queue import Empty, SimpleQueue

from django.conf import settings

from labelling.child_process import PATIENCE, start, take
from labelling.photo_child import LENGTH, moment
from labelling.photos import BadPhoto, Photo, refuse_unread

TOO_SLOW = "Decoding this file took more than {seconds} seconds, so it was stopped. Export it again as JPEG."
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
        self._process = start("labelling.photo_child", *map(str, limits))
        self.was_too_slow = self.has_ended = False

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def read(self, data: bytes) -> Photo:
        """Raises BadPhoto, or _Fallen when the process did not live to answer."""
        timer = threading.Timer(PATIENCE * settings.DECODE_SECONDS, self._stop)
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
        (length,) = LENGTH.unpack(take(self._process, LENGTH.size))
        said = json.loads(take(self._process, length))
        sizes = said["photo"]["pictures"] if "photo" in said else []
        return said, {size: take(self._process, length) for size, length in sizes}

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
