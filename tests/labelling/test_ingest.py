"""Photos go in once, whole or not at all; their objects are there before their row speaks of them."""

import io
import os
from pathlib import Path

import pytest
from django.db import transaction
from PIL import Image as Picture

from jobs.models import Job
from labelling import storage
from labelling.identities import create_identity
from labelling.ingest import find_photos, ingest_folder, ingest_photo, read_bounded
from labelling.models import Identity, Image, ImageState
from labelling.projects import create_project
from labelling.signals import announce, images_added
from tests.together import together


@pytest.fixture
def added():
    """The project ids announced for new photos."""
    heard: list[int] = []

    def hear(project_id, **kwargs):
        heard.append(project_id)

    images_added.connect(hear)
    yield heard
    images_added.disconnect(hear)


def stored_keys(project) -> set[str]:
    answer = storage._client().list_objects_v2(Bucket=storage.settings.S3_BUCKET, Prefix=f"projects/{project.pk}/")
    return {entry["Key"] for entry in answer.get("Contents", [])}


@pytest.fixture
def project(project):
    """With no objects left by an earlier test whose project had the same number."""
    for key in stored_keys(project):
        storage._client().delete_object(Bucket=storage.settings.S3_BUCKET, Key=key)
    return project


def test_a_new_photo_gets_a_row_its_original_and_two_pictures(project, annotator, photo_bytes, added):
    data = photo_bytes(1)
    outcome = ingest_photo(project, "Lobby 1.jpg", data, session="Monday", by=annotator)
    image = Image.objects.get(pk=outcome.id)
    assert (outcome.status, image.name, image.session) == ("created", "Lobby 1.jpg", "Monday")
    assert image.created_by == annotator
    assert (image.width, image.height, image.byte_size, image.state) == (160, 120, len(data), ImageState.NEW)
    assert storage.get(storage.original_key(project.pk, image.sha256)) == data
    for size in ("small", "large"):
        picture = Picture.open(io.BytesIO(storage.get(storage.picture_key(project.pk, image.sha256, size))))
        assert picture.size == (160, 120) and not picture.getexif()
    assert added == [project.pk]


def test_what_the_camera_wrote_stays_out_of_the_pictures(project, photo_bytes):
    exif = Picture.Exif()
    exif[0x0110] = "Leaky camera"
    outcome = ingest_photo(project, "a.jpg", photo_bytes(1, exif=exif, comment=b"Leaky comment"))
    image = Image.objects.get(pk=outcome.id)
    assert image.camera == "Leaky camera"
    for size in ("small", "large"):
        assert b"Leaky" not in storage.get(storage.picture_key(project.pk, image.sha256, size))


def test_photos_and_the_search_for_their_faces_are_there_together_or_not_at_all(project, photo_bytes):
    """Nothing is left to do after the commit: a process may be killed just then."""
    with transaction.atomic():
        ingest_photo(project, "a.jpg", photo_bytes(1))
        assert Job.objects.filter(project_id=project.pk, kind="propose").exists()
        transaction.set_rollback(True)
    assert not project.images.exists()
    assert not Job.objects.filter(project_id=project.pk).exists()


def test_what_changes_is_announced_in_the_transaction_that_changes_it():
    with pytest.raises(transaction.TransactionManagementError):
        announce(images_added, 1)


def test_the_same_bytes_under_another_name_are_no_news(project, photo_bytes, added):
    first = ingest_photo(project, "a.jpg", photo_bytes(1))
    added.clear()
    again = ingest_photo(project, "b.jpg", photo_bytes(1), session="later")
    assert (again.status, again.id, again.name) == ("duplicate", first.id, "b.jpg")
    assert "a.jpg" in again.reason
    image = Image.objects.get()
    assert (image.name, image.session, added) == ("a.jpg", "", [])


def test_each_project_has_its_own_copy(project, owner, photo_bytes):
    other = create_project("Elsewhere", by=owner)
    first, second = (ingest_photo(place, "a.jpg", photo_bytes(1)) for place in (project, other))
    assert (first.status, second.status) == ("created", "created")
    assert first.id != second.id


@pytest.mark.parametrize("data", [b"", b"no photo", b"<svg/>"])
def test_a_refused_file_leaves_nothing(project, data, added):
    outcome = ingest_photo(project, "a.jpg", data)
    assert (outcome.status, outcome.id) == ("rejected", None)
    assert outcome.reason.endswith(".")
    assert not Image.objects.exists() and not stored_keys(project) and not added


def test_a_photo_cut_short_leaves_nothing(project, photo_bytes):
    outcome = ingest_photo(project, "a.jpg", photo_bytes(1)[:-300])
    assert (outcome.status, "cut short" in outcome.reason) == ("rejected", True)
    assert not Image.objects.exists() and not stored_keys(project)


def test_no_row_speaks_of_an_object_that_could_not_be_stored(project, photo_bytes, monkeypatch):
    def away(*args):
        raise storage.StoreAway("gone")

    monkeypatch.setattr(storage, "put", away)
    with pytest.raises(storage.StoreAway):
        ingest_photo(project, "a.jpg", photo_bytes(1))
    assert not Image.objects.exists()
    monkeypatch.undo()
    assert ingest_photo(project, "a.jpg", photo_bytes(1)).status == "created"  # and the second try is as the first


