"""What the labels of others mean: people, unless they are words that tools use for faces without a name."""

from labelling.models import Who

# What a label is called that every face has, whoever it shows.
ANYBODY = {"face", "faces", "head", "heads", "human face", "person", "people"}
_NOBODY = {
    Who.UNKNOWN: {"unknown", "unknown person", "stranger", "nobody we know"},
    Who.IGNORED: {"ignore", "ignored", "to ignore"},
    Who.UNASSIGNED: {"unnamed", "unassigned", "no name yet", *ANYBODY},
}
_MEANT = {word: who for who, words in _NOBODY.items() for word in words}
# As our own exports write them among the names of people.
_MEANT |= {f"({who.label})".casefold(): who for who in _NOBODY}


def meant_by(label: object) -> tuple[Who, str | None]:
    """Who a face of this label is. Raises ValueError for what is no text."""
    if not isinstance(label, str):
        raise ValueError(f"“{label}” is no name")
    who = _MEANT.get(label.strip().casefold())
    if who:
        return who, None
    return (Who.ASSIGNED, label) if label.strip() else (Who.UNASSIGNED, None)
