"""Columns of a large table that are not needed for a while, kept on disk meanwhile."""

import tempfile
from collections.abc import Collection

import pyarrow as pa

from datasets.manifest import give_memory_back


class Aside:
    """The columns of `table` beyond `needed`; let go of the table itself once this is made."""

    def __init__(self, table: pa.Table, needed: Collection[str]) -> None:
        self._order = table.column_names
        rest = table.drop_columns(list(needed))
        self._file = tempfile.TemporaryFile(prefix="facet-aside-")  # noqa: SIM115 (closed when they come back)
        with pa.ipc.new_file(self._file, rest.schema) as writer:
            writer.write_table(rest)

    def back(self, table: pa.Table) -> pa.Table:
        """`table` with them, in the order of before; columns that it has more come last. The disk is free again."""
        self._file.seek(0)
        with self._file:
            rest = pa.ipc.open_file(self._file).read_all()
        for name in rest.column_names:
            table = table.append_column(rest.schema.field(name), rest[name])
        more = [name for name in table.column_names if name not in self._order]
        give_memory_back()
        return table.select([*self._order, *more])
