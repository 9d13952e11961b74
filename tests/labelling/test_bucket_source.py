"""Photos out of a bucket: only where the operator opened it, and again only what is new or has changed."""

import uuid

import pytest
from django.urls import reverse

from config.management.commands.ingest import Command
from jobs.errors import LostLease
from jobs.models import Job, State
from jobs.work import Work, perform
from labelling import bucket_source, storage
from labelling.bucket_places import Place, place_of
from labelling.bucket_source import synchronise
from labelling.errors import Refused
from labelling.models import BucketObject, Image, Intake
from tests.conftest import picture_bytes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bucket(cameras):
    return cameras


@pytest.fixture
def reads(monkeypatch):
    """The keys that were read from buckets, in order."""
    read, keys = storage.get_elsewhere, []

    def noting(bucket, key, most):
        keys.append(key)
        return read(bucket, key, most)

    monkeypatch.setattr(storage, "get_elsewhere", noting)
    return keys


def work_off() -> None:
    import labelling.tasks  # noqa: F401  (registers handlers)

    for job in Job.objects.filter(kind="intake", state=State.QUEUED).values_list("pk", flat=True):
        perform(job)


@pytest.fixture
def look(project, owner, bucket):
    def run(folder: str = "", **said) -> Intake:
        intake = synchronise(project, place_of(f"s3://{bucket.name}/{folder}"), uid=uuid.uuid4(), by=owner, **said)
        work_off()
        return Intake.objects.select_related("job").get(pk=intake.pk)

    return run


def outcomes(intake: Intake) -> dict[str, str]:
    return dict(intake.files.values_list("path", "status"))


def test_photos_of_a_bucket_are_copied(project, bucket, look):
    bucket.put("lobby/a.jpg", picture_bytes(1))
    bucket.put("lobby/deep/b.png", picture_bytes(2, format="PNG"))
    bucket.put("lobby/readme.txt", b"not meant")
    bucket.put("elsewhere/c.jpg", picture_bytes(3))
    intake = look("lobby", session="Monday")
    assert intake.job.state == State.DONE, intake.job.message
    assert intake.name == f"s3://{bucket.name}/lobby/"
    assert outcomes(intake) == {"a.jpg": "created", "deep/b.png": "created"}
    assert set(Image.objects.in_project(project).values_list("name", "session")) == {
        ("a.jpg", "Monday"), ("b.png", "Monday"),
    }  # fmt: skip
    seen = BucketObject.objects.get(key="lobby/a.jpg")
    assert (seen.image.name, seen.size) == ("a.jpg", len(picture_bytes(1)))
    assert intake.options["found"] == {"new": 2, "changed": 0, "same": 0, "other": 1, "missing": 0}
    assert intake.note == "In the bucket: 2 new. 1 other objects were left alone."


def test_again_only_what_is_new_or_changed_is_read_and_what_is_missing_is_told(project, bucket, look, reads):
    for name, seed in (("a", 1), ("b", 2), ("c", 3)):
        bucket.put(f"{name}.jpg", picture_bytes(seed))
    look()
    assert sorted(reads) == ["a.jpg", "b.jpg", "c.jpg"]
    reads.clear()
    again = look()
    assert again.options["found"] == {"new": 0, "changed": 0, "same": 3, "other": 0, "missing": 0}
    assert again.job.message == "In the bucket: 3 same."
    assert reads == []
    bucket.put("b.jpg", picture_bytes(20))
    bucket.put("d.jpg", picture_bytes(4))
    bucket.delete("c.jpg")
    intake = look()
    assert sorted(reads) == ["b.jpg", "d.jpg"]
    assert outcomes(intake) == {"b.jpg": "created", "d.jpg": "created", "c.jpg": "missing"}
    assert intake.options["found"] == {"new": 1, "changed": 1, "same": 1, "other": 0, "missing": 1}
    assert intake.note == "In the bucket: 1 new, 1 changed, 1 same, 1 missing."
    assert intake.files.get(status="missing").image.name == "c.jpg"
    assert Image.objects.in_project(project).count() == 5  # nothing is ever removed
    assert look().options["found"]["missing"] == 0  # it was told
    bucket.put("c.jpg", picture_bytes(3))
    reads.clear()
    back = look()
    assert back.options["found"] == {"new": 0, "changed": 0, "same": 4, "other": 0, "missing": 0}
    assert BucketObject.objects.get(key="c.jpg").missing_since is None


