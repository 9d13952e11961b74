import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("labelling", "0010_near_groups")]

    operations = [
        # The table is a migration old: nothing is in it yet.
        migrations.AddField(
            model_name="intake",
            name="uid",
            field=models.UUIDField(
                default=uuid.uuid4,
                unique=True,
                help_text="Made by the client: sent again, it is the same intake.",
            ),
        ),
    ]
