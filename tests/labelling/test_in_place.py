"""Originals that stay in the bucket they came from: read while they are the same, never written or deleted."""

import hashlib

import pytest
from django.db import IntegrityError
from django.urls import reverse

from config.management.commands.ingest import Command
from jobs.models import Job, State
from jobs.work import perform
from labelling import originals, storage
from labelling.crops import face_crop
from labelling.ingest import ingest_photo
from labelling.models import BucketObject, Image, Intake, OriginalElsewhere
from labelling.photos import SIZES
from labelling.proposals import ProposedFace, record_proposals
from tests.conftest import picture_bytes

pytestmark = pytest.mark.django_db(transaction=True)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def outcomes(intake: Intake) -> dict[str, str]:
    return dict(intake.files.values_list("path", "status"))


def has_copy(image: Image) -> bool:
    return storage.exists(storage.original_key(image.project_id, image.sha256))


def read(image: Image) -> bytes:
    return originals.read(image.project_id, image.sha256)


@pytest.fixture
def project(project):
    for left in list(storage.listed(storage.project_prefix(project.pk))):  # of another test with this id
        storage.delete(left.key)
    return project


def test_an_original_stays_and_pictures_of_it_are_made(project, cameras, look_in_place):
    data = picture_bytes(1)
    cameras.put("lobby/a.jpg", data)
    intake = look_in_place("lobby", session="Monday")
    assert intake.job.state == State.DONE, intake.job.message
    assert outcomes(intake) == {"a.jpg": "created"}
    image = Image.objects.get()
    assert (image.session, image.sha256, image.byte_size) == ("Monday", sha(data), len(data))
    assert (image.elsewhere.bucket, image.elsewhere.key) == (cameras.name, "lobby/a.jpg")
    assert image.elsewhere.etag == BucketObject.objects.get().etag
    assert not has_copy(image)
    assert all(storage.exists(storage.picture_key(project.pk, image.sha256, size)) for size in SIZES)
    assert read(image) == data


def test_originals_are_copied_unless_it_is_asked_for(cameras, look_in_place):
    cameras.put("a.jpg", picture_bytes(1))
    look_in_place(in_place=False)
    image = Image.objects.get()
    assert not OriginalElsewhere.objects.exists()
    cameras.delete("a.jpg")
    assert has_copy(image)
    assert read(image) == picture_bytes(1)


def test_looking_again_otherwise_changes_nothing_about_photos_that_are_here(cameras, look_in_place):
    cameras.put("a.jpg", picture_bytes(1))
    look_in_place()
    cameras.put("b.jpg", picture_bytes(2))
    assert look_in_place(in_place=False).options["found"]["same"] == 1
    assert [has_copy(image) for image in Image.objects.order_by("pk")] == [False, True]


def test_a_photo_that_is_here_stays_a_duplicate_whichever_way_it_came(project, cameras, look_in_place, stay):
    ingest_photo(project, "copied.jpg", picture_bytes(1))
    cameras.put("a.jpg", picture_bytes(1))
    assert outcomes(look_in_place()) == {"a.jpg": "duplicate"}
    copied = Image.objects.get()
    assert has_copy(copied)
    assert not OriginalElsewhere.objects.exists()

    staying = stay("b.jpg", picture_bytes(2))
    assert ingest_photo(project, "again.jpg", picture_bytes(2)).status == "duplicate"
    assert not has_copy(staying)
    assert staying.elsewhere.key == "b.jpg"


def test_equal_files_in_a_bucket_are_one_photo_with_one_place(cameras, look_in_place):
    for key in ("a.jpg", "b.jpg"):
        cameras.put(key, picture_bytes(1))
    assert sorted(outcomes(look_in_place()).values()) == ["created", "duplicate"]
    assert OriginalElsewhere.objects.get().key == "a.jpg"


def test_an_original_that_changed_is_not_given_and_says_what_to_do(cameras, stay):
    image = stay("a.jpg", picture_bytes(1))
    cameras.put("a.jpg", picture_bytes(2))
    with pytest.raises(storage.ObjectMissing) as caught:
        read(image)
    assert "s3://cameras/a.jpg, where another file is now. Put the former file back" in str(caught.value)
    cameras.put("a.jpg", picture_bytes(1))
    assert read(image) == picture_bytes(1)


def test_bytes_that_are_not_those_of_the_photo_are_never_given(cameras, stay):
    """Whatever a store says about its objects."""
    image = stay("a.jpg", picture_bytes(1))
    cameras.put("a.jpg", picture_bytes(1)[:-1] + b"x")
    (found,) = storage.listed_elsewhere(cameras.name, "")
    OriginalElsewhere.objects.update(etag=found.etag)
    with pytest.raises(storage.ObjectChanged):
        read(image)


