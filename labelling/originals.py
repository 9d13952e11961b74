"""The original bytes of photos: Facet's copy, or the very object that stayed in the bucket it came from.

The only module that knows both. What stayed elsewhere is somebody else's: it is read, never written or deleted.
"""

import contextlib
import hashlib
from collections.abc import Iterator

from labelling import storage
from labelling.bucket_places import is_open
from labelling.ingest import printable
from labelling.models import OriginalElsewhere

# What reading one original ends with when trying again by itself does not help; each is a sentence for people.
NOT_TO_BE_HAD = (storage.ObjectMissing, storage.SourceRefuses)
MOST_SHOWN = 200

GONE = (
    "The original stayed in its bucket, at {place}, and is not there any more. "
    "Put the same file back into that bucket and synchronise it again."
)
CHANGED = (
    "The original stayed in its bucket, at {place}, where another file is now. "
    "Put the former file back into that bucket, under any name, and synchronise it again."
)
CLOSED = (
    "The original stayed in its bucket, at {place}, which Facet may not read any more. "
    "Whoever runs Facet says which buckets are open (FACET_S3_SOURCES)."
)


def read(project_id: int, sha256: str) -> bytes:
    """Raises one of NOT_TO_BE_HAD, or StoreAway. Bytes from elsewhere are those of the hash, or are not given."""
    place = elsewhere(project_id, sha256)
    if place is None:
        return storage.get(storage.original_key(project_id, sha256))
    return b"".join(stream(place))


def elsewhere(project_id: int, sha256: str) -> OriginalElsewhere | None:
    """Where the original of a photo stayed; None of one that was copied, or is not known."""
    places = OriginalElsewhere.objects.filter(image__project=project_id, image__sha256=sha256)
    return places.select_related("image").first()


def stream(place: OriginalElsewhere) -> Iterator[bytes]:
    """An original that stayed elsewhere, piece by piece; what has the wrong hash raises after its last piece."""
    digest = hashlib.sha256()
    with _in_words(place):
        for piece in storage.stream_same(place.bucket, _known(place)):
            digest.update(piece)
            yield piece
        if digest.hexdigest() != place.image.sha256:
            raise storage.ObjectChanged(f"“{place.key}” has other bytes.")


def look(place: OriginalElsewhere) -> None:
    """Raises as `read` when it is not the same object any more, without reading its content."""
    with _in_words(place):
        storage.look_at_same(place.bucket, _known(place))


def shown(place: OriginalElsewhere) -> str:
    """Its address for people: printable, and its end when it is long."""
    address = printable(str(place))
    return address if len(address) <= MOST_SHOWN else f"…{address[-MOST_SHOWN:]}"


def _known(place: OriginalElsewhere) -> storage.Foreign:
    return storage.Foreign(place.key, place.image.byte_size, place.etag, place.version)


@contextlib.contextmanager
def _in_words(place: OriginalElsewhere) -> Iterator[None]:
    if not is_open(place.bucket, place.key):
        raise storage.SourceRefuses(CLOSED.format(place=shown(place)))
    try:
        yield
    except storage.ObjectChanged as error:
        raise storage.ObjectChanged(CHANGED.format(place=shown(place))) from error
    except storage.ObjectMissing as error:
        raise storage.ObjectMissing(GONE.format(place=shown(place))) from error
