"""Prepared statements answer as plain ones do, whatever becomes of transactions and connections."""

import pytest
from django.db import connection, transaction
from django.db.utils import DataError

from jobs.models import Job
from jobs.prepared import Prepared, read

SUM = Prepared("""
-- sum
SELECT %(one)s::integer + %(other)s::integer + %(one)s::integer
""")
JOBS = Prepared("""
-- jobs_of
SELECT {job}, 'more' FROM jobs_job AS job WHERE job.kind = %(kind)s ORDER BY job.id
""", job=Job)  # fmt: skip


def prepared_here() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements")
        return [name for (name,) in cursor.fetchall() if name.startswith("sum_")]


@pytest.mark.django_db
def test_holes_are_filled_by_name(django_assert_num_queries):
    assert SUM.first(one=1, other=5) == (7,)
    with django_assert_num_queries(1):
        assert SUM.rows(other=1, one=2, another="is not asked for") == [(5,)]
    assert len(prepared_here()) == 1


@pytest.mark.django_db
def test_objects_are_what_the_orm_reads():
    made = Job.objects.create(kind="look", title="x", params={"face": 3, "box": [1.5, None]}, project_id=7)
    Job.objects.create(kind="other", title="y")
    (row,) = JOBS.rows(kind="look")
    found, end = read(Job, row)
    stored = Job.objects.get(pk=made.pk)
    assert found == stored and vars(found).keys() == vars(stored).keys()
    assert all(getattr(found, field.attname) == getattr(stored, field.attname) for field in Job._meta.concrete_fields)
    assert row[end:] == ("more",)
    assert JOBS.first(kind="nobody's") is None


@pytest.mark.django_db(transaction=True)
def test_it_survives_a_transaction_taken_back_and_a_new_connection():
    with pytest.raises(DataError), transaction.atomic():
        SUM.first(one=2**40, other=1)
    assert SUM.first(one=1, other=1) == (3,)
    connection.close()
    assert prepared_here() == []
    assert SUM.first(one=1, other=1) == (3,)


@pytest.mark.django_db
def test_behind_a_pooler_it_is_sent_in_full():
    connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = True
    try:
        before = prepared_here()
        assert SUM.first(one=2, other=2) == (6,)
        assert prepared_here() == before
    finally:
        connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = False
