"""Many rows at once: PostgreSQL writes them itself, as CSV, and nothing here becomes an object for each."""

import tempfile
from contextlib import contextmanager
from typing import IO

from django.db import connection
from django.db.models import QuerySet

# Room to sort in before the database goes to disk for it.
SORT_MEMORY = "128MB"


@contextmanager
def copied(rows: QuerySet) -> IO[bytes]:
    """The rows of a `values_list` in their order, without a header; what is null is an empty field without quotes.

    On disk, not in memory: a million faces are some hundred megabytes. Call it in a transaction.
    """
    sql, params = rows.query.sql_with_params()
    with tempfile.TemporaryFile(prefix="facet-rows-") as file:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('work_mem', %s, true)", [SORT_MEMORY])
            query = cursor.mogrify(sql, params).decode()
            cursor.copy_expert(f"COPY ({query}) TO STDOUT WITH (FORMAT csv)", file)
        file.seek(0)
        yield file
