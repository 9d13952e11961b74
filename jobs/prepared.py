"""Statements asked all day long, written by hand: the database plans each once a connection, the ORM builds none."""

import re
from functools import cache
from itertools import count
from weakref import WeakKeyDictionary

from django.db import connection, models

# An id in the database has 64 bits; in a request it may have any number.
MOST_ID = 2**63 - 1
_NAME = re.compile(r"\s*-- (\w+)\n")
_HOLE = re.compile(r"%\((\w+)\)s")
_numbers = count(1)
# What each of this process's connections has prepared. A new connection, after a restart say, begins with nothing.
_prepared: WeakKeyDictionary[object, set[str]] = WeakKeyDictionary()


class Prepared:
    """A statement with named holes, `%(image)s`. Its first line, `-- photo`, is its name in the database's log.

    `{photo}` stands for all columns of the table of that alias; `read` makes objects of them.
    """

    def __init__(self, sql: str, **tables: type[models.Model]):
        sql = sql.format(**{alias: _columns(model, alias) for alias, model in tables.items()})
        names = list(dict.fromkeys(_HOLE.findall(sql)))
        numbered = _HOLE.sub(lambda hole: f"${names.index(hole[1]) + 1}", sql)
        self._name = f"{_NAME.match(sql)[1]}_{next(_numbers)}"
        self._prepare = f"PREPARE {self._name} AS {numbered}"
        holes = ", ".join(f"%({name})s" for name in names)
        self._execute = f"EXECUTE {self._name} ({holes})" if names else f"EXECUTE {self._name}"
        self._in_full = sql

    def rows(self, **values) -> list[tuple]:
        with connection.cursor() as cursor:
            self._ask(cursor, values)
            return cursor.fetchall()

    def first(self, **values) -> tuple | None:
        return next(iter(self.rows(**values)), None)

    def do(self, **values) -> int:
        """For statements that answer nothing; how many rows they wrote."""
        with connection.cursor() as cursor:
            self._ask(cursor, values)
            return cursor.rowcount

    def _ask(self, cursor, values: dict) -> None:
        # Behind a pooler the next transaction may meet another connection, which has prepared nothing.
        if connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
            cursor.execute(self._in_full, values)
            return
        known = _prepared.setdefault(connection.connection, set())
        if self._name not in known:
            with connection.wrap_database_errors, connection.connection.cursor() as plain:
                plain.execute(self._prepare)
            known.add(self._name)
        cursor.execute(self._execute, values)


def _columns(model: type[models.Model], alias: str) -> str:
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)


def read[M: models.Model](model: type[M], row: tuple, start: int = 0) -> tuple[M, int]:
    """The object whose columns begin at `start`, and where they end."""
    names, converted = _shape(model)
    end = start + len(names)
    values = row[start:end]
    if converted:
        values = list(values)
        for place, field in converted:
            values[place] = field.from_db_value(values[place], None, connection)
    return model.from_db(connection.alias, names, values), end


@cache
def _shape(model: type[models.Model]) -> tuple[list[str], list[tuple[int, models.Field]]]:
    fields = model._meta.concrete_fields
    converted = [(place, field) for place, field in enumerate(fields) if hasattr(field, "from_db_value")]
    return [field.attname for field in fields], converted
