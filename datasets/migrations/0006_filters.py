from django.db import migrations, models

COLUMNS = ["project_id", "number", "state", "split_policy", "statistics", "content_hash", "faces_sha256",
           "images_sha256", "frozen_at"]  # fmt: skip
TRIGGER = """
DROP TRIGGER version_is_frozen ON datasets_version;
CREATE TRIGGER version_is_frozen BEFORE UPDATE ON datasets_version
FOR EACH ROW WHEN (OLD.state = 'ready' AND ({old}) IS DISTINCT FROM ({new}))
EXECUTE FUNCTION datasets_version_is_frozen();
"""


def trigger(columns: list[str]) -> str:
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    return TRIGGER.format(old=old, new=new)


class Migration(migrations.Migration):
    dependencies = [("datasets", "0005_pulls")]

    operations = [
        migrations.AddField(
            model_name="version",
            name="filters",
            field=models.JSONField(blank=True, default=dict, help_text="What was asked for; nothing stands for all."),
        ),
        migrations.RunSQL(trigger([*COLUMNS, "filters"]), trigger(COLUMNS)),
    ]
