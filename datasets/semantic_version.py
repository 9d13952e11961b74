"""The number of a version as Croissant wants it: larger by how much a reader of the last one must look out.

Only added: 1.2.0 becomes 1.3.0. Anything edited, removed or put into another split: 2.0.0. The last figure would be for
the same content packed anew, which Facet always packs alike.
"""

import numpy as np
from django.core.cache import cache

from datasets.manifest import ManifestBroken, line_digests
from datasets.models import Version

FIRST = (1, 0)
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
    if version.parent.content_hash == version.content_hash:
        return major, minor
    return (major, minor + 1) if _only_added(version.parent, version) else (major + 1, 0)


def _only_added(old: Version, new: Version) -> bool:
    """Whether each line of the older one's content is in the newer one's; not where one cannot be read any more.

    A number for each line, instead of a comparison: an export holds little, however large the versions are.
    """
    try:
        before, after = line_digests(old), line_digests(new)
    except ManifestBroken:
        return False
    lines, needed = np.unique(before, return_counts=True)
    there = np.searchsorted(after, lines, side="right") - np.searchsorted(after, lines, side="left")
    return bool((there >= needed).all())