def test_what_is_no_photo_is_refused_once(bucket, look, reads):
    bucket.put("a.jpg", b"no photo")
    assert outcomes(look()) == {"a.jpg": "rejected"}
    assert outcomes(look()) == {}
    assert reads == ["a.jpg"]


def test_what_is_too_large_is_not_read_and_tried_again(bucket, look, reads, settings):
    bucket.put("a.jpg", picture_bytes(1))
    settings.INGEST_MAX_BYTES = 100
    assert outcomes(look()) == {"a.jpg": "rejected"}
    assert reads == []
    settings.INGEST_MAX_BYTES = 10**6
    assert outcomes(look()) == {"a.jpg": "created"}


def test_a_pattern_says_which_names_are_meant(bucket, look):
    for key in ("in/2024-05/a.jpg", "in/2024-06/b.jpg", "in/2025-01/c.jpg", "in/2024-05/d.raw"):
        bucket.put(key, picture_bytes(len(key) + ord(key[-5])))
    assert set(outcomes(look("in", pattern="2024-*/*.jpg"))) == {"2024-05/a.jpg", "2024-06/b.jpg"}
    assert set(outcomes(look("in", pattern="*.raw"))) == {"2024-05/d.raw"}


def test_folders_name_people_where_asked(project, bucket, look):
    bucket.put("Ana_Weiss/a.jpg", picture_bytes(1))
    look(people_from_folders=True)
    assert Image.objects.in_project(project).get().claimed_identity.name == "Ana Weiss"


ODD_KEYS = [
    "space and ümlaut €.jpg",
    "tab\there.jpg",
    "#?&+%41.jpg",
    "\u202egpj.jpg",
    "/".join(["x" * 200] * 4) + "/a.jpg",
]


def test_keys_are_names_and_never_paths(project, bucket, look):
    for seed, key in enumerate(ODD_KEYS):
        bucket.put(f"in/{key}", picture_bytes(seed))
    intake = look("in")
    assert set(intake.files.values_list("status", flat=True)) == {"created"}
    paths = set(intake.files.values_list("path", flat=True))
    assert {"tab\\u0009here.jpg", "\\u202egpj.jpg", ODD_KEYS[0], ODD_KEYS[2], ODD_KEYS[4]} == paths
    assert all(name.isprintable() and "/" not in name for name in Image.objects.values_list("name", flat=True))
    assert look("in").options["found"]["same"] == len(ODD_KEYS)


def test_keys_with_dots_are_read_by_their_name_and_nothing_else(project, bucket, look, monkeypatch):
    """A store over files may not have them at all; others do."""
    keys = ["in/../../secret.jpg", "in/./a.jpg", "in//b.jpg"]
    found = [storage.Foreign(key, 10, key) for key in keys]
    asked = []

    def read(where, key, most):
        asked.append((where, key))
        return picture_bytes(len(asked)), storage.Foreign(key, 10, key)

    monkeypatch.setattr(storage, "listed_elsewhere", lambda where, prefix: iter(found))
    monkeypatch.setattr(storage, "get_elsewhere", read)
    intake = look("in")
    assert asked == [(bucket.name, key) for key in keys]
    assert outcomes(intake) == {"../../secret.jpg": "created", "./a.jpg": "created", "/b.jpg": "created"}
    assert set(Image.objects.values_list("name", flat=True)) == {"secret.jpg", "a.jpg", "b.jpg"}


