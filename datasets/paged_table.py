"""Sortable heads and numbered pages for tables whose rows never change while people look at them."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import QueryDict


@dataclass(frozen=True)
class Column:
    """`words` stand in the head; figures sort downwards first, names upwards."""

    name: str
    words: str
    is_number: bool = True
    hint: str = ""


@dataclass(frozen=True)
class Head:
    """A column's head on the page: `url` sorts by it, `direction` is the value of aria-sort, or empty."""

    column: Column
    url: str
    direction: str


@dataclass(frozen=True)
class Slice:
    """Which rows of `found` a page shows, from `start` up to `stop`, and the addresses of its neighbours."""

    found: int
    start: int
    stop: int
    next_url: str
    previous_url: str

    @property
    def shown(self) -> str:
        return f"{self.start + 1:,}–{self.stop:,} of {self.found:,}" if self.found else ""


def chosen_sort(asked: QueryDict, columns: Sequence[Column], default: str) -> str:
    """A column's name, "-" before it for downwards; what is no column gives the default."""
    sort = asked.get("sort", default)
    return sort if sort.removeprefix("-") in {column.name for column in columns} else default


def sortable_heads(columns: Sequence[Column], sort: str, asked: QueryDict) -> list[Head]:
    """Clicking the column that sorts already turns the order round; a new order starts at the first page."""
    heads = []
    for column in columns:
        up, down = column.name, f"-{column.name}"
        following = down if sort == up or (column.is_number and sort != down) else up
        direction = {up: "ascending", down: "descending"}.get(sort, "")
        heads.append(Head(column, _url(asked, sort=following, page=None), direction))
    return heads


def cut(found: int, asked: QueryDict, size: int) -> Slice:
    """The page that `asked` names; one beyond the end, or no number at all, gives the nearest there is."""
    last = max(1, -(-found // size))
    text = asked.get("page", "")
    number = min(max(1, int(text)), last) if text.isascii() and text.isdecimal() and len(text) < 9 else 1
    return Slice(
        found=found,
        start=(number - 1) * size,
        stop=min(number * size, found),
        next_url=_url(asked, page=number + 1) if number < last else "",
        previous_url=_url(asked, page=number - 1) if number > 1 else "",
    )


def _url(asked: QueryDict, **changed) -> str:
    kept = asked.copy()
    for name, value in changed.items():
        kept.pop(name, None)
        if value is not None:
            kept[name] = str(value)
    return f"?{kept.urlencode()}"
