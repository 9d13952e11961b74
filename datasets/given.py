"""Labels as a file of any format gives them, before anything here is asked about them."""

from dataclasses import dataclass

from labelling.boxes import Box
from labelling.models import Who


class BadLabels(ValueError):
    """The file cannot be read as what it should be. The message says what is wrong, where."""


@dataclass(frozen=True, slots=True)
class GivenFace:
    """box: in pixels of the upright photo. name: of the person, where `who` says there is one."""

    box: Box
    who: Who
    name: str | None = None
    score: float | None = None
    landmarks: list[float] | None = None


@dataclass(frozen=True, slots=True)
class GivenPhoto:
    """sha256: of the original bytes, where the file knows it, or empty. width, height: of the upright photo."""

    sha256: str
    name: str
    width: int
    height: int
    faces: tuple[GivenFace, ...]
