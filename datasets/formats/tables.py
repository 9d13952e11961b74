"""The two tables of a version as writers and readers of formats go through them: row by row, or photo by photo."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

import pyarrow as pa

from datasets.manifest import parse_table

ROWS_AT_ONCE = 10_000
FILE_ENDINGS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "HEIF": "heic", "TIFF": "tif", "GIF": "gif", "BMP": "bmp"}


def rows(table: pa.Table) -> Iterator[dict]:
    for batch in table.to_batches(max_chunksize=ROWS_AT_ONCE):
        yield from batch.to_pylist()


def photos(images: pa.Table, faces: pa.Table) -> Iterator[tuple[dict, list[dict]]]:
    """Each photo with its faces, in canonical order. Raises ValueError for faces that belong to none of them."""
    by_photo = groupby(rows(faces), key=itemgetter("image_sha256"))
    sha256, together = next(by_photo, (None, ()))
    for image in rows(images):
        mine: list[dict] = []
        if image["image_sha256"] == sha256:
            mine = list(together)
            sha256, together = next(by_photo, (None, ()))
        yield image, mine
    if sha256 is not None:
        raise ValueError(f"There are faces of a photo {sha256} that is not among the images, or not in order.")


def counted(files: dict[str, bytes], counts: dict) -> Iterator[tuple[dict, list[dict]]]:
    """As `photos`, of a version's files; `counts` says how many went by."""
    counts.update(images=0, faces=0)
    for image, mine in photos(parse_table(files["images"]), parse_table(files["faces"])):
        yield image, mine
        counts["images"] += 1
        counts["faces"] += len(mine)


def file_name(image: dict) -> str:
    """Named by content: unique, safe in every file system, the same for ever."""
    return f"{image['image_sha256']}.{FILE_ENDINGS.get(image['format'], 'bin')}"


def box_of(face: dict) -> tuple[float, float, float, float]:
    return tuple(round(face[side], 2) for side in ("x", "y", "w", "h"))
