"""Figures that may be some seconds old where counting them anew would take longer than all else."""

from collections.abc import Callable

from django.core.cache import cache

KEPT_S = 10


def recently[T](key: str, count: Callable[[], T], *, is_large: Callable[[T], bool]) -> T:
    """What `count` gives, a plain value; kept for a moment where it is large, as nobody can tell the difference."""
    kept = cache.get(key)
    if kept is not None:
        return kept
    counted = count()
    if is_large(counted):
        cache.set(key, counted, KEPT_S)
    return counted
