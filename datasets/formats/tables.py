"""The two tables of a version as writers and readers of formats go through them: a part at a time, never whole."""

import io
import re
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

import pyarrow as pa
import pyarrow.parquet as pq

ROWS_AT_ONCE = 10_000
_SHA256 = re.compile(r"[0-9a-f]{64}")
FILE_ENDINGS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "HEIF": "heic", "TIFF": "tif", "GIF": "gif", "BMP": "bmp"}


def batches(data: bytes, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Of the Parquet file in `data`, in its order. Raises KeyError for a column that is not there."""
    file = pq.ParquetFile(io.BytesIO(data))
    missing = set(columns or ()) - set(file.schema_arrow.names)
    if missing:
        raise KeyError(f"it has no column “{min(missing)}”")
    yield from file.iter_batches(ROWS_AT_ONCE, columns=columns)


def tuples(batch: pa.RecordBatch, *columns: str) -> Iterator[tuple]:
    """The rows of these columns."""
    return zip(*(batch.column(name).to_pylist() for name in columns), strict=True)


def rows(data: bytes, columns: list[str] | None = None) -> Iterator[dict]:
    for batch in batches(data, columns):
        yield from batch.to_pylist()


def photos(images: Iterator[dict], faces: Iterator[dict]) -> Iterator[tuple[dict, list[dict]]]:
    """Each photo with its faces, in canonical order. Raises ValueError for faces that belong to none of them."""
    by_photo = groupby(faces, key=itemgetter("image_sha256"))
    sha256, together = next(by_photo, (None, ()))
    for image in images:
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
    for image, mine in photos(rows(files["images"]), rows(files["faces"])):
        yield image, mine
        counts["images"] += 1
        counts["faces"] += len(mine)


def file_name(image: dict) -> str:
    """Named by content: unique, safe in every file system, the same for ever."""
    return f"{image['image_sha256']}.{ending_of(image['format'])}"


def hash_in(name: str) -> str:
    """The sha256 that a file is named by, whatever folder it lies in; empty of files that others named."""
    stem = name.replace("\\", "/").rsplit("/", 1)[-1].split(".", 1)[0]
    return stem if _SHA256.fullmatch(stem) else ""


def ending_of(format_name: str) -> str:
    return FILE_ENDINGS.get(format_name, "bin")


def box_of(face: dict) -> tuple[float, float, float, float]:
    return tuple(round(face[side], 2) for side in ("x", "y", "w", "h"))