@pytest.mark.django_db(transaction=True)
def test_the_same_photo_sent_many_times_at_once_is_one_row(project, photo_bytes):
    data = photo_bytes(1)
    outcomes = together(*[lambda: ingest_photo(project, "a.jpg", data)] * 6)
    assert sorted(outcome.status for outcome in outcomes) == ["created"] + ["duplicate"] * 5
    assert {outcome.id for outcome in outcomes} == {Image.objects.get().pk}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.jpg", "passwd.jpg"),
        ("C:\\Users\\me\\face.jpg", "face.jpg"),
        ("/absolute/face.jpg", "face.jpg"),
        ("evil\u202egpj.exe", "evil�gpj.exe"),
        ("null\0byte.jpg", "null�byte.jpg"),
        ("line\r\nbreak\x1b[31m.jpg", "line��break�[31m.jpg"),
        ("lone \udcff surrogate.jpg", "lone � surrogate.jpg"),
        ("<script>alert(1)</script>.jpg", "script>.jpg"),
        ("=HYPERLINK(1).jpg", "=HYPERLINK(1).jpg"),
        ("", "unnamed"),
        ("folder/", "unnamed"),
        ("é" * 400 + ".jpg", "é" * 255),
    ],
)
def test_a_hostile_name_is_only_ever_shown(project, photo_bytes, name, shown):
    outcome = ingest_photo(project, name, photo_bytes(1))
    assert outcome.status == "created"
    image = Image.objects.get()
    assert image.name == outcome.name == shown
    assert all(image.sha256 in key for key in stored_keys(project))


def test_a_session_of_any_letters_is_kept_in_bounds(project, photo_bytes):
    outcome = ingest_photo(project, "a.jpg", photo_bytes(1), session="Mon\0day\n" + "x" * 300)
    assert Image.objects.get(pk=outcome.id).session == ("Mon�day�" + "x" * 300)[:120]


def test_no_more_of_a_file_is_read_than_is_needed_to_refuse_it(project, settings):
    settings.INGEST_MAX_BYTES = 2**20
    endless = open("/dev/zero", "rb")  # noqa: SIM115 - closed below
    try:
        data = read_bounded(endless)
    finally:
        endless.close()
    assert "larger than 1 MB" in ingest_photo(project, "a.jpg", data).reason


# Folders


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


def found(folder: Path, **options) -> list[tuple[str | None, str]]:
    return [(photo.person, photo.name) for photo in find_photos(folder, **options)]


def test_folders_name_people_and_other_files_are_passed_over(tmp_path):
    put(tmp_path, "Ann_Lee/2.JPG", "Ann_Lee/1.jpeg", "Bo/1.png", "flat.webp", "Cy/deep/1.jpg")
    put(tmp_path, "Bo/notes.txt", "list.csv")
    (tmp_path / "Bo" / "folder.jpg").mkdir()
    assert found(tmp_path) == [
        ("Ann Lee", "1.jpeg"), ("Ann Lee", "2.JPG"), ("Bo", "1.png"), ("deep", "1.jpg"), (None, "flat.webp"),
    ]  # fmt: skip


def test_folders_need_not_name_people(tmp_path):
    put(tmp_path, "Monday/1.jpg", "Monday/2.jpg", "0.jpg")
    assert found(tmp_path, people_from_folders=False) == [(None, "0.jpg"), (None, "1.jpg"), (None, "2.jpg")]


def test_a_limit_keeps_people_whole_and_takes_those_with_most_photos_first(tmp_path):
    put(tmp_path, *[f"Big/{n}.jpg" for n in range(5)], *[f"Mid/{n}.jpg" for n in range(3)], "Alone/1.jpg", "flat.jpg")
    assert [person for person, _ in found(tmp_path, limit=5)] == ["Big"] * 5
    assert [person for person, _ in found(tmp_path, limit=7)] == ["Alone"] + ["Big"] * 5 + [None]
    assert [person for person, _ in found(tmp_path, limit=4)] == ["Alone"] + ["Mid"] * 3
    assert [person for person, _ in found(tmp_path, limit=2)] == ["Alone", None]
    assert found(tmp_path, limit=0) == []
    assert found(tmp_path, limit=100) == found(tmp_path)


def test_the_order_does_not_depend_on_how_the_files_came_there(tmp_path):
    names = [f"{person}/{n}.jpg" for person in ("Zoe", "Ann", "Max") for n in (2, 1, 3)] + ["z.jpg", "a.jpg"]
    put(tmp_path / "one", *names)
    put(tmp_path / "two", *reversed(names))
    for limit in (None, 4, 7):
        assert found(tmp_path / "one", limit=limit) == found(tmp_path / "two", limit=limit)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        find_photos(tmp_path / "nowhere")


def test_a_folder_goes_in_with_whom_it_shows_and_one_bad_file_stops_nothing(project, tmp_path, photo_bytes):
    create_identity(project, "Ann Lee")
    put(tmp_path, "ann_lee/broken.jpg")
    (tmp_path / "ann_lee" / "good.jpg").write_bytes(photo_bytes(1))
    (tmp_path / "ann_lee" / "twin.jpg").write_bytes(photo_bytes(1))
    (tmp_path / "flat.jpg").write_bytes(photo_bytes(2))
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "gone for good")
    outcomes = list(ingest_folder(project, find_photos(tmp_path), session="First"))
    assert [(outcome.name, outcome.status) for outcome in outcomes] == [
        ("broken.jpg", "rejected"), ("good.jpg", "created"), ("twin.jpg", "duplicate"), ("flat.jpg", "created"),
    ]  # fmt: skip
    assert Identity.objects.get().name == "Ann Lee"
    assert Image.objects.get(name="good.jpg").claimed_identity.name == "Ann Lee"
    assert Image.objects.get(name="flat.jpg").claimed_identity is None


def test_a_file_that_vanished_meanwhile_is_an_outcome_too(project, tmp_path, photo_bytes):
    (tmp_path / "a.jpg").write_bytes(photo_bytes(1))
    photos = find_photos(tmp_path)
    os.remove(tmp_path / "a.jpg")
    (outcome,) = ingest_folder(project, photos)
    assert outcome.status == "rejected" and "could not be read" in outcome.reason
