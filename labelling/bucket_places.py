"""Which buckets photos may be taken from: only those the operator named, never what belongs to Facet itself.

A person gives a place, never an endpoint or a password: the store is the one that Facet uses anyway.
"""

import re
from dataclasses import dataclass

from django.conf import settings

from labelling.errors import Refused

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
OWN_FOLDER = "projects/"


@dataclass(frozen=True)
class Place:
    """A bucket, and the folder in it whose objects are meant; "" for all of it, else with a slash at its end."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    def holds(self, other: "Place") -> bool:
        return self.bucket == other.bucket and other.prefix.startswith(self.prefix)


def place_of(address: str) -> Place:
    """From `s3://bucket/folder`. Raises Refused for what is none, or none that photos may be taken from."""
    place = _parsed(address.strip().removeprefix("s3://"))
    if place is None:
        raise _refused(f"“{address[:200]}” is no place in an object store. Write s3://bucket/folder.")
    own = Place(settings.S3_BUCKET, OWN_FOLDER)
    if own.holds(place) or place.holds(own):
        raise _refused("Facet keeps its own photos there, and takes none from itself.")
    if not any(allowed.holds(place) for allowed in allowed_places()):
        raise _refused(
            f"Photos may not be taken from {place}. Whoever runs Facet says which buckets are open (FACET_S3_SOURCES)."
        )
    return place


def is_open(bucket: str, key: str) -> bool:
    """Whether an object may be read now: the operator may have closed its place since it was seen."""
    found = Place(bucket, key)
    is_own = Place(settings.S3_BUCKET, OWN_FOLDER).holds(found)
    return not is_own and any(allowed.holds(found) for allowed in allowed_places())


def allowed_places() -> list[Place]:
    return [place for place in map(_parsed, settings.S3_SOURCES) if place]


def _parsed(text: str) -> Place | None:
    """None for what could mean something else to a store over files, or is not visible as what it is."""
    bucket, _, folder = text.partition("/")
    parts = folder.rstrip("/").split("/") if folder else []
    is_odd = any(part in {"", ".", ".."} or not part.isprintable() or "\\" in part for part in parts)
    if not BUCKET.fullmatch(bucket) or is_odd or len(folder) > 900:
        return None
    return Place(bucket, "".join(f"{part}/" for part in parts))


def _refused(sentence: str) -> Refused:
    return Refused(sentence, fields={"address": [sentence]})
