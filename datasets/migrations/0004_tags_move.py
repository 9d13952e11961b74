import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from django.db.models.deletion import CASCADE, SET_NULL


def tags_from_versions(apps, schema_editor):
    """Names stay where they stand; `latest`, which moves by itself from now on, goes to the newest ready version."""
    version, tag, move = (apps.get_model("datasets", name) for name in ("Version", "Tag", "TagMove"))

    def put(row, name, reason, at):
        tag.objects.create(project_id=row["project_id"], name=name, version_id=row["pk"])
        move.objects.create(
            project_id=row["project_id"], name=name, new_id=row["pk"], reason=reason, by_id=row["created_by_id"], at=at
        )

    newest = {}
    rows = version.objects.order_by("number").values(
        "pk", "project_id", "tag", "state", "created_by_id", "created_at", "frozen_at"
    )
    for row in rows:
        if row["tag"] and row["tag"] != "latest":
            put(row, row["tag"], "Frozen under this name.", row["created_at"])
        if row["state"] == "ready":
            newest[row["project_id"]] = row
    for row in newest.values():
        put(row, "latest", "Frozen.", row["frozen_at"] or row["created_at"])


def versions_from_tags(apps, schema_editor):
    """A version has room for one name; `latest` is none that people gave."""
    tag = apps.get_model("datasets", "Tag")
    for one in tag.objects.exclude(name="latest").order_by("-name").select_related("version"):
        one.version.tag = one.name
        one.version.save(update_fields=["tag"])


class Migration(migrations.Migration):
    dependencies = [
        ("datasets", "0003_comparisons"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=CASCADE,
                        related_name="+",
                        to="labelling.project",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(on_delete=CASCADE, related_name="tags", to="datasets.version"),
                ),
            ],
            options={"ordering": ["name"]},
        ),
        migrations.CreateModel(
            name="TagMove",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "new",
                    models.ForeignKey(
                        help_text="Moved to.",
                        null=True,
                        on_delete=SET_NULL,
                        related_name="+",
                        to="datasets.version",
                    ),
                ),
                (
                    "old",
                    models.ForeignKey(
                        help_text="Moved from.",
                        null=True,
                        on_delete=SET_NULL,
                        related_name="+",
                        to="datasets.version",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=CASCADE,
                        related_name="+",
                        to="labelling.project",
                    ),
                ),
            ],
            options={"ordering": ["-id"]},
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.UniqueConstraint(fields=("project", "name"), name="tag_once_per_project"),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="tag_has_a_name"),
        ),
        migrations.AddIndex(
            model_name="tagmove",
            index=models.Index(fields=["project", "-id"], name="tag_moves_of_project"),
        ),
        migrations.RunPython(tags_from_versions, versions_from_tags),
        # What points at versions is looked at now: a table with checks outstanding cannot be altered.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RemoveConstraint(model_name="version", name="version_tag_once_per_project"),
        migrations.RemoveField(model_name="version", name="tag"),
    ]
