import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("labelling", "0011_intake_uid")]

    operations = [
        migrations.AddField(
            model_name="image",
            name="searched_by",
            field=models.ForeignKey(
                db_index=False,
                help_text="The detector whose proposals people decided about.",
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="+",
                to="labelling.detectorsetup",
            ),
        ),
    ]
