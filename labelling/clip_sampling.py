"""Which frames of a clip are wanted, and what reading it may cost: what is told to the process that decodes it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sampling:
    """Every so many seconds; or by scene: whenever the picture has become another one, after so many at the soonest.

    Either way a frame that shows what the one before showed is left out.
    """

    by: str = "time"
    every_s: float = 1.0
    most: int = 500


@dataclass(frozen=True)
class Limits:
    seconds: float
    pixels: int
    memory: int
    cpu_seconds: int
    silent_cpu_seconds: int


def clock(at: float) -> str:
    """00m03.200s"""
    thousandths = round(at * 1000)
    return f"{thousandths // 60_000:02}m{thousandths % 60_000 / 1000:06.3f}s"
