"""A project of 100,000 photos and 500,000 faces, half way through being labelled, made in bulk by the database.

A run uses some of the waiting photos up; the next one goes on with the rest, and seeds anew when too few are left.
"""

from collections.abc import Callable

from django.contrib.auth import get_user_model
from django.db import connection, transaction

from jobs.models import Job
from labelling.models import Image, ImageState, Membership, Project, Role
from labelling.projects import create_project
from labelling.tokens import make_token

NAME = "Queue bench"
IMAGES = 100_000
PEOPLE = 2_000
LABELLED_SHARE = 0.2
# Photos with nine suggestions a face, as a suggestion job leaves them: enough for some runs.
RICH = 16_000
RICH_LEFT = 6_000
ANNOTATORS = 20
JOBS = 5_000

PEOPLE_SQL = """
INSERT INTO labelling_identity (project_id, name, class_id, aliases, notes, target_count, consent_basis, created_at)
SELECT %(project)s, 'Person ' || lpad(n::text, 5, '0'), n - 1, '{}', '', NULL, '', now()
FROM generate_series(1, %(people)s) AS n
"""
IMAGES_SQL = """
INSERT INTO labelling_image (
    project_id, sha256, name, byte_size, format, width, height, phash, sharpness, brightness, session, camera,
    taken_at, state, note, version, created_at, doubt, need
)
SELECT %(project)s, md5(n::text || %(project)s) || md5(n::text), 'DSC_' || lpad(n::text, 6, '0') || '.jpg', 2000000,
    'JPEG', 1920, 1080, hashint8extended(n, 0), 100, 0.5, 'session ' || n / 200, 'Camera', now(),
    CASE WHEN n <= %(labelled)s THEN 'labelled' ELSE 'proposed' END, '', 1, now(), random(), random()
FROM generate_series(1, %(images)s) AS n
ORDER BY n
"""
# One to nine faces a photo, five on average.
FACES_SQL = """
INSERT INTO labelling_face (
    project_id, image_id, uid, x, y, w, h, image_w, image_h, landmarks, score, origin, state, who,
    identity_id, version, created_at, updated_at
)
SELECT %(project)s, image.id, gen_random_uuid(), 40 + 200 * n, 200 + 10 * n, 120, 150, 1920, 1080,
    ARRAY[80, 250, 130, 250, 105, 280, 85, 310, 125, 310]::float8[] , 0.99, 'model',
    CASE WHEN image.state = 'labelled' THEN 'confirmed' ELSE 'proposed' END,
    CASE WHEN image.state = 'labelled' THEN 'assigned' ELSE 'unassigned' END,
    CASE WHEN image.state = 'labelled' THEN %(first_person)s + (image.id * 7 + n * 13) %% %(people)s END,
    1, now(), now()
FROM labelling_image AS image, generate_series(0, image.id %% 9) AS n
WHERE image.project_id = %(project)s
ORDER BY image.id, n
"""
SUGGESTIONS_SQL = """
INSERT INTO labelling_suggestion (
    face_id, rank, identity_id, probability, similarity, nearest_face_id, model_name, model_version, created_at
)
SELECT face.id, rank, %(first_person)s + (face.id * 7 + rank * 31) %% %(people)s, 0.99 / rank, 0.95 / rank,
    %(first_face)s + (face.id * 11 + rank) %% %(named_faces)s, 'dlib', '1', now()
FROM labelling_face AS face, generate_series(1, 9) AS rank
WHERE face.project_id = %(project)s AND face.image_id BETWEEN %(first_rich)s AND %(last_rich)s
"""
# Each face before and after, as a submit of proposed boxes leaves it.
EVENTS_SQL = """
INSERT INTO labelling_event (id, project_id, actor_id, verb, image_id, before, after, images, identities, created_at)
SELECT gen_random_uuid(), %(project)s, %(actor)s, 'submit', image.id,
    jsonb_build_object('faces', jsonb_agg(to_jsonb(was) ORDER BY face.id),
        'images', jsonb_build_array(jsonb_build_object('id', image.id, 'state', 'proposed', 'version', 1))),
    jsonb_build_object('faces', jsonb_agg(to_jsonb(was) || jsonb_build_object('version', 2, 'state', face.state,
            'who', face.who, 'identity_id', face.identity_id) ORDER BY face.id),
        'images', jsonb_build_array(jsonb_build_object('id', image.id, 'state', 'labelled', 'version', 2))),
    ARRAY[image.id], array_agg(face.identity_id), now() - (%(last_labelled)s - image.id) * interval '20 seconds'
FROM labelling_image AS image JOIN labelling_face AS face ON face.image_id = image.id,
    LATERAL (SELECT face.id, 1 AS version, face.x, face.y, face.w, face.h, face.landmarks, 'proposed' AS state,
        'unassigned' AS who, NULL AS identity_id) AS was
WHERE image.project_id = %(project)s AND image.state = 'labelled'
GROUP BY image.id
"""
# Children first. What else points at the project is gone with the whole folder when somebody wants it gone.
FORGET_SQL = """
SET LOCAL session_replication_role = replica;
DELETE FROM labelling_ledgerentry WHERE project_id = %(project)s;
DELETE FROM labelling_suggestion WHERE face_id IN (SELECT id FROM labelling_face WHERE project_id = %(project)s);
DELETE FROM labelling_lease WHERE image_id IN (SELECT id FROM labelling_image WHERE project_id = %(project)s);
DELETE FROM labelling_event WHERE project_id = %(project)s;
DELETE FROM labelling_face WHERE project_id = %(project)s;
DELETE FROM labelling_image WHERE project_id = %(project)s;
DELETE FROM labelling_identity WHERE project_id = %(project)s;
DELETE FROM labelling_membership WHERE project_id = %(project)s;
DELETE FROM jobs_job WHERE project_id = %(project)s;
DELETE FROM labelling_project WHERE id = %(project)s;
"""


