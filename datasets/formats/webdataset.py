"""WebDataset: tar files of a split each; what belongs to one sample lies side by side under one name up to the dot.

`<key>.jpg` (or `.png`) and `<key>.json`; of crops also `<key>.cls`, the number of the class. Keys are hashes of photos,
so they have no dots and are in no two shards.
"""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from datasets.export_options import IMAGES, Options
from datasets.formats.samples import NO_BOXES, classes_of, face_fields, given_photo, photo_fields
from datasets.formats.tables import ending_of
from datasets.formats.tarred import END, add, opened_tar, shards
from datasets.given import BadLabels, GivenPhoto

TITLE = "WebDataset (tar shards)"
SUFFIX = "tar"
CONTENTS = ("images", "crops")
PEOPLE = ("classes", "attribute")
MOST_BYTES = 16 * 1024 * 1024  # of what is said about one photo


def shard_name(split: str, number: int, total: int = 0) -> str:
    return f"{split}-{number:06d}.tar"


def context(files: dict[str, bytes], info: dict, options: Options) -> dict:
    return {"classes": classes_of(files, options.people)}


class Shard:
    def __init__(self, file: IO[bytes], split: str, context: dict, options: Options) -> None:
        self._file, self._number, self._options = file, context["classes"].number, options

    def add(self, image: dict, faces: list[dict], pictures: list[bytes]) -> None:
        said = [face_fields(face, self._number) for face in faces]
        if self._options.contents == IMAGES:
            self._sample(image["image_sha256"], ending_of(image["format"]), *pictures, {
                **photo_fields(image), "faces": said,
            })  # fmt: skip
            return
        for place, (face, crop) in enumerate(zip(said, pictures, strict=True), start=1):
            key = f"{image['image_sha256']}-{place:03d}"
            self._sample(key, "jpg", crop, {**photo_fields(image), "face": face}, face["category"])

    def _sample(self, key: str, ending: str, picture: bytes, said: dict, category: int | None = None) -> None:
        if category is not None:
            add(self._file, f"{key}.cls", str(category).encode())
        add(self._file, f"{key}.{ending}", picture)
        add(self._file, f"{key}.json", json.dumps(said, ensure_ascii=False).encode())

    def close(self) -> None:
        self._file.write(END)


def read(path: Path) -> Iterator[GivenPhoto]:
    """The photos of a shard, or of a tar with all of them. Raises BadLabels, which says what is wrong where."""
    found = 0
    with opened_tar(path) as archive:
        for name, content in shards(archive, (".json", ".tar")):
            if name.endswith(".tar"):
                with tarfile.open(fileobj=content, mode="r:") as shard:
                    for inner, text in shards(shard, ".json"):
                        found += 1
                        yield _given(f"{inner} of {name}", text)
            elif "/" not in name and name not in {"manifest.json", "weights.json", "croissant.json"}:
                found += 1
                yield _given(name, content)
    if not found:
        raise BadLabels(f"{path.name} is no WebDataset that Facet wrote: it has no ….json beside pictures.")


def _given(name: str, file: IO[bytes]) -> GivenPhoto:
    data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise BadLabels(f"{name} is larger than what anybody says about one photo.")
    try:
        said = json.loads(data)
    except ValueError as error:
        raise BadLabels(f"{name} is no JSON: {error}.") from None
    if isinstance(said, dict) and "face" in said:
        raise BadLabels(NO_BOXES)
    if not isinstance(said, dict) or not isinstance(said.get("faces"), list):
        raise BadLabels(f"{name} cannot be read: it has no list of “faces”.")
    return given_photo(said, said["faces"], name)