def test_an_interrupted_look_goes_on_and_tells_all_it_found(project, bucket, look, monkeypatch):
    monkeypatch.setattr("labelling.ingest.BATCH_FILES", 2)
    for number in range(6):
        bucket.put(f"{number}.jpg", picture_bytes(number))
    chunk, calls = Work.chunk, []

    def dying(self, count=1):
        calls.append(count)
        if len(calls) == 2:
            raise LostLease
        return chunk(self, count)

    monkeypatch.setattr(Work, "chunk", dying)
    intake = look()
    assert intake.files.count() == BucketObject.objects.count() == 2
    Job.objects.filter(pk=intake.job_id).update(state=State.QUEUED, lease_until=None)
    work_off()
    intake.refresh_from_db()
    assert outcomes(intake) == {f"{number}.jpg": "created" for number in range(6)}
    assert intake.options["found"]["new"] == 6
    assert Image.objects.in_project(project).count() == 6


def test_a_cancelled_look_leaves_the_rest_for_the_next(project, bucket, look, monkeypatch):
    monkeypatch.setattr("labelling.ingest.BATCH_FILES", 1)
    for number in range(3):
        bucket.put(f"{number}.jpg", picture_bytes(number))
    chunk = Work.chunk

    def cancelling(self, count=1):
        Job.objects.filter(pk=self.job.pk, done=1).update(cancel_requested=True)
        return chunk(self, count)

    monkeypatch.setattr(Work, "chunk", cancelling)
    assert look().job.state == State.CANCELLED
    monkeypatch.setattr(Work, "chunk", chunk)
    intake = look()
    assert intake.options["found"] == {"new": 2, "changed": 0, "same": 1, "other": 0, "missing": 0}
    assert Image.objects.in_project(project).count() == 3


def test_projects_look_for_themselves(project, owner, bucket, look):
    from labelling.projects import create_project

    bucket.put("a.jpg", picture_bytes(1))
    look()
    other = create_project("Another house", by=owner)
    synchronise(other, place_of(f"s3://{bucket.name}"), uid=uuid.uuid4(), by=owner)
    work_off()
    assert Image.objects.in_project(other).count() == 1


def test_an_object_that_goes_away_meanwhile_is_told(bucket, look, monkeypatch):
    bucket.put("a.jpg", picture_bytes(1))
    listed = storage.listed_elsewhere

    def then_gone(where, prefix):
        yield from list(listed(where, prefix))
        yield storage.Foreign("b.jpg", 5, "x")

    monkeypatch.setattr(storage, "listed_elsewhere", then_gone)
    intake = look()
    assert outcomes(intake) == {"a.jpg": "created", "b.jpg": "rejected"}
    assert intake.files.get(path="b.jpg").reason == bucket_source.GONE
    assert set(BucketObject.objects.values_list("key", flat=True)) == {"a.jpg"}


def test_a_bucket_that_is_not_there_is_said(project, owner, settings):
    settings.S3_SOURCES = ["no-such-bucket-here"]
    intake = synchronise(project, place_of("s3://no-such-bucket-here"), uid=uuid.uuid4(), by=owner)
    work_off()
    intake.refresh_from_db()
    assert intake.note == "There is no bucket “no-such-bucket-here”."


def test_a_bucket_closed_meanwhile_stays_closed(project, owner, bucket, settings):
    bucket.put("a.jpg", picture_bytes(1))
    intake = synchronise(project, place_of(f"s3://{bucket.name}"), uid=uuid.uuid4(), by=owner)
    settings.S3_SOURCES = []
    work_off()
    intake.refresh_from_db()
    assert "may not be taken from" in intake.note
    assert not Image.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        "", "s3://", "s3:///", "s3://UPPER/a", "s3://cam/../other", "s3://cam/./a", "s3://cam//a", "s3://cam/a\\..\\b",
        "s3://cam/a\x00b", "s3://cam/a\u202eb", "http://169.254.169.254/latest", "s3://169.254.169.254:80/x",
        "file:///etc", "s3://other", "s3://cam-secret", "s3://shared/open-not", "s3://shared", "s3://shared/op",
        "s3://cam/" + "x" * 1000,
    ],
)  # fmt: skip
def test_places_that_are_not_open_are_refused(settings, address):
    settings.S3_SOURCES = ["cam", "shared/open"]
    with pytest.raises(Refused):
        place_of(address)


