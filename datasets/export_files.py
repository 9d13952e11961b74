"""The files of an export in the object store: written through a temporary file each, never held in memory."""

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO

from labelling import storage

# What an export's row says of a file: name, key, sha256, byte_size and role; of data also photos and faces.
Filed = dict
DATA, ABOUT = "data", "about"
BLOCK = 1024**2


@dataclass
class Storing:
    file: IO[bytes]
    filed: Filed = field(default_factory=dict)


@contextlib.contextmanager
def store(name: str, key: str) -> Iterator[Storing]:
    """Write to `file` inside; afterwards it is stored, and `filed` says as what. Nothing is, when that raises."""
    with tempfile.NamedTemporaryFile(prefix="facet-export-") as file:
        storing = Storing(file)
        yield storing
        file.flush()
        digest, size = _digest(file)
        storage.upload_file(key, file.name)
    storing.filed = {"name": name, "key": key, "sha256": digest, "byte_size": size, "role": DATA}


def store_pieces(name: str, key: str, pieces: Iterable[bytes], *, before: Callable[[], None]) -> Filed:
    """before: called when all is written and nothing is stored yet; raises where something is wrong."""
    with store(name, key) as storing:
        for piece in pieces:
            storing.file.write(piece)
        before()
    return storing.filed


def file_text(name: str, folder: str, content: dict) -> Filed:
    """A small file in JSON, about the data."""
    data = (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()
    key = f"{folder}/{name}"
    storage.put(key, data, "application/json")
    return {
        "name": name, "key": key, "sha256": hashlib.sha256(data).hexdigest(), "byte_size": len(data), "role": ABOUT,
    }  # fmt: skip


def left_after(files: list[Filed]) -> list[Filed]:
    """Of the parts that an earlier worker stored, those before the first that is not there as it was."""
    there = []
    for file in files:
        try:
            if storage.look_at(file["key"]).size != file["byte_size"]:
                break
        except storage.ObjectMissing:
            break
        there.append(file)
    return there


def _digest(file: IO[bytes]) -> tuple[str, int]:
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256")
    return digest.hexdigest(), file.tell()
