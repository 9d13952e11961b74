"""What layers above know about a person, for the person's page: handed in at start, as the later steps of the loop."""

from collections.abc import Callable

from labelling.models import Identity

_more: Callable[[Identity], dict] | None = None


def set_more(function: Callable[[Identity], dict]) -> None:
    global _more
    _more = function


def more_about(person: Identity) -> dict:
    """`evaluation`: the newest figures about them, or None; `look_alikes`: people like them, closest first."""
    return {"evaluation": None, "look_alikes": [], **(_more(person) if _more else {})}
