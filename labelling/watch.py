"""Which photos of a folder are new and whole: others write into it while somebody looks."""

from collections.abc import Iterator
from pathlib import Path

from labelling.ingest import PHOTO_SUFFIXES, FoundPhoto, person_of

Shape = tuple[int, int]


class WatchedFolder:
    """Remembers what it gave. A file counts once it was found twice with the same size and time: it is copied whole."""

    def __init__(self, folder: Path, *, people_from_folders: bool = False) -> None:
        if not folder.is_dir():
            raise FileNotFoundError(f"There is no folder “{folder}”.")
        self._folder = folder
        self._people_from_folders = people_from_folders
        self._last: dict[Path, Shape] = {}
        self._given: dict[Path, Shape] = {}

    def look(self) -> list[FoundPhoto]:
        """Photos that came or changed since, in the order of their names."""
        now = dict(self._shapes())
        whole = [path for path, shape in now.items() if self._last.get(path) == shape != self._given.get(path)]
        self._given |= {path: now[path] for path in whole}
        self._given = {path: shape for path, shape in self._given.items() if path in now}
        self._last = now
        return [FoundPhoto(path, path.name, self._person(path)) for path in sorted(whole)]

    @property
    def is_waiting(self) -> bool:
        """Whether a file was found that may still be growing."""
        return any(self._given.get(path) != shape for path, shape in self._last.items())

    def _shapes(self) -> Iterator[tuple[Path, Shape]]:
        for path in self._folder.rglob("*"):
            if path.suffix.lower() not in PHOTO_SUFFIXES or path.is_symlink() or path.name.startswith("."):
                continue
            try:
                found = path.stat()
            except OSError:  # gone again
                continue
            yield path, (found.st_size, found.st_mtime_ns)

    def _person(self, path: Path) -> str | None:
        return person_of(path.relative_to(self._folder).as_posix()) if self._people_from_folders else None
