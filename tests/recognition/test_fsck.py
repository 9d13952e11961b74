"""Rows and objects that do not fit together: each defect is found and nothing else; repairing does what is safe."""

import io
import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import datasets.tasks  # noqa: F401  (registers handlers)
from datasets.exports import start_export
from datasets.freeze import start_freeze
from datasets.models import Version
from jobs.models import Job, State
from jobs.work import perform
from labelling import fsck, photo_objects, storage
from labelling.assign import assign_faces
from labelling.crops import face_crop
from labelling.intake import take_in_staged
from labelling.models import Image, OriginalElsewhere
from labelling.photos import SIZES
from labelling.projects import create_project
from labelling.proposals import ProposedFace, record_proposals
from recognition.models import Model
from tests.conftest import picture_bytes

NOW = timedelta(0)


@pytest.fixture
def project(owner):
    made = create_project("Reconciled", by=owner)
    for left in list(storage.listed(storage.project_prefix(made.pk))):  # of another database that shares the store
        storage.delete(left.key)
    return made


@pytest.fixture
def photo(project, make_image, owner):
    image = make_image(7)
    assign_faces(project, [image.faces.get().pk], "Ada Ek", by=owner, event_id=uuid4())
    return image


@pytest.fixture
def export(transactional_db, project, photo, owner):
    """A frozen version, an export of it, and a model trained on it."""
    frozen = start_freeze(project, by=owner)
    perform(frozen.job_id)
    version = Version.objects.get(pk=frozen.pk)
    made = start_export(version, "coco", by=owner)
    perform(made.job_id)
    made.refresh_from_db()
    key = f"{storage.project_prefix(project.pk)}models/{fake_sha(b'weights')}.safetensors"
    storage.put(key, b"weights")
    Model.objects.create(
        project=project, name="head 1", kind="head", embedder="tiny", version=version,
        artifact_key=key, artifact_sha256=fake_sha(b"weights"),
    )  # fmt: skip
    return made