def seeded_project(scale: float, say: Callable[[str], None]) -> Project:
    """The project at `scale` (1 is full size), with enough waiting photos that have suggestions."""
    project = Project.objects.filter(name=NAME).first()
    if project and _is_intact(project, scale):
        say("Using the photos and faces of the last run.")
        return project
    if project:
        _forget(project)
    say(f"Making {round(IMAGES * scale):,} photos with {round(IMAGES * scale * 5):,} faces …")
    project = _make(scale)
    with connection.cursor() as cursor:  # what a database that grew to this size has behind it
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")
    return project


def annotator_tokens() -> list[str]:
    """A fresh token for each of the annotators."""
    return [make_token(user, "bench", days=1)[0] for user in _annotators()]


def _is_intact(project: Project, scale: float) -> bool:
    made = project.stored_settings.get("bench", {})
    if made.get("images") != round(IMAGES * scale) or made.get("people") != PEOPLE:
        return False
    waiting = Image.objects.in_project(project).filter(state=ImageState.PROPOSED, pk__lte=made["last_rich"])
    return waiting.count() >= min(RICH_LEFT, made["rich"] // 3)


def _annotators():
    users = get_user_model().objects
    return [users.get_or_create(username=f"bench-{number:02}")[0] for number in range(ANNOTATORS)]


@transaction.atomic
def _make(scale: float) -> Project:
    owner = get_user_model().objects.get_or_create(username="bench-owner")[0]
    project = create_project(NAME, by=owner)
    people = _annotators()
    Membership.objects.bulk_create(Membership(user=user, project=project, role=Role.ANNOTATOR) for user in people)
    Job.objects.bulk_create(
        Job(kind="suggest", title="Suggest names", project_id=project.pk, state="done") for _ in range(JOBS)
    )
    images = round(IMAGES * scale)
    labelled = round(images * LABELLED_SHARE)
    sizes = {"project": project.pk, "images": images, "labelled": labelled, "people": PEOPLE, "actor": people[0].pk}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # the rows are right: no need to look up each
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute(PEOPLE_SQL, sizes)
        sizes["first_person"] = _scalar(cursor, "SELECT min(id) FROM labelling_identity WHERE project_id = %s", project)
        cursor.execute(IMAGES_SQL, sizes)
        first = _scalar(cursor, "SELECT min(id) FROM labelling_image WHERE project_id = %s", project)
        rich = min(RICH, images - labelled)
        sizes |= {"last_labelled": first + labelled - 1, "first_rich": first + labelled}
        sizes["last_rich"] = first + labelled + rich - 1
        cursor.execute(FACES_SQL, sizes)
        # The planner still believes the tables to be empty, and would join them row by row for minutes.
        cursor.execute("ANALYZE labelling_image, labelling_face")
        sizes["first_face"] = _scalar(cursor, "SELECT min(id) FROM labelling_face WHERE project_id = %s", project)
        sizes["named_faces"] = _scalar(
            cursor, "SELECT count(*) FROM labelling_face WHERE who = 'assigned' AND project_id = %s", project
        )
        cursor.execute(SUGGESTIONS_SQL, sizes)
        cursor.execute(EVENTS_SQL, sizes)
    made = {"images": images, "people": PEOPLE, "rich": rich, "last_rich": sizes["last_rich"]}
    project.stored_settings = {"bench": made}
    project.save(update_fields=["stored_settings"])
    return project


def _scalar(cursor, sql: str, project: Project) -> int:
    cursor.execute(sql, [project.pk])
    return cursor.fetchone()[0]


@transaction.atomic
def _forget(project: Project) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FORGET_SQL, {"project": project.pk})
