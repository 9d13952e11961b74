"""A version in a folder: what lies where, and whether it is still what the server gave.

facet.json          which version, of which project, on which server
faces.parquet       its two tables, byte for byte as they were frozen
images.parquet
photos/ab/abcd….jpg upright photos, named by the sha256 of the original in Facet
photos.index        a line for each photo that is here: name, sha256 and size of the file
"""

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ABOUT = "facet.json"
INDEX = "photos.index"
TABLES = ("faces.parquet", "images.parquet")
NAME = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{2,5}")
PIECE = 1 << 20


class NotPulled(Exception):
    """There is no whole version in this folder; the message says what to do."""


class Kept(NamedTuple):
    """A file as it was fetched."""

    sha256: str
    size: int


class VersionFolder:
    """A version that was pulled. Raises NotPulled where there is none, or only a part of one."""

    def __init__(self, folder: str | os.PathLike):
        self.path = Path(folder)
        about = read_about(self.path)
        if about is None:
            raise NotPulled(f"There is no version in {self.path}; fetch one with `facet pull`.")
        if not about["complete"]:
            raise NotPulled(f"{self.path} holds only a part of the version; run the same `facet pull` again.")
        self.about = about

    def __repr__(self) -> str:
        return f"<version {self.number} of {self.project} in {self.path}>"

    @property
    def project(self) -> str:
        return self.about["project"]

    @property
    def number(self) -> int:
        return self.about["version"]

    @property
    def content_hash(self) -> str:
        return self.about["content_hash"]

    def images(self):
        """A pandas.DataFrame, one row per photo; `path` is where it lies, or None where it could not be had."""
        images = self._table("images")
        images["path"] = images["image_sha256"].map(self._paths())
        return images

    def faces(self):
        """A pandas.DataFrame, one row per face, with the `path` of its photo. Boxes x, y, w, h in its pixels."""
        faces = self._table("faces")
        faces["path"] = faces["image_sha256"].map(self._paths())
        return faces

    def torch(self, split: str | None = None, *, size: int = 160, margin: float = 0.2, transform=None):
        """A torch Dataset of the named faces: square crops and class numbers. See `facet_client.crops`."""
        from facet_client.crops import FaceCrops

        return FaceCrops(self, split, size=size, margin=margin, transform=transform)

    def wrong_files(self, tell=lambda done, total: None) -> Iterator[tuple[str, str]]:
        """Reads everything again: the path in the folder of each file that is not what the server gave, and why."""
        wanted = dict(self.about["tables"])
        wanted |= {photo_path(name): kept.sha256 for name, kept in read_index(self.path).items()}
        for done, (path, digest) in enumerate(wanted.items(), start=1):
            try:
                if sha256_of(self.path / path) != digest:
                    yield path, "is not what the server gave"
            except FileNotFoundError:
                yield path, "is gone"
            tell(done, len(wanted))

    def forget(self, paths: list[str]) -> None:
        """The next pull fetches these again."""
        wrong = {path.rpartition("/")[2] for path in paths}
        rewrite_index(self.path, {name: kept for name, kept in read_index(self.path).items() if name not in wrong})

    def _table(self, name: str):
        import pandas

        return pandas.read_parquet(self.path / f"{name}.parquet")

    def _paths(self) -> dict[str, str]:
        """By the sha256 of the original."""
        return {name.partition(".")[0]: str(self.path / photo_path(name)) for name in read_index(self.path)}


def read_about(folder: Path) -> dict | None:
    """What facet.json says; None where there is none. Raises NotPulled when it is not one of ours."""
    try:
        about = json.loads((folder / ABOUT).read_text())
        return {key: about[key] for key in ("server", "project", "version", "content_hash", "tables", "complete")}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise NotPulled(f"{folder / ABOUT} cannot be read ({error}); remove it and pull again.") from None


def write_about(folder: Path, about: dict) -> None:
    part = folder / f"{ABOUT}.part"
    part.write_text(json.dumps(about, indent=2, sort_keys=True) + "\n")
    part.replace(folder / ABOUT)


def photo_path(name: str) -> str:
    """Where a photo lies in the folder. Raises ValueError for a name that is no photo's: it comes from a server."""
    if not NAME.fullmatch(name):
        raise ValueError(f"“{name}” is no name of a photo.")
    return f"photos/{name[:2]}/{name}"


def read_index(folder: Path) -> dict[str, Kept]:
    """What was fetched, by name. A line that was cut off by a crash is as if it were not there."""
    kept = {}
    try:
        with open(folder / INDEX) as lines:
            for line in lines:
                words = line.split()
                if len(words) == 3 and line.endswith("\n") and NAME.fullmatch(words[0]):
                    kept[words[0]] = Kept(words[1], int(words[2]))
    except FileNotFoundError:
        pass
    return kept


class IndexWriter:
    """Adds to photos.index, from many threads. After a crash in the middle of a line, begins a new one."""

    def __init__(self, folder: Path):
        self._file = open(folder / INDEX, "a")  # noqa: SIM115
        self._lock = threading.Lock()
        self._file.write("\n" if self._file.tell() else "")

    def add(self, name: str, kept: Kept) -> None:
        with self._lock:
            self._file.write(f"{name} {kept.sha256} {kept.size}\n")
            self._file.flush()

    def close(self) -> None:
        self._file.close()


def rewrite_index(folder: Path, kept: dict[str, Kept]) -> None:
    part = folder / f"{INDEX}.part"
    part.write_text("".join(f"{name} {one.sha256} {one.size}\n" for name, one in sorted(kept.items())))
    part.replace(folder / INDEX)


def sizes_here(folder: Path) -> dict[str, int]:
    """The photos that lie in the folder, with their sizes."""
    photos = folder / "photos"
    if not photos.is_dir():
        return {}
    return {
        file.name: file.stat().st_size
        for part in os.scandir(photos)
        if part.is_dir()
        for file in os.scandir(part.path)
        if NAME.fullmatch(file.name)
    }


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()
