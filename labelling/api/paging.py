"""Cursor paging: stable under inserts, and as quick on page 1,000 as on page 1."""

from rest_framework.pagination import CursorPagination


class ByAge(CursorPagination):
    ordering = "id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 500


class ByName(ByAge):
    ordering = ("name", "id")


class ByPlace(ByAge):
    """The likeliest first."""

    ordering = ("place", "id")
