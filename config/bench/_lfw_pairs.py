"""Lists of pairs in LFW's text format."""

from dataclasses import dataclass
from pathlib import Path

from jobs.errors import JobFailed

FOLDS = 10


@dataclass(frozen=True)
class Pair:
    """first, second: photos as `Person/Person_0001.jpg`. fold: from 0."""

    first: str
    second: str
    same: bool
    fold: int

    @property
    def photos(self) -> tuple[str, str]:
        return (self.first, self.second)

    def __str__(self) -> str:
        return " – ".join(Path(photo).stem for photo in self.photos)


@dataclass(frozen=True)
class PairList:
    pairs: list[Pair]
    protocol: str


def read_pairs(path: Path) -> PairList:
    """First line `folds n` (View 2) or `n` (View 1): per fold n pairs of one person, then n of two.

    A list without folds is cut into ten in its own order, so that no threshold is tested on the pairs it was chosen on.
    Raises JobFailed for anything else, naming the line.
    """
    try:
        first, *lines = [line for line in path.read_text().splitlines() if line.strip()]
        numbers = [int(word) for word in first.split()]
        folds, size = numbers if len(numbers) == 2 else (1, *numbers)
    except (OSError, ValueError) as error:
        raise JobFailed(f"{path} is no list of pairs: its first line must hold one or two numbers. {error}") from error
    if len(lines) != 2 * folds * size:
        raise JobFailed(f"{path} should hold {2 * folds * size} pairs after its first line, but holds {len(lines)}.")
    cut = min(FOLDS, size) if folds == 1 else folds
    if cut < 2:
        raise JobFailed(f"{path} holds too few pairs: a threshold is learnt from some and tested on others.")
    pairs = []
    for index, line in enumerate(lines):
        fold, place = divmod(index, 2 * size)
        same = place < size
        pairs.append(_pair(line, same, fold if folds > 1 else place % size * cut // size, f"{path}, line {index + 2}"))
    return PairList(pairs, _protocol(folds, size, cut))


def _protocol(folds: int, size: int, cut: int) -> str:
    if folds > 1:
        return f"the list's own {folds} folds of {2 * size} pairs: threshold from the others, tested on each"
    return (
        f"{cut} folds cut from the list in its order (it names none, so people may be in several): threshold from the "
        "others, tested on each"
    )


def _pair(line: str, same: bool, fold: int, where: str) -> Pair:
    words = line.split()
    try:
        if len(words) != (3 if same else 4):
            raise ValueError("a name and two numbers" if same else "two names, each with a number")
        first, second = (words[0], words[1]), (words[0] if same else words[2], words[-1])
        return Pair(_photo(*first), _photo(*second), same, fold)
    except ValueError as error:
        raise JobFailed(f"{where} is no pair of {'one person' if same else 'two people'}: {error}.") from error


def _photo(name: str, number: str) -> str:
    if "/" in name or name.startswith("."):
        raise ValueError(f"“{name}” is no name of a folder")
    return f"{name}/{name}_{int(number):04d}.jpg"
