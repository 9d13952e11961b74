"""The number of a version as Croissant wants it: larger by how much a reader of the last one must look out.

Only added: 1.2.0 becomes 1.3.0. Anything edited, removed or put into another split: 2.0.0. The last figure would be for
the same content packed anew, which Facet always packs alike.
"""

from django.core.cache import cache

from datasets.diff import diff
from datasets.manifest import ManifestBroken
from datasets.models import Comparison, ComparisonState, Version

FIRST = (1, 0)
ADDED = {"person_new", "face_added", "photo_added"}
# What was worked out is kept: a long line of large versions takes its time.
KEPT_S = 30 * 24 * 3600


def semantic_version(version: Version) -> str:
    """By the line of versions that it came from."""
    line = []
    while version is not None and (known := cache.get(_name(version))) is None:
        line.append(version)
        version = version.parent
    major, minor = known if version is not None else (0, 0)
    for one in reversed(line):
        major, minor = _after(one, major, minor)
        cache.set(_name(one), [major, minor], KEPT_S)
    return f"{major}.{minor}.0"


def _name(version: Version) -> str:
    return f"semantic-version:{version.pk}:{version.content_hash}"


def _after(version: Version, major: int, minor: int) -> tuple[int, int]:
    if version.parent is None:
        return FIRST
    counts = _counts(version.parent, version)
    if counts is None or any(count for kind, count in counts.items() if kind not in ADDED):
        return major + 1, 0
    return (major, minor + 1) if any(counts.values()) else (major, minor)


def _counts(old: Version, new: Version) -> dict[str, int] | None:
    """How many changes of each kind; None where the older one cannot be read any more."""
    known = Comparison.objects.filter(old=old, new=new, state=ComparisonState.DONE).first()
    if known:
        return known.summary["counts"]
    try:
        return diff(old, new).summary["counts"]
    except ManifestBroken:
        return None
