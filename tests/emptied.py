"""The database is emptied after a test that commits: only tables with rows in them are touched.

Django would truncate every table, each with all its indexes, and make all permissions and content types anew:
several times what such a test does itself.
"""

from django.db import connections

KEPT = ("django_migrations", "django_content_type", "auth_permission")

# As a replica does: no trigger or foreign key has a say when everything goes. Vector indexes keep what was deleted
# until they are vacuumed, and would find less for it, so tables that have one are truncated.
_EMPTY = """
DO $$
DECLARE
    place record;
    has_rows boolean;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR place IN
        SELECT c.oid::regclass AS name, EXISTS (
            SELECT 1 FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am a ON a.oid = x.relam
            WHERE i.indrelid = c.oid AND a.amname IN ('hnsw', 'ivfflat')
        ) AS has_vectors
        FROM pg_class c
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname NOT IN %(kept)s
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %%s)', place.name) INTO has_rows;
        CONTINUE WHEN NOT has_rows;
        EXECUTE format(CASE WHEN place.has_vectors THEN 'TRUNCATE %%s' ELSE 'DELETE FROM %%s' END, place.name);
    END LOOP;
END $$
"""


def empty_quickly() -> None:
    """Have Django's tests do so where the server lets us, and flush as ever where it does not."""
    from django.test import TransactionTestCase

    flush = TransactionTestCase._fixture_teardown

    def empty(case: TransactionTestCase) -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT current_setting('is_superuser')")
            may = cursor.fetchone() == ("on",)
            if may:
                cursor.execute(_EMPTY, {"kept": KEPT})
        if not may:
            flush(case)

    TransactionTestCase._fixture_teardown = empty
