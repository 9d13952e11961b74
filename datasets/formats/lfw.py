"""Crops as LFW lays them out: `Zoë_Aydın/Zoë_Aydın_0001.jpg`, with `people.txt` and `pairs.txt`.

Faces are numbered within the whole version, as its lists of pairs number them: those fit this folder as well. With some
splits only, numbers are missing. Only named faces can be in it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

from datasets.formats.crop_list import Namer, crop_list, read
from datasets.formats.photo_list import as_csv, cell
from datasets.formats.tables import rows
from datasets.pairs import TooFewFaces, as_text, choose_pairs, file_name

__all__ = ["crop_names", "entries", "read"]

TITLE = "LFW (crops in a folder for each person, with pairs)"
SUFFIX = "zip"
CONTENTS = ("crops",)
PEOPLE = ("classes",)
NAMED_ONLY = True
# About as much around a face as LFW shows.
CROP_DEFAULTS = {"size": 250, "margin": 0.6}
FOLDS, PAIRS, SEED = (10, 5, 2, 1), 300, 1


def entries(files: dict[str, bytes], info: dict, counts: dict, people: str) -> Iterator[tuple[str, bytes]]:
    found = list(rows(files["faces"], ["folder", "number", "identity", "class_id"]))
    of_person = Counter(row["folder"] for row in found)
    yield "people.txt", "".join(f"{folder}\t{of_person[folder]}\n" for folder in sorted(of_person)).encode()
    named = sorted({(row["class_id"], row["folder"], row["identity"]) for row in found})
    lines = [(folder, class_id, cell(name)) for class_id, folder, name in named]
    yield "names.csv", as_csv(("folder", "identity_id", "identity"), lines)
    pairs = _pairs(found)
    if pairs:
        yield "pairs.txt", pairs.encode()
    yield crop_list(files, counts, crop_names(files))


def crop_names(files: dict[str, bytes]) -> Namer:
    return lambda image, faces: [file_name(face["folder"], face["number"]) for face in faces]


def _pairs(found: list[dict]) -> str:
    """In as many folds as these people allow, ten at best; nothing where no fold can have a pair of each kind."""
    numbers = defaultdict(list)
    for row in found:
        numbers[row["folder"]].append(row["number"])
    for folds in FOLDS:
        try:
            return as_text(choose_pairs(numbers, folds=folds, pairs=PAIRS, seed=SEED), folds)
        except TooFewFaces:
            continue
    return ""
