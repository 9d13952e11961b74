"""YOLO archives that others made: a text for each photo, found by its name, and names of classes in `data.yaml`.

Ultralytics has labels/train/a.txt, Roboflow train/labels/a.txt, CVAT obj_train_data/a.txt with the names in obj.names,
LabelImg and Label Studio a classes.txt. None of them says how large a photo is: boxes stay shares of its sides. A text
knows its photo by the name before the dot.
"""

import re
import zipfile
from collections.abc import Iterator

import yaml  # comes with drf-spectacular

from datasets.formats.labels import meant_by
from datasets.formats.tables import hash_in
from datasets.formats.zipped import last, member, names_in
from datasets.given import BadLabels, GivenFace, GivenPhoto, Named
from labelling.models import Who

LABELS = re.compile(r"(?:.*/)?(?:labels|obj_[^/]*_?data)/(?:.*/)?[^/]+\.txt")
LISTS = ("classes.txt", "obj.names", "_darknet.labels", "predefined_classes.txt")
MOST_BYTES = 16 * 1024 * 1024
NO_BOX = "Outlines and joints cannot be taken: only boxes of faces can."
WHOLE_NUMBER = re.compile(r"\d{1,9}")

Meant = dict[int, tuple[Who, str | None]]


def read(archive: zipfile.ZipFile, name: str) -> Iterator[GivenPhoto]:
    """The photos that have a text, each with its faces. Raises BadLabels, which says what is wrong where."""
    names = names_in(archive)
    texts = [text for text in names if LABELS.fullmatch(text)]
    if not texts:
        texts = [text for text in names if text.endswith(".txt") and last(text) not in (*LISTS, "train.txt", "val.txt")]
    meant = _classes(archive, names, name)
    if not texts:
        raise BadLabels(f"{name} is no YOLO archive: it has no labels/….txt.")
    for text in texts:
        yield _photo(text, member(archive, text, MOST_BYTES), meant)


def _photo(text: str, data: bytes, meant: Meant) -> GivenPhoto:
    faces, remarks = [], []
    for number, line in enumerate(data.decode("utf-8-sig", "replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            face = _face(line.split(), meant)
        except (ValueError, KeyError) as error:
            why = f"there is no class {error.args[0]}" if isinstance(error, KeyError) else error
            raise BadLabels(f"Line {number} of {text[:200]} cannot be read: {why}.") from None
        if face:
            faces.append(face)
        else:
            remarks.append(NO_BOX)
    stem = last(text).removesuffix(".txt")
    return GivenPhoto(
        hash_in(stem), stem, 0, 0, tuple(faces), Named.STEM, tuple(remarks), is_whole=not remarks
    )  # fmt: skip


def _face(words: list[str], meant: Meant) -> GivenFace | None:
    """A class, the middle and the sides of a box, and perhaps a score; None for a line that is no box."""
    if len(words) not in {5, 6}:
        if len(words) < 5:
            raise ValueError("a class and four numbers make a box")
        return None
    xc, yc, w, h, *score = map(float, words[1:])
    if not all(-0.01 <= share <= 1.01 for share in (xc, yc, w, h)):  # writers round
        raise ValueError("a share of a photo's side is between 0 and 1")
    if not WHOLE_NUMBER.fullmatch(words[0]):
        raise ValueError(f"“{words[0][:50]}” is no number of a class")
    who, name = meant[int(words[0])]
    return GivenFace((xc - w / 2, yc - h / 2, w, h), who, name, score[0] if score else None)


def _classes(archive: zipfile.ZipFile, names: list[str], archive_name: str) -> Meant:
    descriptions = [name for name in names if last(name) in {"data.yaml", "data.yml"}]
    descriptions = descriptions or [name for name in names if name.endswith((".yaml", ".yml"))]
    lists = [name for name in names if last(name) in LISTS]
    if descriptions:
        listed = _names(member(archive, descriptions[0], MOST_BYTES), descriptions[0])
    elif lists:
        lines = member(archive, lists[0], MOST_BYTES).decode("utf-8-sig", "replace").rstrip().splitlines()
        listed = dict(enumerate(line.strip() for line in lines))
    else:
        raise BadLabels(f"{archive_name} does not say what its classes are: data.yaml or classes.txt is missing.")
    return {number: meant_by(label) for number, label in listed.items()}


def _names(data: bytes, name: str) -> dict[int, str]:
    try:
        content = yaml.load(data, Loader=_Plain)  # noqa: S506 (it makes texts, lists and dictionaries only)
        listed = content["names"]
        pairs = listed.items() if isinstance(listed, dict) else enumerate(listed)
        found = {int(number): label for number, label in pairs}
        if isinstance(listed, str) or not all(isinstance(label, str) for label in found.values()):
            raise ValueError("“names” is no list of names")
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        why = "it has no list “names”" if isinstance(error, (KeyError, TypeError)) else str(error).replace("\n", " ")
        raise BadLabels(f"{name[:200]} cannot be read: {why}.") from None
    return found


class _Plain(yaml.BaseLoader):
    """Every value is a text: a person may be called “No”. Nothing may stand for something else in the file."""

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            raise ValueError("it refers to a part of itself, which no list of names needs")
        return super().compose_node(parent, index)
