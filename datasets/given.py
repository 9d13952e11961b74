"""Labels as a file of any format gives them, before anything here is asked about them."""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import isfinite

from labelling.boxes import Box
from labelling.models import Who


class BadLabels(ValueError):
    """The file cannot be read as what it should be. The message says what is wrong, where."""


class Named(StrEnum):
    """How the name of a photo in a file is the name that it has here: all of it, without what follows the last dot, or
    as Label Studio's server cleans it, with underscores for spaces and without odd signs.
    """

    WHOLE = "whole"
    STEM = "stem"
    UPLOADED = "uploaded"


@dataclass(frozen=True, slots=True)
class GivenFace:
    """box: in pixels of the upright photo, or in shares of its sides where the file does not know them.
    name: of the person, where `who` says there is one.
    """

    box: Box
    who: Who
    name: str | None = None
    score: float | None = None
    landmarks: list[float] | None = None

    def __post_init__(self) -> None:
        numbers = (*self.box, *(self.landmarks or ()), *(() if self.score is None else (self.score,)))
        if not all(map(isfinite, numbers)):
            raise ValueError("a number of it is not finite")
        if self.score is not None and not 0 <= self.score <= 1:
            raise ValueError(f"its score {self.score} is not between 0 and 1")
        if self.landmarks and len(self.landmarks) != 10:
            raise ValueError("landmarks are five points")

    def sized(self, width: int, height: int) -> "GivenFace":
        x, y, w, h = self.box
        return replace(self, box=(x * width, y * height, w * width, h * height))


@dataclass(frozen=True, slots=True)
class GivenPhoto:
    """sha256: of the original bytes, where the file knows it, or empty. width, height: of the upright photo; 0 where
    the file does not know, and boxes are shares of its sides then. remarks: what of the photo cannot be taken, or was
    chosen among several, in sentences that are counted. is_whole: whether these are all of its faces.
    """

    sha256: str
    name: str
    width: int
    height: int
    faces: tuple[GivenFace, ...]
    named: Named = Named.WHOLE
    remarks: tuple[str, ...] = ()
    is_whole: bool = True

    def sized(self, width: int, height: int) -> "GivenPhoto":
        """In pixels of a photo of these sides, where the file does not know them."""
        if self.width or self.height:
            return self
        faces = tuple(face.sized(width, height) for face in self.faces)
        return replace(self, width=width, height=height, faces=faces)
