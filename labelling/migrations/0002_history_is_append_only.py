from django.db import migrations

# Losing the photo or the person who acted only empties those two columns; what was said stays as it was said.
FORWARD = """
CREATE FUNCTION labelling_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'History is append-only: event % cannot be changed.', OLD.id
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER event_is_append_only BEFORE UPDATE ON labelling_event
FOR EACH ROW WHEN (
    (OLD.id, OLD.project_id, OLD.verb, OLD.before, OLD.after, OLD.created_at)
    IS DISTINCT FROM (NEW.id, NEW.project_id, NEW.verb, NEW.before, NEW.after, NEW.created_at)
) EXECUTE FUNCTION labelling_event_is_append_only();
"""
BACKWARD = """
DROP TRIGGER event_is_append_only ON labelling_event;
DROP FUNCTION labelling_event_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("labelling", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
