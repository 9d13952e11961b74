"""Is a version still what was frozen? Every byte and every object that it speaks of is looked at again."""

from collections.abc import Iterator

import pyarrow as pa

from datasets.erasure import seal
from datasets.manifest import ManifestBroken, content_hash, read_table
from datasets.models import ExportState, Version
from labelling import storage
from labelling.models import OriginalElsewhere

MOST_TOLD = 20


def verify(version: Version, *, photos: bool = True) -> dict:
    """What was looked at, and what is wrong, in sentences: `problems` counts all, `problems_first` tells some.

    photos: also whether each photo's original is in the object store. Raises ManifestBroken when the tables themselves
    are not the frozen ones; nothing else can be said then.
    """
    images, faces = read_table(version, "images"), read_table(version, "faces")
    found = content_hash(images, faces)
    frozen = _hash_now(version)
    if found != frozen:
        raise ManifestBroken(f"The content of {version} has the hash {found}, and was frozen as {frozen}.")
    problems = list(_exports(version))
    if photos:
        problems += _photos(version, images)
    return {
        "content_hash": version.content_hash,
        "erased": [
            f"{record['faces']:,} faces and {record['photos']:,} photos were erased on {record['at'][:10]}; "
            f"the rest is what was frozen, {record['replaced']:,} photos painted over."
            for record in version.erasures
        ],
        "images": images.num_rows,
        "faces": faces.num_rows,
        "problems": len(problems),
        "problems_first": problems[:MOST_TOLD],
    }


def _hash_now(version: Version) -> str:
    """What the content must hash to: as frozen, or as the last erasure left it. Raises ManifestBroken."""
    before = version.content_hash
    for record in version.erasures:
        if record["before"] != before or record["seal"] != seal(record):
            raise ManifestBroken(f"The record of what was erased from {version} was changed.")
        before = record["seal"]
    if not version.erasures:
        return before
    last = version.erasures[-1]
    if last["now"] != {name: getattr(version, f"{name}_sha256") for name in ("images", "faces")}:
        raise ManifestBroken(f"The tables of {version} are not those that its last erasure left.")
    return last["rest_hash"]


def _exports(version: Version) -> Iterator[str]:
    """Named by content and written once: an export that is there in its full length is the one that was made."""
    for export in version.exports.filter(state=ExportState.DONE).order_by("pk"):
        for file in export.all_files:
            what = f"{file['name']} of export {export.pk} ({export.format})"
            try:
                size = storage.look_at(file["key"]).size
            except storage.ObjectMissing:
                yield f"{what} is gone from the object store. Export the version again."
                continue
            if size != file["byte_size"]:
                yield f"{what} has {size:,} bytes, not {file['byte_size']:,}. Export it again."


def _photos(version: Version, images: pa.Table) -> Iterator[str]:
    stored = storage.listed_by_folder(storage.originals_folder(version.project_id))
    there = {one.key.rsplit("/", 1)[-1] for one in stored}
    names = zip(images["image_sha256"].to_pylist(), images["name"].to_pylist(), strict=True)
    missing = {sha256: name for sha256, name in names if sha256 not in there}
    # What stayed in its own bucket is there looked at by `fsck`.
    elsewhere = OriginalElsewhere.objects.filter(image__project=version.project_id, image__sha256__in=missing)
    for sha256 in sorted(set(missing) - set(elsewhere.values_list("image__sha256", flat=True))):
        yield f"The original of “{missing[sha256]}” ({sha256}) is gone from the object store. Restore it from a backup."
