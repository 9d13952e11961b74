"""The people of a version, searched, sorted and looked at in pages."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import QueryDict

from datasets.paged_table import Column, Head, Slice, chosen_sort, cut, sortable_heads

PAGE_SIZE = 25
COLUMNS = (
    Column("name", "Person", is_number=False),
    Column("faces", "Faces"),
    Column("train", "Train"),
    Column("val", "Validate"),
    Column("test", "Test"),
    Column("sessions", "Sessions", hint="In how many capture sessions the person was seen"),
    Column("class_id", "Class", hint="Number of the person, given once and never reused"),
)


@dataclass(frozen=True)
class PeoplePage:
    rows: list[dict]
    slice: Slice
    heads: list[Head]
    q: str
    sort: str


def people_page(people: Sequence[dict], asked: QueryDict) -> PeoplePage:
    """`people` as in a version's statistics. What makes no sense in `asked` falls back to the start."""
    q = asked.get("q", "").strip()
    sort = chosen_sort(asked, COLUMNS, "-faces")
    found = _sorted([person for person in people if q.casefold() in person["name"].casefold()], sort)
    slice_ = cut(len(found), asked, PAGE_SIZE)
    return PeoplePage(
        rows=found[slice_.start : slice_.stop],
        slice=slice_,
        heads=sortable_heads(COLUMNS, sort, asked),
        q=q,
        sort=sort,
    )


def _sorted(people: list[dict], sort: str) -> list[dict]:
    """By the column, then by name; sorting is stable, so the second key goes first."""
    column, downwards = sort.removeprefix("-"), sort.startswith("-")
    by_name = sorted(people, key=lambda person: person["name"].casefold(), reverse=downwards and column == "name")
    return by_name if column == "name" else sorted(by_name, key=lambda person: person.get(column, 0), reverse=downwards)
