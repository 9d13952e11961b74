from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recognition", "0005_registry")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="preflight",
            field=models.JSONField(default=list, help_text="What was checked before training: name, passed, said."),
        ),
        migrations.AddField(
            model_name="run",
            name="checkpoint",
            field=models.JSONField(default=dict, help_text="Where an unfinished training stands: epoch, key, sha256."),
        ),
    ]
