"""The stored list of changes: written part by part, and read without fetching more of it than is shown."""

import io
from collections.abc import Collection
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets.changes import CHANGES, KINDS
from datasets.diff import Difference
from labelling import storage

ROWS_TOGETHER = 20_000


@dataclass(frozen=True)
class Found:
    """Part of the list, and how many changes of each kind there are that fit what was asked."""

    counts: dict[str, int]
    rows: list[dict]


def write_changes(found: Difference, file: IO[bytes]) -> None:
    """Kind after kind, in order; the same difference gives the same bytes."""
    with pq.ParquetWriter(file, CHANGES, compression="zstd") as writer:
        for kind in KINDS:
            for start in range(0, found.summary["counts"][kind], ROWS_TOGETHER):
                writer.write_table(found.rows(kind, start, start + ROWS_TOGETHER))


def read_changes(
    key: str, size: int, counts: dict[str, int], *, kind: str = "", people: Collection[int] | None = None,
    start: int = 0, most: int = 100,
) -> Found:  # fmt: skip
    """At most `most` changes from `start` on: of that kind or of any, and about these people (class ids) or about all.

    `key` and `size` of the file, `counts` of each kind in it. Raises ObjectMissing.
    """
    file = pq.ParquetFile(_InStore(key, size), pre_buffer=True)
    edges = dict(zip(KINDS, pairwise([0, *accumulate(counts[name] for name in KINDS)]), strict=True))
    if people is None:
        low, high = edges[kind] if kind else (0, sum(counts.values()))
        return Found(counts, _rows(file, np.arange(low + min(start, high - low), min(low + start + most, high))))
    about = _rows_about(file, people)
    inside = {
        name: about[np.searchsorted(about, low) : np.searchsorted(about, high)] for name, (low, high) in edges.items()
    }
    chosen = inside[kind] if kind else about
    return Found({name: len(rows) for name, rows in inside.items()}, _rows(file, chosen[start : start + most]))


def _rows_about(file: pq.ParquetFile, people: Collection[int]) -> np.ndarray:
    ids = pa.array(people, pa.int32())
    columns = file.read(columns=["old_class_id", "new_class_id"])
    before, after = (pc.is_in(column, value_set=ids) for column in columns.columns)
    return np.flatnonzero(pc.or_(before, after).to_numpy())


def _rows(file: pq.ParquetFile, numbers: np.ndarray) -> list[dict]:
    """The rows of these numbers, in order; only groups that hold some of them are fetched, one after the other."""
    sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    found = []
    for number, (low, high) in enumerate(pairwise([0, *accumulate(sizes)])):
        here = numbers[(numbers >= low) & (numbers < high)] - low
        if len(here):
            found += file.read_row_group(number).take(pa.array(here)).to_pylist()
    return found


class _InStore(io.RawIOBase):
    """An object of the store as a file; each read asks for just these bytes."""

    def __init__(self, key: str, size: int):
        self._key, self._size, self._at = key, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer) -> int:
        length = min(len(buffer), self._size - self._at)
        if length <= 0:
            return 0
        data = storage.get_part(self._key, self._at, length)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