def fake_sha(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def check(project, **options) -> list[fsck.Finding]:
    return list(fsck.check(project, **({"sample": None} | options)))


def kinds(found: list[fsck.Finding]) -> list[tuple[str, str]]:
    return [(finding.kind, finding.key) for finding in found]


def original(image: Image) -> str:
    return storage.original_key(image.project_id, image.sha256)


def picture(image: Image, size: str) -> str:
    return storage.picture_key(image.project_id, image.sha256, size)


def flipped(data: bytes) -> bytes:
    """As many bytes, the last ones others."""
    return data[:-8] + bytes(255 - byte for byte in data[-8:])


def test_a_project_with_everything_in_it_is_whole(project, photo, export):
    face_crop(photo.faces.get())
    tally = fsck.Tally()
    assert check(project, grace=NOW, tally=tally) == []
    stored = 1 + len(SIZES) + 2 + len(export.files) + 1  # original, pictures, manifests, export, model
    assert tally == fsck.Tally(rows=stored, objects=stored + 1, contents=stored)  # and a crop, which need not be


def test_a_lost_original_is_said_with_whom_it_shows_and_is_never_made_up(project, photo):
    data = storage.get(original(photo))
    storage.delete(original(photo))
    (found,) = check(project)
    assert (found.kind, found.key) == ("missing", original(photo))
    assert "“photo_7.jpg”" in found.what
    assert "It shows Ada Ek." in found.advice
    photo.refresh_from_db()
    assert photo.note == ""  # looking changes nothing

    (found,) = check(project, repair=True)
    assert found.is_left
    photo.refresh_from_db()
    assert photo.note == "Its original is not in the object store."
    storage.put(original(photo), data)
    assert check(project, repair=True, sample=0) == []
    photo.refresh_from_db()
    assert photo.note == ""


def test_an_original_with_other_bytes_is_damaged_and_makes_no_pictures(project, photo):
    storage.put(original(photo), flipped(storage.get(original(photo))))
    storage.delete(picture(photo, "small"))
    damaged, missing = check(project, repair=True)
    assert kinds([damaged, missing]) == [("damaged", original(photo)), ("missing", picture(photo, "small"))]
    assert damaged.is_left
    assert missing.is_left
    assert not storage.exists(picture(photo, "small"))


def test_a_wrong_size_is_seen_without_reading_anything(project, photo):
    storage.put(original(photo), b"short")
    tally = fsck.Tally()
    (found,) = check(project, sample=0, tally=tally)
    assert found.kind == "damaged"
    assert "5 bytes instead of" in found.what
    assert tally.contents == 0


@pytest.mark.parametrize("broken", [None, b"", b"no picture"])
def test_pictures_are_made_anew_from_the_original(project, photo, broken):
    before = storage.get(picture(photo, "large"))
    if broken is None:
        storage.delete(picture(photo, "large"))
    else:
        storage.put(picture(photo, "large"), broken)
    (found,) = check(project)
    assert found.key == picture(photo, "large")
    (found,) = check(project, repair=True)
    assert (found.done, found.is_left) == ("Made anew from the original.", False)
    assert storage.get(picture(photo, "large")) == before
    assert check(project) == []


def test_objects_nobody_speaks_of_go_once_they_are_old(project, photo, export):
    face = photo.faces.get()
    sha = fake_sha(b"gone")
    prefix = storage.project_prefix(project.pk)
    loose = [
        storage.original_key(project.pk, sha),
        storage.picture_key(project.pk, sha, "small"),
        storage.picture_key(project.pk, photo.sha256, "huge"),
        storage.crop_key(project.pk, photo.sha256, "0123456789abcdef"),
        f"{prefix}versions/7/faces-0123456789abcdef.parquet",
        f"{prefix}exports/999999.zip",
        f"{prefix}models/{sha}.safetensors",
    ]
    face_crop(face)
    for key in loose:
        storage.put(key, b"left over")
    assert check(project) == []  # they may still get their row
    assert sorted(kinds(check(project, grace=NOW))) == sorted(("leftover", key) for key in loose)
    assert all(storage.exists(key) for key in loose)
    removed = check(project, grace=NOW, repair=True)
    assert {(finding.done, finding.is_left) for finding in removed} == {("Removed.", False)}
    assert not any(storage.exists(key) for key in loose)
    assert check(project, grace=NOW) == []


def test_the_crop_of_a_box_that_moved_is_left_over(project, photo):
    face = photo.faces.get()
    face_crop(face)
    key = storage.crop_key(project.pk, photo.sha256, face.box_key)
    type(face).objects.filter(pk=face.pk).update(x=face.x + 3)
    assert kinds(check(project, grace=NOW)) == [("leftover", key)]


def test_a_photo_that_came_in_again_meanwhile_keeps_its_original(project, photo):
    class Overlooked(photo_objects.Originals):
        """The rows as they were before the photo came in."""

        def expected(self, project):
            return iter(())

    checking = fsck._AreaCheck(project, Overlooked(), repair=True, grace=NOW, tally=fsck.Tally())
    (found,) = checking.findings(None, lambda *figures: None)
    assert found.is_left
    assert storage.exists(original(photo))


def test_nothing_of_another_project_is_touched(project, photo, owner):
    other = create_project("Another", by=owner)
    key = storage.original_key(other.pk, fake_sha(b"other"))
    storage.put(key, b"other")
    assert check(project, grace=NOW, repair=True) == []
    assert storage.exists(key)


def test_lost_manifests_exports_and_models_are_told_apart(project, export):
    prefix = storage.project_prefix(project.pk)
    manifest = export.version.key("faces")
    model = next(storage.listed(f"{prefix}models/")).key
    storage.put(manifest, flipped(storage.get(manifest)))
    storage.delete(export.key)
    storage.put(model, b"WEIGHTS")
    found = check(project, repair=True)
    assert kinds(found) == [("damaged", manifest), ("missing", export.key), ("damaged", model)]
    assert ["backup" in found[0].advice, "Export" in found[1].advice, "Train" in found[2].advice] == [True] * 3
    assert all(finding.is_left for finding in found)


def test_an_upload_that_was_never_finished_is_given_up(project, settings):
    key = f"{storage.project_prefix(project.pk)}exports/5.zip"
    storage._client().create_multipart_upload(Bucket=settings.S3_BUCKET, Key=key)
    assert check(project) == []
    assert kinds(check(project, grace=NOW)) == [("upload", key)]
    (found,) = check(project, grace=NOW, repair=True)
    assert (found.done, found.is_left) == ("Given up.", False)
    assert check(project, grace=NOW) == []


def test_a_job_whose_worker_is_gone_is_put_back(project):
    since = timezone.now() - timedelta(minutes=5)
    job = Job.objects.create(
        kind="propose", title="Find faces", project_id=project.pk, state=State.RUNNING, lease_until=since, attempt=1
    )
    assert kinds(check(project)) == [("job", f"job {job.pk}")]
    (found,) = check(project, repair=True)
    assert (found.done, found.is_left) == ("It is waiting now.", False)
    assert check(project) == []


def test_what_nobody_knows_is_said_and_kept(project):
    key = f"{storage.project_prefix(project.pk)}strange/thing"
    storage.put(key, b"somebody's")
    (found,) = check(project, grace=NOW, repair=True)
    assert (found.kind, found.is_left) == ("unknown", True)
    assert storage.exists(key)


def test_rows_are_read_page_by_page_and_none_is_passed_over(project, make_image, monkeypatch):
    monkeypatch.setattr(photo_objects, "PAGE", 2)
    images = [make_image(seed) for seed in range(7)]
    tally = fsck.Tally()
    assert check(project, tally=tally) == []
    assert tally.rows == 7 * (1 + len(SIZES))
    for image in images:
        storage.delete(original(image))
    assert sorted(kinds(check(project))) == sorted(("missing", original(image)) for image in images)


keys = st.sets(st.integers(0, 30).map("key{:02}".format), max_size=20)


@given(keys, keys)
@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_two_streams_in_order_meet_wherever_they_are_equal(ours, theirs):
    rows = (fsck.Expected(key, key) for key in sorted(ours))
    objects = (storage.Stored(key, 1, timezone.now()) for key in sorted(theirs))
    pairs = list(fsck.paired(rows, objects))
    assert {row.key for row, found in pairs if row and found} == ours & theirs
    assert [(row or found).key for row, found in pairs] == sorted(ours | theirs)
    assert all(row.key == found.key for row, found in pairs if row and found)


def test_streams_out_of_order_are_refused_before_anything_is_removed():
    objects = iter([storage.Stored("b", 1, timezone.now()), storage.Stored("a", 1, timezone.now())])
    with pytest.raises(fsck.OutOfOrder):
        list(fsck.paired(iter(()), objects))


def test_a_sample_has_the_size_that_was_asked_for():
    chosen = fsck.Sample(1000, 25)
    assert sum(chosen.next() for _ in range(1000)) == 25
    few = fsck.Sample(3, 25)
    assert [few.next() for _ in range(3)] == [True] * 3


def run(*words: str) -> tuple[str, str]:
    """What the command wrote, and what it complained of when it ended with 1."""
    out = io.StringIO()
    try:
        call_command("fsck", *words, stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), ""


def test_the_command_ends_with_1_while_something_is_left(project, photo):
    assert run(project.slug, "--full")[1] == ""
    storage.delete(picture(photo, "small"))
    said, complaint = run(project.slug)
    assert "missing: The small picture of “photo_7.jpg” is not in the object store." in said
    assert complaint == "1 finding left to do; see above."
    assert "Made anew" in run(project.slug, "--repair")[0]
    assert run(project.slug)[1] == ""


def test_the_command_prints_one_object_last(project, photo):
    storage.delete(original(photo))
    said, complaint = run(project.slug, "--json", "--grace", "12h")
    answer = json.loads(said.splitlines()[-1])
    assert (answer["found"], answer["left"], answer["repaired"]) == ({"missing": 1}, 1, 0)
    assert answer["findings"][0]["key"] == original(photo)
    assert complaint
    assert "is no time" in run(project.slug, "--grace", "soon")[1]


def test_an_archive_that_waits_is_kept_and_one_that_is_in_is_left_over(project, owner):
    waiting = take_in_staged(project, "archive", "a.zip", io.BytesIO(b"x"), uid=uuid4(), by=owner)
    assert check(project, grace=NOW) == []
    storage.delete(waiting.options["key"])
    (found,) = check(project, grace=NOW)
    assert (found.kind, found.key) == ("missing", waiting.options["key"])
    storage.put(waiting.options["key"], b"x")
    Job.objects.filter(pk=waiting.job_id).update(state=State.FAILED)
    assert check(project, grace=NOW) == []  # somebody may try again
    type(waiting).objects.filter(pk=waiting.pk).update(finished_at=timezone.now())
    assert kinds(check(project, grace=NOW, repair=True)) == [("leftover", waiting.options["key"])]
    assert not storage.exists(waiting.options["key"])


@pytest.fixture
def staying(project, cameras, stay, owner):
    """A photo with a named face, whose original stays in its own bucket."""
    image = stay("in/a.jpg", picture_bytes(7))
    record_proposals(image.id, [ProposedFace((10, 20, 24, 30), 0.99, None)], detector={"name": "test"})
    assign_faces(project, [image.faces.get().pk], "Ada Ek", by=owner, event_id=uuid4())
    return image


def test_originals_that_stay_elsewhere_are_looked_at_there(project, staying):
    tally = fsck.Tally()
    assert check(project, grace=NOW, repair=True, tally=tally) == []
    assert tally == fsck.Tally(rows=1 + len(SIZES), objects=1 + len(SIZES), contents=1 + len(SIZES))
    storage.put(original(staying), picture_bytes(7))  # a copy of it does no harm
    assert check(project, grace=NOW, repair=True) == []
    assert storage.exists(original(staying))


@pytest.mark.parametrize(
    ("harm", "kind"), [("gone", "missing"), ("changed", "damaged"), ("closed", "refused"), ("content", "damaged")]
)
def test_an_original_lost_elsewhere_is_said_and_nothing_is_done_there(project, cameras, staying, settings, harm, kind):
    if harm == "gone":
        cameras.delete("in/a.jpg")
    elif harm == "closed":
        settings.S3_SOURCES = []
    else:
        cameras.put("in/a.jpg", flipped(picture_bytes(7)))
    if harm == "content":
        (found,) = storage.listed_elsewhere(cameras.name, "")
        OriginalElsewhere.objects.update(etag=found.etag)
    before = [(found.key, found.etag) for found in storage.listed_elsewhere(cameras.name, "")]
    (found,) = check(project, grace=NOW)
    assert (found.kind, found.key) == (kind, "s3://cameras/in/a.jpg")
    assert "“a.jpg”" in found.what
    assert "It shows Ada Ek." in found.advice
    (found,) = check(project, grace=NOW, repair=True)
    assert found.is_left
    staying.refresh_from_db()
    assert staying.note.startswith("Its original ")
    assert [(found.key, found.etag) for found in storage.listed_elsewhere(cameras.name, "")] == before

    settings.S3_SOURCES = [cameras.name]
    cameras.put("in/a.jpg", picture_bytes(7))
    OriginalElsewhere.objects.update(etag=next(storage.listed_elsewhere(cameras.name, "")).etag)
    assert check(project, repair=True, sample=0) == []
    staying.refresh_from_db()
    assert staying.note == ""


def test_pictures_are_made_anew_from_an_original_elsewhere(project, cameras, staying):
    storage.delete(picture(staying, "large"))
    (found,) = check(project, repair=True)
    assert (found.done, found.is_left) == ("Made anew from the original.", False)
    assert check(project) == []
    storage.delete(picture(staying, "large"))
    cameras.put("in/a.jpg", picture_bytes(8))
    found = check(project, repair=True)
    assert [finding.is_left for finding in found] == [True, True]
    assert not storage.exists(picture(staying, "large"))


def test_leftovers_beside_an_original_elsewhere_go_and_it_stays(project, cameras, staying):
    cameras.put("nobody/speaks/of/this.jpg", b"x")
    staying.delete()
    found = check(project, grace=NOW, repair=True)
    assert {finding.kind for finding in found} == {"leftover"}
    assert list(storage.listed(storage.project_prefix(project.pk))) == []
    assert {found.key for found in storage.listed_elsewhere(cameras.name, "")} == {
        "in/a.jpg", "nobody/speaks/of/this.jpg",
    }  # fmt: skip
