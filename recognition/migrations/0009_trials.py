from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recognition", "0008_model_onnx")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="trials",
            field=models.JSONField(
                default=list, help_text="What a search tried: number, params, figures on validation."
            ),
        ),
    ]
