from django.db import migrations

# What earlier events were about, read from what they recorded.
FORWARD = """
UPDATE labelling_event SET
    images = ARRAY(
        SELECT DISTINCT (row ->> 'id')::bigint
        FROM jsonb_array_elements(COALESCE(after -> 'images', '[]')) AS row
    ),
    identities = ARRAY(
        SELECT DISTINCT id::bigint FROM (
            SELECT row ->> 'identity_id' AS id
            FROM jsonb_array_elements(COALESCE(before -> 'faces', '[]') || COALESCE(after -> 'faces', '[]')) AS row
            UNION SELECT after ->> 'identity'
        ) AS named WHERE id IS NOT NULL
    );
"""


class Migration(migrations.Migration):
    dependencies = [("labelling", "0003_sort_review_and_ledger")]
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
