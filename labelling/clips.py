"""Has clips decoded by a process of their own (`video_child.py`), with limits on memory and time."""

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import IO

from django.conf import settings

from labelling.child_process import PATIENCE, start, take
from labelling.clip_sampling import Limits, Sampling
from labelling.photo_child import LENGTH

FIRST_YEAR = 1990  # cameras without a clock write the beginning of their epoch
STUCK = "Decoding this clip got no further, so it was stopped. Export it again as MP4."
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
                    yield said["frame"], take(process, said["bytes"])
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
        return start("labelling.video_child", *told, stdin=self._file)

    def _answer(self, process: subprocess.Popen) -> dict:
        """What it says next. It says something at least once a second, as long as it gets on with its work."""
        timer = threading.Timer(PATIENCE * settings.DECODE_SECONDS, process.send_signal, [signal.SIGXCPU])
        timer.start()
        try:
            (length,) = LENGTH.unpack(take(process, LENGTH.size))
            return json.loads(take(process, length))
        except EOFError:
            if process.wait() == -signal.SIGXCPU:
                raise BadClip(STUCK) from None
            raise
        finally:
            timer.cancel()


def _moment(text: str) -> datetime | None:
    """When the clip begins, as the camera wrote it; nothing where it surely had no clock."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment if moment.year >= FIRST_YEAR else None
