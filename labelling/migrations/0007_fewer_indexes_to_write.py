import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("labelling", "0006_nobody_is_named_after_a_merged_person"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="event",
            name="actor",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AlterField(
            model_name="event",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="events",
                to="labelling.project",
            ),
        ),
        migrations.AlterField(
            model_name="face",
            name="identity",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="faces",
                to="labelling.identity",
            ),
        ),
        migrations.AlterField(
            model_name="face",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="faces",
                to="labelling.project",
            ),
        ),
        migrations.AlterField(
            model_name="face",
            name="updated_by",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AlterField(
            model_name="image",
            name="assigned_to",
            field=models.ForeignKey(
                db_index=False,
                help_text="The only one the queue gives it to: by a batch, or because it was returned to them.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="image",
            name="batch",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="images",
                to="labelling.batch",
            ),
        ),
        migrations.AlterField(
            model_name="image",
            name="claimed_identity",
            field=models.ForeignKey(
                db_index=False,
                help_text="Whom the source says it shows.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                to="labelling.identity",
            ),
        ),
        migrations.AlterField(
            model_name="image",
            name="created_by",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AlterField(
            model_name="image",
            name="reviewed_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="decided_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="ledger",
                to="labelling.project",
            ),
        ),
        migrations.AlterField(
            model_name="suggestion",
            name="face",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="suggestions",
                to="labelling.face",
            ),
        ),
        migrations.AddIndex(
            model_name="image",
            index=models.Index(
                condition=models.Q(("claimed_identity__isnull", False)),
                fields=["claimed_identity"],
                name="photo_claims",
            ),
        ),
        migrations.AddIndex(
            model_name="image",
            index=models.Index(condition=models.Q(("batch__isnull", False)), fields=["batch"], name="photo_in_batch"),
        ),
        migrations.AddIndex(
            model_name="image",
            index=models.Index(
                condition=models.Q(("assigned_to__isnull", False)), fields=["assigned_to"], name="photo_given"
            ),
        ),
    ]
