"""An archive goes in file by file, each with its outcome; what is hostile is refused in words and harms nothing."""

import gzip
import io
import tarfile
import uuid
import zipfile

import pytest
import urllib3

from jobs.models import Job, State
from jobs.work import perform
from labelling import storage
from labelling.intake import take_in_staged
from labelling.models import Image, Intake, IntakeFile, IntakeSource
from tests.conftest import picture_bytes


def zipped(files: dict[str, bytes], compression=zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture
def work_off(transactional_db):
    """Do waiting intakes as a worker would."""
    import labelling.tasks  # noqa: F401  (registers handlers)

    def work() -> None:
        for job in Job.objects.filter(kind="intake", state=State.QUEUED).values_list("pk", flat=True):
            perform(job)

    return work


@pytest.fixture
def take_in(project, owner, work_off):
    """Hands an archive over and lets a worker take it in; gives the intake."""

    def run(data: bytes, name: str = "photos.zip", **said) -> Intake:
        intake = take_in_staged(
            project, IntakeSource.ARCHIVE, name, io.BytesIO(data), uid=uuid.uuid4(), by=owner, **said
        )
        work_off()
        return Intake.objects.select_related("job").get(pk=intake.pk)

    return run


def outcomes(intake: Intake) -> dict[str, tuple[str, str]]:
    return {file.path: (file.status, file.reason) for file in intake.files.all()}


@pytest.mark.parametrize(
    "pack", [zipped, tarred, lambda files: tarred(files, "w:gz"), lambda files: tarred(files, "w:xz")]
)
def test_each_photo_of_an_archive_goes_in_once(project, take_in, pack):
    files = {"lobby/a.jpg": picture_bytes(1), "lobby/b.jpg": picture_bytes(2), "again.jpg": picture_bytes(1)}
    intake = take_in(pack(files), session="Monday")
    assert intake.job.state == State.DONE
    assert intake.finished_at
    assert {path: status for path, (status, _) in outcomes(intake).items()} == {
        "lobby/a.jpg": "created",
        "lobby/b.jpg": "created",
        "again.jpg": "duplicate",
    }
    assert set(Image.objects.in_project(project).values_list("name", "session")) == {
        ("a.jpg", "Monday"),
        ("b.jpg", "Monday"),
    }
    assert not storage.exists(intake.options["key"])


def test_folders_name_people_where_asked(project, take_in):
    take_in(zipped({"set/Ana_Weiss/1.jpg": picture_bytes(1), "2.jpg": picture_bytes(2)}), people_from_folders=True)
    claimed = dict(Image.objects.in_project(project).values_list("name", "claimed_identity__name"))
    assert claimed == {"1.jpg": "Ana Weiss", "2.jpg": None}


def test_names_stay_names(project, take_in):
    names = [
        "../../etc/passwd.jpg",
        "/root/x.jpg",
        "C:\\Windows\\y.jpg",
        "a\u202egpj.exe.jpg",
        "n" * 3000 + ".jpg",
        "same.jpg",
    ]
    intake = take_in(tarred({name: picture_bytes(number) for number, name in enumerate(names)}))
    assert [status for status, _ in outcomes(intake).values()] == ["created"] * len(names)
    stored = set(Image.objects.in_project(project).values_list("name", flat=True))
    assert {"passwd.jpg", "x.jpg", "y.jpg", "same.jpg"} <= stored
    assert all(name.isprintable() and "/" not in name and "\\" not in name for name in stored)


def test_two_files_of_one_name_are_told_apart(project, take_in):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for seed in (1, 2):
            data = picture_bytes(seed)
            member = tarfile.TarInfo("a.jpg")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    assert set(outcomes(take_in(out.getvalue()))) == {"a.jpg", "a.jpg #2"}


def test_links_and_devices_are_refused(take_in):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind in (("soft", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("null", tarfile.CHRTYPE)):
            member = tarfile.TarInfo(f"{name}.jpg")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    said = outcomes(take_in(out.getvalue()))
    assert [status for status, _ in said.values()] == ["rejected"] * 3
    assert all("not followed" in reason for _, reason in said.values())

    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "links are not followed" in outcomes(take_in(out.getvalue()))["link.jpg"][1]


def test_a_file_that_unpacks_to_far_more_is_refused_and_the_others_go_in(take_in):
    bomb = b"\0" * 50_000_000
    intake = take_in(zipped({"bomb.jpg": bomb, "fine.jpg": picture_bytes(1)}, zipfile.ZIP_DEFLATED))
    said = outcomes(intake)
    assert "200 times" in said["bomb.jpg"][1]
    assert said["fine.jpg"][0] == "created"


def test_a_tar_that_unpacks_without_end_is_left(take_in, monkeypatch):
    monkeypatch.setattr("labelling.archives.ALWAYS_ALLOWED", 10_000_000)
    plain = tarred({"fine.jpg": picture_bytes(1), "bomb.jpg": b"\0" * 40_000_000, "later.jpg": picture_bytes(2)})
    intake = take_in(gzip.compress(plain), "photos.tar.gz")
    assert intake.job.state == State.FAILED
    assert "200 times" in intake.note
    assert {path: status for path, (status, _) in outcomes(intake).items()} == {"fine.jpg": "created"}


def test_endless_notes_about_a_file_are_not_read(take_in):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("a.jpg")
        member.pax_headers = {"comment": "x" * 3_000_000}
        archive.addfile(member)
    intake = take_in(out.getvalue(), "photos.tar")
    assert intake.job.state == State.FAILED
    assert not intake.files.exists()


def test_an_archive_cut_short_keeps_what_came_before(take_in):
    files = {f"{seed}.jpg": picture_bytes(seed) for seed in range(4)}
    whole = tarred(files)
    intake = take_in(whole[: whole.index(b"2.jpg") + 700], "photos.tar")
    assert intake.job.state == State.FAILED
    assert "damaged from here on" in intake.note
    assert {"0.jpg", "1.jpg"} <= {path for path, (status, _) in outcomes(intake).items() if status == "created"}


@pytest.mark.parametrize(
    "data", [b"", b"no archive at all", zipped({"a.jpg": b"x"})[:40]], ids=["empty", "text", "cut short"]
)
def test_what_is_no_archive_is_said_so(take_in, data):
    intake = take_in(data)
    assert intake.job.state == State.FAILED
    assert intake.note.endswith(".")


def test_locked_and_broken_files_are_told_one_by_one(take_in):
    data = bytearray(zipped({"locked.jpg": picture_bytes(1), "text.txt": b"hello", "fine.jpg": picture_bytes(2)}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1  # “encrypted”
    said = outcomes(take_in(bytes(data)))
    assert "password" in said["locked.jpg"][1]
    assert "Convert it" in said["text.txt"][1]
    assert said["fine.jpg"][0] == "created"


def test_clutter_of_systems_is_passed_over(take_in):
    files = {"__MACOSX/._a.jpg": b"x", ".DS_Store": b"x", "Thumbs.db": b"x", "./a.jpg": picture_bytes(1)}
    assert set(outcomes(take_in(tarred(files)))) == {"./a.jpg"}


def test_doing_it_again_goes_on_where_it_stopped(project, owner, work_off):
    files = {f"{seed}.jpg": picture_bytes(seed) for seed in range(3)}
    intake = take_in_staged(
        project, IntakeSource.ARCHIVE, "a.zip", io.BytesIO(zipped(files)), uid=uuid.uuid4(), by=owner
    )
    IntakeFile.objects.create(intake=intake, path="1.jpg", status="rejected", reason="Told before.")
    work_off()
    said = outcomes(intake)
    assert said["1.jpg"] == ("rejected", "Told before.")
    assert said["0.jpg"][0] == said["2.jpg"][0] == "created"


def test_the_same_intake_sent_twice_is_one(project, owner):
    uid, data = uuid.uuid4(), zipped({"a.jpg": picture_bytes(1)})
    first = take_in_staged(project, IntakeSource.ARCHIVE, "a.zip", io.BytesIO(data), uid=uid, by=owner)
    again = take_in_staged(project, IntakeSource.ARCHIVE, "a.zip", io.BytesIO(data), uid=uid, by=owner)
    assert first.pk == again.pk
    assert first.job_id == again.job_id


def put(url: str, data: bytes) -> int:
    return urllib3.request("PUT", url, body=data).status


def test_a_browser_may_put_an_archive_into_the_store_by_a_ticket(project, owner, api_for, settings, work_off):
    settings.S3_PUBLIC_ENDPOINT_URL = settings.S3_ENDPOINT_URL
    api, path = api_for(owner), f"/api/v1/projects/{project.slug}/intakes/"
    data = zipped({"a.jpg": picture_bytes(1)})
    ticket = api.post(f"{path}ticket/", {"size": len(data)}, format="json").json()
    assert put(ticket["url"], data + b"more than was said") != 200
    assert put(ticket["url"], data) == 200
    told = {"staged": ticket["uid"], "name": "a.zip", "session": "Monday"}
    first, again = (api.post(path, told, format="multipart") for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.json()["id"] == again.json()["id"]
    work_off()
    assert Image.objects.in_project(project).get().session == "Monday"


def test_what_was_never_put_is_not_taken_in(project, owner, stranger, api_for, settings):
    path = f"/api/v1/projects/{project.slug}/intakes/"
    told = {"staged": str(uuid.uuid4()), "name": "a.zip"}
    answer = api_for(owner).post(path, told, format="multipart")
    assert answer.status_code == 400
    assert "not arrived" in answer.json()["error"]["message"]
    assert (
        api_for(owner).post(f"{path}ticket/", {"size": 1}, format="json").json()["url"] is None
    )  # no way from outside
    settings.ARCHIVE_MAX_BYTES = 100
    assert api_for(owner).post(f"{path}ticket/", {"size": 101}, format="json").status_code == 413
    assert api_for(stranger).post(f"{path}ticket/", {"size": 1}, format="json").status_code == 404
