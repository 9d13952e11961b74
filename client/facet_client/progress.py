"""A bar where somebody watches, a line now and then where nobody does."""

import sys
import time

WIDTH = 28
UNITS = ("B", "kB", "MB", "GB", "TB")


class Progress:
    """Called with what is going on, done, total, and bytes so far (None: nothing is fetched); see `pulling.pull`."""

    def __init__(self, stream=None):
        self._stream = stream or sys.stderr
        self._watched = self._stream.isatty()
        self._what, self._start, self._last = "", 0.0, 0.0

    def __call__(self, what: str, done: int, total: int, size: int | None) -> None:
        now = time.monotonic()
        if what != self._what:
            self.close()
            self._what, self._start, self._last = what, now, 0.0
        if done < total and now - self._last < (0.1 if self._watched else 5):
            return
        self._last = now
        line = self._line(done, total, size, max(now - self._start, 1e-3))
        self._stream.write(f"\r{line}\x1b[K" if self._watched else f"{line}\n")
        self._stream.flush()

    def close(self) -> None:
        if self._what and self._watched:
            self._stream.write("\n")
        self._what = ""

    def _line(self, done: int, total: int, size: int | None, seconds: float) -> str:
        share = done / total if total else 1.0
        left = f", {_time(seconds * (1 - share) / share)} left" if 0 < share < 1 else ""
        bar = f" [{'█' * round(share * WIDTH):<{WIDTH}}]" if self._watched else ""
        of = "" if size == done else f" {done:,} of {total:,}"  # bytes alone say it already
        speed = "" if size is None else f" {_bytes(size)}, {_bytes(size / seconds)}/s"
        return f"{self._what}{bar} {share:4.0%}{of}{',' if of and speed else ''}{speed}{left}"


def _bytes(size: float) -> str:
    """Such as “3.4 MB”."""
    unit = 0
    while size >= 1000 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.1f} {UNITS[unit]}" if unit else f"{size:.0f} {UNITS[0]}"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
