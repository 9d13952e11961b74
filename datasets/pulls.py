"""Versions that programs take away: the two tables, and each photo of it that the program does not have yet."""

from collections.abc import Iterator

from django.db import transaction

from datasets.manifest import read_columns
from datasets.models import Pull, Version, VersionState
from labelling import originals, storage
from labelling.errors import Refused
from labelling.models import ErasedPhoto, Image, Project
from labelling.shipped import Shipped, shipped, shipped_ending

TABLES = {"faces.parquet": "faces", "images.parquet": "images"}


class PhotoGone(Exception):
    """The photo cannot be handed out; the message says why."""


class PhotoErased(PhotoGone):
    """It showed somebody who was erased, and is gone for good."""


@transaction.atomic
def start_pull(version: Version, *, by, photos: bool = True) -> Pull:
    """Write down who takes what away. Refused until the version is ready."""
    if version.state != VersionState.READY:
        raise Refused(f"Version {version.number} is {version.get_state_display()}; pull it once it is ready.")
    return Pull.objects.create(version=version, by=by, photos=photos)


def tables_of(version: Version) -> list[dict]:
    """Name, sha256 and size of each. Raises ObjectMissing."""
    return [
        {
            "name": name,
            "sha256": getattr(version, f"{table}_sha256"),
            "byte_size": storage.look_at(version.key(table)).size,
        }
        for name, table in TABLES.items()
    ]


def photo_names(version: Version) -> Iterator[str]:
    """`<sha256 of the original>.<ending of the file that is handed out>`, in canonical order. Raises ManifestBroken."""
    table = read_columns(version, "images", ["image_sha256", "format"])
    for batch in table.to_batches(max_chunksize=10_000):
        formats = batch["format"].cast("string").to_pylist()
        yield from (
            f"{sha256}.{shipped_ending(name)}"
            for sha256, name in zip(batch["image_sha256"].to_pylist(), formats, strict=True)
        )


def photo_count(version: Version) -> int:
    return version.statistics["images"]


def read_photo_to_ship(project: Project, sha256: str) -> Shipped:
    """As it is handed out. Raises PhotoGone with a sentence, or StoreAway."""
    image = Image.objects.in_project(project).filter(sha256=sha256).only("name").first()
    if image is None and ErasedPhoto.objects.filter(project=project, sha256=sha256).exists():
        raise PhotoErased("This photo showed somebody who was erased since; remove copies of it.")
    if image is None:
        raise PhotoGone("There is no such photo in this project.")
    try:
        return shipped(originals.read(project.pk, sha256))
    except originals.NOT_TO_BE_HAD as error:
        raise PhotoGone(f"The original of “{image.name}” cannot be had: {error}") from error
