import hashlib
import json

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

COPY_NAMES = """
UPDATE labelling_face AS face SET detector_id = setup.id FROM labelling_detectorsetup AS setup
WHERE setup.project_id = face.project_id AND setup.name = face.model_name
"""


def keep_names(apps, schema_editor):
    """Of boxes proposed before only the detector's name is known."""
    face, setup = apps.get_model("labelling", "Face"), apps.get_model("labelling", "DetectorSetup")
    known = face.objects.exclude(model_name="").order_by().values_list("project_id", "model_name").distinct()
    for project_id, name in known:
        description = {"name": name}
        digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()
        setup.objects.create(project_id=project_id, name=name, description=description, digest=digest)
    schema_editor.execute(COPY_NAMES)
    # The foreign key is checked now, so that the table can still be changed in this transaction.
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [("labelling", "0008_intakes")]

    operations = [
        migrations.CreateModel(
            name="DetectorSetup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80)),
                ("description", models.JSONField()),
                ("digest", models.CharField(help_text="SHA-256 of the description.", max_length=64)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="detector_setups",
                        to="labelling.project",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("project", "digest"), name="described_once_per_project")
                ],
            },
        ),
        migrations.AddField(
            model_name="face",
            name="detector",
            field=models.ForeignKey(
                db_index=False,
                help_text="What proposed it.",
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="+",
                to="labelling.detectorsetup",
            ),
        ),
        migrations.RunPython(keep_names, migrations.RunPython.noop),
        migrations.RemoveField(model_name="face", name="model_name"),
    ]
