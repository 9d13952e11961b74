"""A backup and the way back: into two fresh databases and buckets, from which exports are the same bytes."""

import hashlib
import json
import os
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from datasets.exports import FORMATS
from datasets.freeze import start_freeze
from jobs.work import perform
from labelling import storage
from labelling.identities import get_or_create_identity
from labelling.ingest import ingest_photo
from labelling.models import Face, FaceState, Image, ImageState, Origin, Project, Who
from labelling.projects import create_project
from tests.conftest import picture_bytes
from tests.inside import REPOSITORY, Inside


@pytest.fixture
def version(project, transactional_db):
    """Of real photos, one of them with a name that needs escaping."""
    import datasets.tasks  # noqa: F401  (registers the handlers)

    for seed, person in enumerate(("Ana", "Ana", "Ben <i>", "Ben <i>", "Čem", None)):
        taken = ingest_photo(project, f"photo {seed} é.jpg", picture_bytes(seed))
        Image.objects.filter(pk=taken.id).update(state=ImageState.LABELLED)
        identity = get_or_create_identity(project, person) if person else None
        Face.objects.create(
            project=project, image_id=taken.id, x=20.25, y=10, w=40, h=50, image_w=160, image_h=120,
            origin=Origin.HUMAN, state=FaceState.CONFIRMED, identity=identity,
            who=Who.ASSIGNED if identity else Who.UNASSIGNED,
        )  # fmt: skip
    version = start_freeze(project)
    perform(version.job_id)
    version.refresh_from_db()
    return version


def export_all(slug: str, number: int) -> dict[str, str]:
    """Called inside a restored Facet: the sha256 of each format's file."""
    import datasets.tasks  # noqa: F401
    from datasets.exports import start_export
    from datasets.models import Export, Version

    version = Version.objects.select_related("project").get(project__slug=slug, number=number)
    made = {}
    for name in FORMATS:
        if not hasattr(FORMATS[name], "write"):
            continue
        export = start_export(version, name)
        perform(export.job_id)
        made[name] = Export.objects.get(pk=export.pk).sha256
    return made


class Elsewhere:
    """A fresh database, without a table, and a bucket that is not there yet, on the servers of the test run."""

    def __init__(self, name: str) -> None:
        self.name = name
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"CREATE DATABASE {name}")
        database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
        self.environment = os.environ | {
            "DATABASE_URL": database, "S3_BUCKET": name.replace("_", "-"), "PYTHONPATH": str(REPOSITORY),
            "REDIS_URL": urlsplit(os.environ["REDIS_URL"])._replace(path="/8").geturl(),
        }  # fmt: skip

    def manage(self, *words: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(
            command, cwd=REPOSITORY, env=self.environment, capture_output=True, text=True, check=False
        )

    def end(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")


@pytest.fixture
def elsewhere(transactional_db):
    """Makes fresh places, which are gone afterwards."""
    made = []

    def make(name: str) -> Elsewhere:
        made.append(Elsewhere(name))
        return made[-1]

    yield make
    for place in made:
        place.end()


def last_json(text: str) -> dict:
    return json.loads(text.strip().splitlines()[-1])


def test_exports_of_two_databases_restored_from_one_backup_are_the_same_bytes(
    version, project, owner, elsewhere, tmp_path
):
    other = create_project("Elsewhere", by=owner)
    ingest_photo(other, "same.jpg", picture_bytes(0))
    here = export_all(project.slug, version.number)
    assert {"coco", "yolo", "parquet"} <= here.keys()
    call_command("backup", str(tmp_path / "backup"))
    found = []
    for name in ("restored_one", "restored_two"):
        place = elsewhere(name)
        restored = place.manage("restore", str(tmp_path / "backup"), "--json")
        assert restored.returncode == 0, restored.stderr
        assert last_json(restored.stdout)["projects"] == 2
        inside = Inside(place.environment)
        assert inside(problems_of, project.slug, version.number) == 0
        assert inside(projects_with, hashlib.sha256(picture_bytes(0)).hexdigest()) == sorted([project.slug, other.slug])
        found.append(inside(export_all, project.slug, version.number))
        inside.end()
    assert found == [here, here]


def problems_of(slug: str, number: int) -> int:
    from datasets.models import Version
    from datasets.verify import verify

    return verify(Version.objects.select_related("project").get(project__slug=slug, number=number))["problems"]


def projects_with(sha256: str) -> list[str]:
    return sorted(Image.objects.filter(sha256=sha256).values_list("project__slug", flat=True))


def test_a_second_backup_copies_what_is_new_and_drops_what_is_gone(version, project, tmp_path, capsys):
    folder = tmp_path / "backup"

    def backup() -> dict:
        call_command("backup", str(folder), "--json")
        return last_json(capsys.readouterr().out)

    first = backup()
    assert first["copied"] == first["objects"] > 6
    assert backup()["copied"] == 0
    gone = Image.objects.first()
    storage.delete(storage.original_key(project.pk, gone.sha256))
    ingest_photo(project, "new.jpg", picture_bytes(int.from_bytes(os.urandom(6))))  # earlier runs left objects behind
    (folder / "objects" / "half.part").write_bytes(b"a crash left this")
    third = backup()
    assert (third["removed"], third["objects"]) == (2, first["objects"] - 1 + third["copied"])
    assert not (folder / "objects" / storage.original_key(project.pk, gone.sha256)).exists()
    assert (folder.stat().st_mode & 0o777) == 0o700


def test_objects_of_a_backup_are_the_objects(version, project, tmp_path):
    call_command("backup", str(tmp_path / "backup"))
    for found in storage.listed(storage.project_prefix(project.pk)):
        assert (tmp_path / "backup" / "objects" / found.key).read_bytes() == storage.get(found.key)


@pytest.mark.parametrize(
    "file, content, said",
    [
        ("database.dump", b"PGDMP, they say", "not the dump"),
        ("backup.json", b"{}", "no whole backup"),
        ("backup.json", None, "later release"),
        ("", None, "There are projects"),
    ],
)
def test_what_cannot_be_brought_back_is_refused_before_anything_changes(
    project, tmp_path, transactional_db, file, content, said
):
    folder = tmp_path / "backup"
    call_command("backup", str(folder))
    if said == "later release":
        about = json.loads((folder / "backup.json").read_text())
        content = json.dumps(about | {"migrations": ["labelling.9999_of_tomorrow"]}).encode()
    if file:
        (folder / file).write_bytes(content)
    with pytest.raises(CommandError, match=said):
        call_command("restore", str(folder))
    assert Project.objects.get() == project


def test_a_folder_with_other_things_in_it_is_left_alone(project, tmp_path, transactional_db):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(CommandError, match="something else"):
        call_command("backup", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
