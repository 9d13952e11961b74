"""Keyset paging for pages: the thousandth page costs what the first does, and new rows shift nothing."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core import signing
from django.db.models import Q, QuerySet
from django.http import QueryDict


@dataclass(frozen=True)
class Page:
    """Rows to show and the cursors of the pages beside it; an empty cursor means there is none."""

    rows: list
    next: str = ""
    previous: str = ""

    def urls(self, asked: QueryDict) -> dict[str, str]:
        """`next_url` and `previous_url` that keep everything else the person asked for."""
        return {"next_url": _url(asked, self.next), "previous_url": _url(asked, self.previous)}


def _url(asked: QueryDict, cursor: str) -> str:
    if not cursor:
        return ""
    kept = asked.copy()
    kept["cursor"] = cursor
    return f"?{kept.urlencode()}"


def keyset_page(rows: QuerySet, cursor: str, *, by: tuple[str, ...], size: int) -> Page:
    """One page of `rows` ordered by the fields `by` ("-" for downwards); the last of them must be unique.

    A cursor that is forged, or belongs to another order, starts at the first page.
    """
    at = _read(cursor, by)
    if at is None:
        found = list(rows.order_by(*by)[: size + 1])
        return Page(found[:size], next=_cursor(found[size - 1], by, "after") if len(found) > size else "")
    direction, values = at
    forwards = direction == "after"
    order = by if forwards else tuple(map(_reversed, by))
    found = list(rows.filter(_beyond(order, values)).order_by(*order)[: size + 1])
    more, found = len(found) > size, found[:size]
    if not found:  # what the cursor pointed at is gone
        return keyset_page(rows, "", by=by, size=size)
    if not forwards:
        found.reverse()
    return Page(
        found,
        next=_cursor(found[-1], by, "after") if more or not forwards else "",
        previous=_cursor(found[0], by, "before") if more or forwards else "",
    )


def _reversed(field: str) -> str:
    return field[1:] if field.startswith("-") else f"-{field}"


def _beyond(order: tuple[str, ...], values: list) -> Q:
    """Rows that come after `values` in `order`: the first field beyond, or equal and the next beyond, and so on."""
    beyond, equal = Q(), Q()
    for field, value in zip(order, values, strict=True):
        name = field.lstrip("-")
        comparison = "lt" if field.startswith("-") else "gt"
        beyond |= equal & Q((f"{name}__{comparison}", value))
        equal &= Q((name, value))
    return beyond


def _cursor(row, by: tuple[str, ...], direction: str) -> str:
    return signing.dumps([direction, [_plain(getattr(row, field.lstrip("-"))) for field in by]], salt=_salt(by))


def _plain(value):
    """As JSON can hold it; the database reads times and long ids from text as well."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _read(cursor: str, by: tuple[str, ...]) -> tuple[str, list] | None:
    # Signed, so that values reach the database only as we wrote them.
    try:
        direction, values = signing.loads(cursor, salt=_salt(by)) if cursor else (None, [])
    except signing.BadSignature:
        return None
    return (direction, values) if direction else None


def _salt(by: tuple[str, ...]) -> str:
    return "page by " + ",".join(by)
