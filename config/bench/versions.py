"""facet bench versions: freeze, compare, verify and hand out a version of 1,000,000 faces (rows only, no pixels).

Each step runs in a process of its own, whose memory at its highest is what is told. FACET_BENCH_SCALE makes it smaller.
"""

import os
import time
from collections.abc import Callable

from django.contrib.auth import get_user_model
from django.db import connection, transaction

from config.bench._queue_seed import PEOPLE_SQL
from config.bench._versions_steps import apart, compare, perform_job, verify_tables
from datasets.exports import start_export
from datasets.freeze import start_freeze
from datasets.models import Export, Version
from labelling.models import Project
from labelling.projects import create_project

IMAGES, FACES_A_PHOTO, PEOPLE = 400_000, 2.5, 20_000

# Four of five photos belong to a session of forty; one in twenty has a near-duplicate beside it.
IMAGES_SQL = """
INSERT INTO labelling_image (
    project_id, sha256, name, byte_size, format, width, height, phash, sharpness, brightness, session, camera,
    taken_at, state, note, version, created_at, doubt, need
)
SELECT %(project)s, md5(n::text || %(project)s) || md5(n::text), 'DSC_' || lpad(n::text, 6, '0') || '.jpg', 2000000,
    'JPEG', 1920, 1080, hashint8extended(n / 20 * 20 + greatest(n %% 20, 1), 0), 100, 0.5,
    CASE WHEN n %% 5 > 0 THEN 'session ' || n / 200 ELSE '' END, 'Camera', now(), 'labelled', '', 1, now(), 0, 0
FROM generate_series(1, %(images)s) AS n
ORDER BY n
"""
# Two or three faces a photo; a long tail of people, as in real collections.
FACES_SQL = """
INSERT INTO labelling_face (
    project_id, image_id, uid, x, y, w, h, image_w, image_h, landmarks, score, origin, state, who,
    identity_id, version, created_at, updated_at
)
SELECT %(project)s, image.id, gen_random_uuid(), 40.25 + 200 * n, 200.5 + 10 * n, 120, 150, 1920, 1080,
    ARRAY[80, 250, 130, 250, 105, 280, 85, 310, 125, 310]::float8[] , 0.99, 'model', 'confirmed', 'assigned',
    %(first_person)s + floor(%(people)s * pow(((image.id * 7 + n * 13) * 2654435761 %% 1000003) / 1000003.0, 2))::int,
    1, now(), now()
FROM labelling_image AS image, generate_series(0, 1 + image.id %% 2) AS n
WHERE image.project_id = %(project)s
ORDER BY image.id, n
"""
# Between two versions: one face in a hundred is somebody else, one in two hundred has another box, some are gone.
CHANGES_SQL = """
UPDATE labelling_face SET identity_id = %(first_person)s + (identity_id + 1 - %(first_person)s) %% %(people)s
WHERE project_id = %(project)s AND id %% 100 = 0;
UPDATE labelling_face SET x = x + 3 WHERE project_id = %(project)s AND id %% 200 = 1;
DELETE FROM labelling_face WHERE project_id = %(project)s AND id %% 1000 = 2;
"""


def run(say: Callable[[str], None]) -> dict:
    scale = float(os.environ.get("FACET_BENCH_SCALE", "1"))
    say(f"Making {round(IMAGES * scale):,} photos with {round(IMAGES * FACES_A_PHOTO * scale):,} faces …")
    project, sizes = _seeded(scale)
    answer = {}

    def step(name: str, function: Callable, *args) -> object:
        say(f"{name} …")
        seconds, rss_mb, value = apart(function, *args)
        answer[f"{name}_s"], answer[f"{name}_rss_mb"] = round(seconds, 1), round(rss_mb)
        return value

    first = start_freeze(project)
    step("freeze", perform_job, first.job_id)
    with connection.cursor() as cursor:
        cursor.execute(CHANGES_SQL, sizes)
    second = start_freeze(project)
    step("freeze_again", perform_job, second.job_id)
    counts = step("diff", compare, first.pk, second.pk)
    step("verify", verify_tables, first.pk)
    for name in ("coco", "parquet"):
        export = start_export(Version.objects.get(pk=first.pk), name)
        step(f"export_{name}", perform_job, export.job_id)
        answer[f"export_{name}_mb"] = round(Export.objects.get(pk=export.pk).byte_size / 1e6)
    frozen = Version.objects.get(pk=first.pk).statistics
    rss = max(answer.pop(f"export_{name}_rss_mb") for name in ("coco", "parquet"))
    return {
        "images": frozen["images"], "faces": frozen["faces"], "people": frozen["identities"],
        **answer, "export_rss_mb": rss, "changes": counts,
    }  # fmt: skip


@transaction.atomic
def _seeded(scale: float) -> tuple[Project, dict]:
    owner = get_user_model().objects.get_or_create(username="bench-owner")[0]
    project = create_project(f"Versions bench {time.time():.0f}", by=owner)
    sizes = {
        "project": project.pk, "images": round(IMAGES * scale), "people": max(1, round(PEOPLE * scale)),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # the rows are right: no need to look up each
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute(PEOPLE_SQL, sizes)
        cursor.execute("SELECT min(id) FROM labelling_identity WHERE project_id = %(project)s", sizes)
        sizes["first_person"] = cursor.fetchone()[0]
        cursor.execute(IMAGES_SQL, sizes)
        cursor.execute(FACES_SQL, sizes)
        cursor.execute("ANALYZE labelling_face")
        cursor.execute("ANALYZE labelling_image")
    return project, sizes
