"""Runs calls at the same moment, as several web processes would: each in a thread with its own connection."""

import threading
import time
from collections.abc import Callable

from django.db import connections

PATIENCE_S = 30


def together(*calls: Callable) -> list:
    """What each call returned, or the exception it raised, in the order given."""
    start = threading.Barrier(len(calls))
    results: list = [None] * len(calls)

    def run(place: int, call: Callable) -> None:
        try:
            start.wait(PATIENCE_S)
            results[place] = call()
        except Exception as error:
            results[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=item, daemon=True) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert not any(thread.is_alive() for thread in threads), "Some calls wait for each other for ever."
    return results


def wait_until(true: Callable, what: str, patience_s: float = PATIENCE_S, *, every_s: float = 0.02):
    """The first true answer of `true`; fails when it takes longer than `patience_s`."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if answer := true():
            return answer
        time.sleep(every_s)
    raise AssertionError(f"Not within {patience_s} s: {what}")
