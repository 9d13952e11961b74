from django.db import migrations

FORWARD = """
CREATE FUNCTION datasets_version_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Version % is frozen: its content cannot be changed.', OLD.number
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER version_is_frozen BEFORE UPDATE ON datasets_version
FOR EACH ROW WHEN (
    OLD.state = 'ready' AND
    (OLD.project_id, OLD.number, OLD.state, OLD.split_policy, OLD.statistics, OLD.content_hash,
     OLD.faces_sha256, OLD.images_sha256, OLD.frozen_at)
    IS DISTINCT FROM
    (NEW.project_id, NEW.number, NEW.state, NEW.split_policy, NEW.statistics, NEW.content_hash,
     NEW.faces_sha256, NEW.images_sha256, NEW.frozen_at)
) EXECUTE FUNCTION datasets_version_is_frozen();
"""
BACKWARD = """
DROP TRIGGER version_is_frozen ON datasets_version;
DROP FUNCTION datasets_version_is_frozen();
"""


class Migration(migrations.Migration):
    dependencies = [("datasets", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
