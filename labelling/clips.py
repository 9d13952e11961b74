"""Has clips decoded by a process of their own (`video_child.py`), with limits on memory and time."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import IO

from django.conf import settings

from labelling.clip_sampling import Limits, Sampling
from labelling.photo_child import LENGTH

FIRST_YEAR = 1990  # cameras without a clock write the beginning of their epoch
STUCK = "Decoding this clip got no further, so it was stopped. Export it again as MP4."
# By the clock one waits longer: a busy machine gives the process little of its time.
PATIENCE = 15
CRASHED = "This clip makes its decoder crash, or takes far more time or memory than clips do. Export it again as MP4."


class BadClip(Exception):
    """The clip cannot be read, or not any further. The message is a sentence for people."""


class Clip:
    """`made_at` is known with the first frame; `note`, what else people should know, after the last."""

    def __init__(self, file: IO[bytes], sampling: Sampling):
        self._file, self._sampling = file, sampling
        self.made_at: datetime | None = None
        self.note = ""

    def frames(self) -> Iterator[tuple[float, bytes]]:
        """Seconds since the clip began, and a JPEG. Raises BadClip."""
        process = self._process()
        try:
            while "end" not in (said := self._answer(process)):
                if "bad" in said:
                    raise BadClip(said["bad"])
                if "made" in said:
                    self.made_at = _moment(said["made"])
                if "frame" in said:
                    yield said["frame"], _take(process, said["bytes"])
            self.note = said["end"]
        except EOFError:
            raise BadClip(CRASHED) from None
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def _process(self) -> subprocess.Popen:
        self._file.seek(0)
        limits = Limits(
            seconds=settings.CLIP_SECONDS,
            pixels=settings.INGEST_MAX_PIXELS,
            memory=settings.DECODE_MEMORY_BYTES,
            cpu_seconds=settings.CLIP_SECONDS,
            silent_cpu_seconds=settings.DECODE_SECONDS,
        )
        told = [json.dumps(asdict(said)) for said in (self._sampling, limits)]
        return subprocess.Popen(
            [sys.executable, "-m", "labelling.video_child", *told],
            cwd=settings.BASE_DIR,
            # Nothing of ours: no addresses, no passwords. Threads of numpy would each take memory.
            env={"PATH": os.environ.get("PATH", ""), "OPENBLAS_NUM_THREADS": "1"},
            stdin=self._file,
            stdout=subprocess.PIPE,
        )

    def _answer(self, process: subprocess.Popen) -> dict:
        """What it says next. It says something at least once a second, as long as it gets on with its work."""
        timer = threading.Timer(PATIENCE * settings.DECODE_SECONDS, process.send_signal, [signal.SIGXCPU])
        timer.start()
        try:
            (length,) = LENGTH.unpack(_take(process, LENGTH.size))
            return json.loads(_take(process, length))
        except EOFError:
            if process.wait() == -signal.SIGXCPU:
                raise BadClip(STUCK) from None
            raise
        finally:
            timer.cancel()


def _take(process: subprocess.Popen, length: int) -> bytes:
    taken = process.stdout.read(length)
    if len(taken) < length:
        raise EOFError("The process ended.")
    return taken


def _moment(text: str) -> datetime | None:
    """When the clip begins, as the camera wrote it; nothing where it surely had no clock."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment if moment.year >= FIRST_YEAR else None
