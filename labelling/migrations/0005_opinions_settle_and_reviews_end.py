from django.db import migrations, models

# A reviewer accepted the photo as it stood; whoever changes it later need not think of that.
FORWARD = """
CREATE FUNCTION labelling_review_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.reviewed_by_id := NULL;
    NEW.reviewed_at := NULL;
    RETURN NEW;
END $$;
CREATE TRIGGER review_ends_with_a_change BEFORE UPDATE ON labelling_image
FOR EACH ROW WHEN (OLD.reviewed_at IS NOT NULL AND OLD.version <> NEW.version)
EXECUTE FUNCTION labelling_review_ends();
"""
BACKWARD = """
DROP TRIGGER review_ends_with_a_change ON labelling_image;
DROP FUNCTION labelling_review_ends();
"""


class Migration(migrations.Migration):
    dependencies = [("labelling", "0004_history_by_person_and_photo")]
    operations = [
        migrations.AddField(
            model_name="opinion",
            name="settled_at",
            field=models.DateTimeField(help_text="When it was compared with the others; then it stands.", null=True),
        ),
        migrations.AddIndex(
            model_name="image",
            index=models.Index(
                condition=models.Q(("reviewed_at", None), ("state", "labelled")),
                fields=["project", "id"],
                name="photo_to_review",
            ),
        ),
        migrations.AddIndex(
            model_name="image",
            index=models.Index(
                condition=models.Q(("reviewed_at__isnull", False)), fields=["project", "id"], name="photo_reviewed"
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
