from django.db import migrations

# Locks the person as a foreign key would: whoever merges them away waits for this change, or this change for them.
FORWARD = """
CREATE FUNCTION labelling_face_is_of_somebody_still_there() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM labelling_identity WHERE id = NEW.identity_id AND merged_into_id IS NULL FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Person % is not there any more.', NEW.identity_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'face_is_of_somebody_still_there';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER new_face_is_of_somebody_still_there BEFORE INSERT ON labelling_face
FOR EACH ROW WHEN (NEW.identity_id IS NOT NULL) EXECUTE FUNCTION labelling_face_is_of_somebody_still_there();
CREATE TRIGGER face_is_of_somebody_still_there BEFORE UPDATE OF identity_id ON labelling_face
FOR EACH ROW WHEN (NEW.identity_id IS NOT NULL AND NEW.identity_id IS DISTINCT FROM OLD.identity_id)
EXECUTE FUNCTION labelling_face_is_of_somebody_still_there();
"""
BACKWARD = """
DROP TRIGGER new_face_is_of_somebody_still_there ON labelling_face;
DROP TRIGGER face_is_of_somebody_still_there ON labelling_face;
DROP FUNCTION labelling_face_is_of_somebody_still_there();
"""


class Migration(migrations.Migration):
    dependencies = [("labelling", "0005_opinions_settle_and_reviews_end")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