def test_places_that_are_open_are_folders(settings):
    settings.S3_SOURCES = ["cam", "shared/open/"]
    assert place_of("s3://cam") == Place("cam", "")
    assert place_of(" s3://cam/a/b ") == place_of("cam/a/b/") == Place("cam", "a/b/")
    assert place_of("s3://shared/open") == Place("shared", "open/")
    assert place_of("s3://shared/open/deep") == Place("shared", "open/deep/")


@pytest.mark.parametrize("folder", ["", "projects", "projects/1/originals"])
def test_facet_takes_nothing_from_its_own_photos(settings, folder):
    settings.S3_SOURCES = [settings.S3_BUCKET]
    with pytest.raises(Refused, match="from itself"):
        place_of(f"s3://{settings.S3_BUCKET}/{folder}")
    assert place_of(f"s3://{settings.S3_BUCKET}/incoming").prefix == "incoming/"


def test_the_api_asks_for_a_look_from_engineer_on(project, annotator, engineer, stranger, api_for, bucket):
    bucket.put("in/a.jpg", picture_bytes(1))
    url = reverse("api-intakes", args=[project.slug])
    asked = {"source": "bucket", "address": f"s3://{bucket.name}/in", "pattern": "*.jpg", "session": "Monday"}
    assert api_for(annotator).post(url, asked, format="json").status_code == 403
    assert api_for(stranger).post(url, asked, format="json").status_code == 404
    key = {"HTTP_IDEMPOTENCY_KEY": str(uuid.uuid4())}
    answer = api_for(engineer).post(url, asked, format="json", **key)
    assert answer.status_code == 201, answer.json()
    assert api_for(engineer).post(url, asked, format="json", **key).json()["id"] == answer.json()["id"]
    work_off()
    told = api_for(engineer).get(reverse("api-intake", args=[answer.json()["id"]])).json()
    assert (told["created"], told["missing"], told["source"]) == (1, 0, "bucket")
    assert Image.objects.get().session == "Monday"
    refused = api_for(engineer).post(url, {"source": "bucket", "address": "s3://somewhere-else"}, format="json")
    assert refused.status_code == 400
    assert "address" in refused.json()["error"]["fields"]


def test_the_page_of_an_intake_shows_what_is_missing(project, annotator, client_for, bucket, look):
    bucket.put("a.jpg", picture_bytes(1))
    look()
    bucket.delete("a.jpg")
    intake = look()
    text = client_for(annotator).get(reverse("intake", args=[project.slug, intake.pk])).text
    assert bucket_source.MISSING in text
    assert "1 missing" in text


def test_the_command_tells_what_it_found(project, bucket, monkeypatch):
    bucket.put("in/a.jpg", picture_bytes(1))
    bucket.put("in/b.jpg", b"no photo")
    monkeypatch.setattr(Command, "finish", lambda self, job: work_off())
    command, said = Command(), []
    monkeypatch.setattr(command, "say", said.append)
    options = {
        "project": project.slug,
        "path": f"s3://{bucket.name}/in",
        "pattern": "",
        "session": "",
        "in_place": False,
    }
    answer = command.work({**options, "identity_from_folder": False, "propose": False})
    assert answer["new"] == 2
    assert (answer["created"], answer["rejected"]) == (1, 1)
    assert said[0].startswith("b.jpg: This is not a photo")