def test_an_original_that_went_away_says_what_to_do(cameras, stay):
    image = stay("a.jpg", picture_bytes(1))
    cameras.delete("a.jpg")
    with pytest.raises(storage.ObjectMissing, match=r"s3://cameras/a\.jpg, and is not there any more\. Put the same"):
        read(image)


def test_a_bucket_that_was_closed_or_removed_refuses(cameras, stay, settings):
    image = stay("a.jpg", picture_bytes(1))
    settings.S3_SOURCES = ["cameras/other-folder"]
    with pytest.raises(storage.SourceRefuses, match="FACET_S3_SOURCES"):
        read(image)
    settings.S3_SOURCES = ["no-such-bucket-here"]
    OriginalElsewhere.objects.update(bucket="no-such-bucket-here")
    with pytest.raises(storage.SourceRefuses, match="There is no bucket"):
        read(image)


def test_nothing_is_read_out_of_facets_own_photos_as_if_it_were_elsewhere(cameras, stay, settings):
    image = stay("a.jpg", picture_bytes(1))
    settings.S3_SOURCES = [settings.S3_BUCKET]
    OriginalElsewhere.objects.update(bucket=settings.S3_BUCKET, key=storage.original_key(1, "0" * 64))
    with pytest.raises(storage.SourceRefuses):
        read(image)


def test_an_old_version_that_is_not_kept_any_more_is_read_as_the_same_object(cameras, stay):
    image = stay("a.jpg", picture_bytes(1))
    OriginalElsewhere.objects.update(version="version-that-expired")
    assert read(image) == picture_bytes(1)


def test_a_changed_object_is_a_new_photo_and_the_old_one_keeps_its_pictures(project, cameras, look_in_place, stay):
    old = stay("a.jpg", picture_bytes(1))
    cameras.put("a.jpg", picture_bytes(2))
    intake = look_in_place()
    assert intake.options["found"] == {"new": 0, "changed": 1, "same": 0, "other": 0, "missing": 0}
    new = Image.objects.exclude(pk=old.pk).get()
    assert read(new) == picture_bytes(2)
    with pytest.raises(storage.ObjectChanged):
        read(old)
    assert storage.exists(storage.picture_key(project.pk, old.sha256, "large"))
    cameras.delete("a.jpg")
    assert look_in_place().options["found"]["missing"] == 1
    assert Image.objects.count() == 2


def test_a_file_that_was_renamed_in_its_bucket_is_followed(cameras, look_in_place, stay):
    image = stay("a.jpg", picture_bytes(1))
    cameras.delete("a.jpg")
    cameras.put("sorted/a.jpg", picture_bytes(1))
    intake = look_in_place()
    assert outcomes(intake) == {"a.jpg": "missing", "sorted/a.jpg": "duplicate"}
    image.refresh_from_db()
    assert image.elsewhere.key == "sorted/a.jpg"
    assert read(image) == picture_bytes(1)


def test_the_former_file_under_another_name_is_followed_when_its_name_was_taken(cameras, look_in_place, stay):
    image = stay("a.jpg", picture_bytes(1))
    cameras.put("a.jpg", picture_bytes(2))
    cameras.put("b.jpg", picture_bytes(1))
    look_in_place()
    image.refresh_from_db()
    assert image.elsewhere.key == "b.jpg"
    assert read(image) == picture_bytes(1)


def test_one_of_two_equal_files_that_goes_away_leaves_the_other(cameras, look_in_place):
    for key in ("a.jpg", "b.jpg"):
        cameras.put(key, picture_bytes(1))
    look_in_place()
    cameras.delete("a.jpg")
    look_in_place()
    assert OriginalElsewhere.objects.get().key == "b.jpg"


def test_the_same_bytes_stored_anew_are_known_by_their_new_mark(cameras, look_in_place, stay):
    image = stay("a.jpg", picture_bytes(1))
    for rows in (OriginalElsewhere.objects, BucketObject.objects):
        rows.update(etag="of-an-upload-in-parts")
    with pytest.raises(storage.ObjectChanged):
        read(image)
    assert outcomes(look_in_place()) == {"a.jpg": "duplicate"}
    assert read(image) == picture_bytes(1)


def test_a_photo_that_goes_takes_nothing_from_its_bucket(cameras, stay):
    image = stay("a.jpg", picture_bytes(1))
    image.delete()
    assert not OriginalElsewhere.objects.exists()
    assert cameras.get("a.jpg") == picture_bytes(1)


