"""A file that a detector needs and Facet does not bring along: an environment variable says where it lies."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from recognition.detectors.interface import DetectorUnavailable


@dataclass(frozen=True)
class ModelFile:
    """detector: the name in settings. what: the file in words. source: where people get it."""

    detector: str
    variable: str
    what: str
    source: str

    def find(self, given: str | Path | None) -> Path:
        """`given`, or else what the variable says. Raises DetectorUnavailable, saying what to do."""
        chosen = given or os.environ.get(self.variable)
        if not chosen:
            raise self.unusable(f"The detector “{self.detector}” needs {self.what}, and none is set.")
        if not Path(chosen).is_file():
            raise self.unusable(f"There is no file {chosen}, where {self.what} should be.")
        return Path(chosen)

    def unusable(self, reason: str) -> DetectorUnavailable:
        return DetectorUnavailable(
            f"{reason} Get {self.source}, set {self.variable} to the file's path and restart the worker; or choose "
            "the detector “mtcnn”, which needs no file. Then try again."
        )


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
