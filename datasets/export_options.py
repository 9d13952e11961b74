"""What may be asked of an export beside its format. Each format says what it can; the rest is refused in words."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import ModuleType

from datasets.splits import SPLITS
from labelling.errors import Refused

LABELS, IMAGES, CROPS = CONTENTS = ("labels", "images", "crops")
CLASSES, ATTRIBUTE = PEOPLE = ("classes", "attribute")
ALIGNED, BOX = ALIGNMENTS = ("aligned", "box")
LEAST_SIDE, MOST_SIDE = 16, 1024
MOST_MARGIN = 2.0
LEAST_PART_MB, MOST_PART_MB = 1, 4096
PART_MB = 512
TRUE, FALSE = {"true", "1", "yes", "on"}, {"false", "0", "no", "off", ""}


@dataclass(frozen=True)
class Options:
    """contents: labels alone, with the upright photos, or crops of the faces. splits: which; all of them by default.

    people: as classes, or one class “face” with who it is beside it. anonymous: a pseudonym for each name.
    size, margin, alignment: of crops; pixels a side, share of the box added on each side, and whether a face is turned
    upright and scaled by its five landmarks, or cut out as it lies. part_mb: where pictures are cut into files.
    """

    contents: str
    people: str
    splits: tuple[str, ...] = SPLITS
    anonymous: bool = False
    size: int = 112
    margin: float = 0.0
    alignment: str = ALIGNED
    part_mb: int = PART_MB

    @property
    def is_plain(self) -> bool:
        """Whether the tables are handed out as they were frozen."""
        return self.splits == SPLITS and not self.anonymous


def can(writer: ModuleType) -> dict:
    """What a format can, its default first: `contents`, `people` and how it cuts `crops`."""
    return {"contents": writer.CONTENTS, "people": writer.PEOPLE, "crops": crop_defaults(writer)}


def crop_defaults(writer: ModuleType) -> dict:
    return {"size": 112, "alignment": ALIGNED, **getattr(writer, "CROP_DEFAULTS", {})}


def read_options(format_name: str, writer: ModuleType, asked: Mapping | None) -> tuple[Options, dict]:
    """The options in full, and as they are stored: only what was asked for. Raises Refused for what makes no sense."""
    asked = {name: value for name, value in (asked or {}).items() if value is not None}
    unknown = sorted(asked.keys() - {field.name for field in fields(Options)})
    if unknown:
        known = ", ".join(field.name for field in fields(Options))
        raise Refused(
            f"{format_name} takes no option {', '.join(unknown)}. There are: {known}.", fields={"options": unknown}
        )
    read = {name: _READERS[name](name, value) for name, value in asked.items()}
    for name, those in (("contents", writer.CONTENTS), ("people", writer.PEOPLE)):
        if read.setdefault(name, those[0]) not in those:
            raise _refusal(name, f"{format_name} gives {name} as {_either(those)}, not as “{read[name]}”")
    _refuse_idle(format_name, read, asked)
    cut = crop_defaults(writer)
    if read.get("alignment", cut["alignment"]) == BOX:
        cut["margin"] = cut.get("margin", 0.25)
    options = Options(**cut | read)
    whole = {**asdict(options), "splits": list(options.splits)}
    return options, {name: whole[name] for name in asked}


def _refuse_idle(format_name: str, read: dict, asked: Mapping) -> None:
    """What would change nothing is asked for by mistake."""
    if read["contents"] != CROPS:
        idle = sorted(asked.keys() & {"size", "margin", "alignment"})
        if idle:
            raise _refusal(idle[0], f"{', '.join(idle)} is about crops; this export of {format_name} has none")
    if read["contents"] == LABELS and "part_mb" in asked:
        raise _refusal("part_mb", "Labels alone are one file, which is never cut into parts")


def _refusal(name: str, sentence: str) -> Refused:
    return Refused(f"{sentence}.", fields={"options": [f"{name}: {sentence}."]})


def _either(those: tuple[str, ...]) -> str:
    return " or ".join(those)


def _one_of(those: tuple[str, ...]):
    def read(name: str, value: object) -> str:
        if value not in those:
            raise _refusal(name, f"“{name}” is {_either(those)}, not “{value}”")
        return value

    return read


def _splits(name: str, value: object) -> tuple[str, ...]:
    """In their own order, whatever the order asked for."""
    asked = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(asked, list | tuple) or not asked or not set(map(str, asked)) <= set(SPLITS):
        raise _refusal(name, f"“splits” is one or more of {', '.join(SPLITS)}")
    return tuple(split for split in SPLITS if split in asked)


def _yes_or_no(name: str, value: object) -> bool:
    said = str(value).lower()
    if said not in TRUE | FALSE:
        raise _refusal(name, f"“{name}” is true or false")
    return said in TRUE


def _number(kind: type, least: float, most: float):
    def read(name: str, value: object) -> float:
        try:
            number = kind(str(value))
        except ValueError:
            number = None
        if number is None or not least <= number <= most:
            whole = "a whole number" if kind is int else "a number"
            raise _refusal(name, f"“{name}” is {whole} from {least} to {most}")
        return number

    return read


_READERS = {
    "contents": _one_of(CONTENTS),
    "people": _one_of(PEOPLE),
    "splits": _splits,
    "anonymous": _yes_or_no,
    "size": _number(int, LEAST_SIDE, MOST_SIDE),
    "margin": _number(float, 0, MOST_MARGIN),
    "alignment": _one_of(ALIGNMENTS),
    "part_mb": _number(int, LEAST_PART_MB, MOST_PART_MB),
}