def test_crops_that_need_the_original_are_cut_from_it_and_stop_without_it(owner, cameras, stay, client_for):
    image = stay("a.jpg", picture_bytes(1, (4000, 3000)))
    boxes = [ProposedFace((100, 100, 90, 90), 0.9, None), ProposedFace((800, 800, 90, 90), 0.9, None)]
    record_proposals(image.pk, boxes, detector={"name": "test"})
    first, second = image.faces.order_by("pk")
    assert face_crop(first)[:2] == b"\xff\xd8"
    cameras.delete("a.jpg")
    address = {face.pk: reverse("crop", args=[face.pk, face.box_key]) for face in (first, second)}
    assert client_for(owner).get(address[first.pk]).status_code == 200  # cut before
    assert client_for(owner).get(address[second.pk]).status_code == 404
    picture = reverse("picture", args=[image.pk, "large", image.sha256[:16]])
    assert client_for(owner).get(picture).status_code == 200


def test_the_database_knows_what_cannot_stay(project, stay):
    with pytest.raises(IntegrityError, match="intake_in_place_is_of_a_bucket"):
        Intake.objects.create(project=project, source="archive", name="a.zip", options={"in_place": True})
    stay("a.jpg", picture_bytes(1))
    with pytest.raises(IntegrityError, match="original_elsewhere_can_be_told_from_others"):
        OriginalElsewhere.objects.update(etag="")


def test_the_api_leaves_originals_where_they_are_when_asked(project, engineer, annotator, api_for, cameras):
    cameras.put("in/a.jpg", picture_bytes(1))
    url = reverse("api-intakes", args=[project.slug])
    asked = {"source": "bucket", "address": f"s3://{cameras.name}/in", "in_place": True}
    assert api_for(annotator).post(url, asked, format="json").status_code == 403
    answer = api_for(engineer).post(url, asked, format="json").json()
    assert answer["in_place"] is True
    perform(answer["job"]["id"])
    image = Image.objects.get()
    detail = reverse("api-image", args=[image.pk])
    assert api_for(annotator).get(detail).json()["original_stays"] == "s3://cameras/in/a.jpg"
    copied = ingest_photo(project, "copied.jpg", picture_bytes(2))
    assert api_for(annotator).get(reverse("api-image", args=[copied.id])).json()["original_stays"] is None


def test_only_photos_of_a_bucket_can_stay(project, engineer, api_for, photo_file):
    asked = {"source": "archive", "in_place": "true", "file": photo_file(1, "a.zip")}
    refused = api_for(engineer).post(reverse("api-intakes", args=[project.slug]), asked)
    assert refused.status_code == 400
    assert refused.json()["error"]["fields"] == {"in_place": ["Only photos of a bucket can stay where they are."]}
    assert not Intake.objects.exists()


def test_pages_say_which_originals_stay(project, engineer, client_for, cameras, look_in_place):
    cameras.put("a.jpg", picture_bytes(1))
    intake = look_in_place()
    client = client_for(engineer)
    assert 'name="in_place"' in client.get(reverse("ingest", args=[project.slug])).text
    page = client.get(reverse("intake", args=[project.slug, intake.pk])).text
    assert "originals of new photos stay in the bucket" in page
    assert "in place</span>" in client.get(reverse("images", args=[project.slug])).text
    history = client.get(reverse("image-history", args=[project.slug, Image.objects.get().pk])).text
    assert "<code>s3://cameras/a.jpg</code>" in history


def test_the_command_leaves_originals_where_they_are_when_asked(project, cameras, monkeypatch, tmp_path):
    cameras.put("in/a.jpg", picture_bytes(1))
    monkeypatch.setattr(Command, "finish", lambda self, job: perform(job.pk))
    options = {"project": project.slug, "pattern": "", "session": "", "identity_from_folder": False, "propose": False}
    Command().work({**options, "path": f"s3://{cameras.name}/in", "in_place": True})
    assert OriginalElsewhere.objects.get().key == "in/a.jpg"
    with pytest.raises(Exception, match="Only photos of a bucket"):
        Command().work({**options, "path": str(tmp_path), "in_place": True})


def test_an_interrupted_look_keeps_each_photo_with_its_place(cameras, look_in_place, monkeypatch):
    from jobs.errors import LostLease
    from jobs.work import Work

    monkeypatch.setattr("labelling.ingest.BATCH_FILES", 2)
    for number in range(4):
        cameras.put(f"{number}.jpg", picture_bytes(number))
    chunk, calls = Work.chunk, []

    def dying(self, count=1):
        calls.append(count)
        if len(calls) == 2:
            raise LostLease
        return chunk(self, count)

    monkeypatch.setattr(Work, "chunk", dying)
    intake = look_in_place()
    assert Image.objects.count() == OriginalElsewhere.objects.count() == 2
    Job.objects.filter(pk=intake.job_id).update(state=State.QUEUED, lease_until=None)
    perform(intake.job_id)
    assert set(OriginalElsewhere.objects.values_list("key", flat=True)) == {f"{number}.jpg" for number in range(4)}
    assert not any(has_copy(image) for image in Image.objects.all())
