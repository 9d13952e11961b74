"""The photos of the labelling benchmark, in a project of their own: uploaded, searched and described once.

A later run takes the photos, boxes and vectors of the one before and forgets everything that was said of them.
"""

import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth import get_user_model
from django.db import connection, transaction

from config.bench._api_client import ApiClient
from config.embedded.folders import REPOSITORY
from jobs.models import Job
from labelling.claims import middle_face
from labelling.models import Image, Project
from labelling.projects import create_project
from recognition.models import faces_without_embedding

PEOPLE, MOST_PHOTOS, NAMED_SHARE = 100, 40, 0.1
DRAWN_PEOPLE, DRAWN_PHOTOS = 20, 12
BATCH = 20
PATIENCE_S = 3 * 60 * 60


@dataclass(frozen=True)
class Photo:
    path: Path
    person: str


@dataclass
class Work:
    """What there is to label. truth: whom each face shows, None for people nobody asked about."""

    project: Project
    truth: dict[int, str | None]
    named: list[int]


def chosen_photos(scale: float, say: Callable[[str], None]) -> tuple[str, list[Photo]]:
    """The people with most photos, from real ones where there are any; and what they are, in a word."""
    folder = Path(os.environ.get("FACET_DATA") or REPOSITORY.parent / "shared" / "data") / "faces"
    if not folder.is_dir():
        say(f"No real photos in {folder}: drawing people instead …")
        return "drawn", _of_folder(_draw(scale), max(3, round(DRAWN_PEOPLE * scale)))
    return "real", _of_folder(folder, max(3, round(PEOPLE * scale)))


def _of_folder(folder: Path, most_people: int) -> list[Photo]:
    photos = {person: sorted(person.glob("*.jpg")) for person in folder.iterdir() if person.is_dir()}
    largest = sorted(photos, key=lambda person: (-len(photos[person]), person.name))[:most_people]
    return [Photo(path, person.name.replace("_", " ")) for person in largest for path in photos[person][:MOST_PHOTOS]]


def _draw(scale: float) -> Path:
    from recognition.drawing import write_sample

    folder = Path(tempfile.gettempdir(), "facet-bench-drawn", str(scale))
    people = max(3, round(DRAWN_PEOPLE * scale))
    write_sample(folder, people, DRAWN_PHOTOS, scenes=0)
    return folder


def ready_work(name: str, photos: list[Photo], api: Callable[[Project], ApiClient], say: Callable[[str], None]) -> Work:
    """All photos in a project, with boxes and vectors, one in ten named and nothing else said."""
    owner = get_user_model().objects.get_or_create(username="bench-owner")[0]
    project = Project.objects.filter(name=name).first() or create_project(name, by=owner)
    forget_words(project)
    client = api(project)
    there = set(Image.objects.in_project(project).values_list("name", flat=True))
    missing = [photo for photo in photos if photo.path.name not in there]
    if missing:
        say(f"Uploading {len(missing):,} photos …")
    for start in range(0, len(missing), BATCH):
        client.upload(f"projects/{project.slug}/images/", [photo.path for photo in missing[start : start + BATCH]])
    _await_vectors(project, say)
    return _with_truth(project, photos)


def _await_vectors(project: Project, say: Callable[[str], None]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    told = 0.0
    while time.monotonic() < deadline:
        unsearched = Image.objects.in_project(project).without_proposals().count()
        undescribed = faces_without_embedding(project.pk, project.settings.embedder).count()
        if not unsearched and not undescribed:
            return
        if not Job.objects.in_project(project.pk).filter(kind__in=["propose", "embed"]).active().exists():
            _ask_again(project)
        if time.monotonic() - told > 15:
            told = time.monotonic()
            say(f"{unsearched:,} photos to search, {undescribed:,} faces to describe …")
        time.sleep(1)
    raise TimeoutError("The workers did not find and describe the faces in time; see their log.")


def _ask_again(project: Project) -> None:
    from recognition.work_left import embed_soon, propose_soon

    propose_soon(project.pk)
    embed_soon(project.pk)


def _with_truth(project: Project, photos: list[Photo]) -> Work:
    """The face in the middle is whom the folder says; everybody else is a stranger. One photo in ten is named."""
    person_of = {photo.path.name: photo.person for photo in photos}
    images = Image.objects.in_project(project).filter(name__in=person_of).prefetch_related("faces").order_by("name")
    truth: dict[int, str | None] = {}
    by_person: dict[str, list[int]] = defaultdict(list)
    for image in images:
        faces = list(image.faces.all())
        middle = middle_face(image, faces)
        for face in faces:
            truth[face.pk] = person_of[image.name] if middle and face.pk == middle.pk else None
        if middle:
            by_person[person_of[image.name]].append(middle.pk)
    named = []
    for _, faces in sorted(by_person.items()):
        count = max(1, round(len(faces) * NAMED_SHARE))
        named += [faces[place * len(faces) // count] for place in range(count)]
    return Work(project, truth, named)


def name_the_first(work: Work, client: ApiClient) -> None:
    by_person: dict[str, list[int]] = defaultdict(list)
    for face in work.named:
        by_person[work.truth[face]].append(face)
    for person, faces in by_person.items():
        client.decide(f"projects/{work.project.slug}/faces/assign/", {"faces": faces, "identity": {"name": person}})


FORGET_SQL = """
DELETE FROM labelling_constraint WHERE project_id = %(project)s;
DELETE FROM labelling_ledgerentry WHERE project_id = %(project)s;
DELETE FROM labelling_suggestion WHERE face_id IN (SELECT id FROM labelling_face WHERE project_id = %(project)s);
DELETE FROM labelling_lease WHERE image_id IN (SELECT id FROM labelling_image WHERE project_id = %(project)s);
DELETE FROM labelling_skip WHERE image_id IN (SELECT id FROM labelling_image WHERE project_id = %(project)s);
DELETE FROM labelling_pairquestion WHERE run_id IN (SELECT id FROM labelling_clusterrun WHERE project_id = %(project)s);
DELETE FROM labelling_clusterface WHERE cluster_id IN (SELECT c.id FROM labelling_cluster c JOIN labelling_clusterrun r
    ON r.id = c.run_id WHERE r.project_id = %(project)s);
DELETE FROM labelling_cluster WHERE run_id IN (SELECT id FROM labelling_clusterrun WHERE project_id = %(project)s);
DELETE FROM labelling_clusterrun WHERE project_id = %(project)s;
DELETE FROM recognition_calibrationfit WHERE project_id = %(project)s;
DELETE FROM recognition_lookalike WHERE project_id = %(project)s;
DELETE FROM recognition_suspicion WHERE project_id = %(project)s;
DELETE FROM labelling_event WHERE project_id = %(project)s;
UPDATE labelling_face SET state = 'proposed', who = 'unassigned', identity_id = NULL, version = version + 1,
    updated_at = now(), updated_by_id = NULL WHERE project_id = %(project)s;
UPDATE labelling_image SET state = 'proposed', version = version + 1 WHERE project_id = %(project)s AND state <> 'new';
DELETE FROM labelling_identity WHERE project_id = %(project)s;
DELETE FROM jobs_job WHERE project_id = %(project)s;
"""


@transaction.atomic
def forget_words(project: Project) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # history is append-only elsewhere
        cursor.execute(FORGET_SQL, {"project": project.pk})
