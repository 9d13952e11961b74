"""Labels over the web: a file is looked through before anything changes, and taken in whole when somebody says so."""

import io
import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from datasets.import_files import CHANGED, KEPT_FOR, apply_import, check_again, forget_expired, format_of, keep_file
from datasets.models import Import, ImportState
from jobs.models import Job, State
from jobs.steer import request_cancel
from jobs.work import perform
from labelling import fsck, storage
from labelling.errors import AlreadyUsed, Refused, Stale
from labelling.identities import create_identity
from labelling.models import Event, Face, FaceState, Role
from labelling.projects import create_project, set_member
from labelling.undo import undo_event
from tests.datasets.test_labelstudio import annotation, box, task

pytestmark = pytest.mark.usefixtures("transactional_db")


@pytest.fixture(autouse=True)
def worker():
    import datasets.tasks  # noqa: F401  (registers the handlers)


def tasks(*labels):
    """Label Studio's tasks about a.jpg, b.jpg and so on."""
    names = "abcdef"
    return [
        task(annotation(box(label)), image=f"/photos/{name}.jpg", number=name)
        for name, label in zip(names, labels, strict=False)
    ]  # fmt: skip


def file_with(content) -> io.BytesIO:
    return io.BytesIO(json.dumps(content).encode())


@pytest.fixture
def send(project, owner):
    def send(content, do=True, **options):
        row = keep_file(project, file_with(content), "theirs.json", uid=uuid4(), by=owner, **options)
        return done(row) if do else row

    return send


def done(row):
    perform(row.job_id)
    return Import.objects.select_related("project", "job").get(pk=row.pk)


def is_clean(project):
    return not list(fsck.check(project, grace=timedelta(0)))


@pytest.fixture(autouse=True)
def empty_folder(project):
    """Project ids come again in each test."""
    for stored in list(storage.listed(storage.project_prefix(project.pk))):
        storage.delete(stored.key)


def test_a_check_shows_what_would_happen_and_changes_nothing(project, add_photo, send):
    image = add_photo(project, "a")
    row = send(tasks("Ann"))
    assert (row.state, row.format, row.report["new"], row.report["new_people_first"]) == (
        ImportState.CHECKED, "labelstudio", 1, ["Ann"],
    )  # fmt: skip
    assert row.report["examples"]["new"] == [
        {"image": image.pk, "photo": "a.jpg", "box": [64, 96, 160, 120], "given": "Ann"}
    ]
    assert not image.faces.exists() and not Event.objects.exists()
    assert storage.exists(row.key)


def test_applied_it_is_imported_and_the_file_is_gone(project, owner, add_photo, send):
    image = add_photo(project, "a")
    row = done(apply_import(send(tasks("Ann")), by=owner))
    assert (row.state, row.report["new"], image.faces.get().identity.name) == (ImportState.DONE, 1, "Ann")
    assert not storage.exists(row.key)
    event = Event.objects.get()
    assert event.actor == owner
    undo_event(event, by=owner)
    assert not image.faces.exists()


def test_asked_twice_it_is_imported_once(project, owner, add_photo, send):
    add_photo(project, "a")
    row = send(tasks("Ann"))
    first, second = apply_import(row, by=owner), apply_import(row, by=owner)
    assert first.job_id == second.job_id
    assert apply_import(done(second), by=owner).state == ImportState.DONE
    assert Event.objects.count() == 1


def test_without_a_dry_run_it_is_imported_at_once(project, add_photo, send):
    image = add_photo(project, "a")
    row = send(tasks("Ann"), dry_run=False)
    assert (row.state, image.faces.count()) == (ImportState.DONE, 1)


def test_what_changed_since_the_check_is_shown_before_it_is_imported(project, owner, add_photo, send):
    image = add_photo(project, "a")
    row = send(tasks("Ann"))
    Face.objects.create(
        project=project, image=image, x=64, y=96, w=160, h=120, image_w=640, image_h=480, origin="human",
        state=FaceState.CONFIRMED, who="assigned", identity=create_identity(project, "Bo"),
    )  # fmt: skip
    row = done(apply_import(row, by=owner))
    assert (row.state, row.message, row.report["kept"]) == (ImportState.CHECKED, CHANGED, 1)
    assert not Event.objects.exists()
    assert done(apply_import(row, by=owner)).state == ImportState.DONE


def test_photos_with_a_problem_keep_all_out_until_they_are_left_out(project, owner, add_photo, send):
    image = add_photo(project, "a")
    row = send(tasks("Ann", "Bo"))
    assert (row.state, row.report["problems"]) == (ImportState.CHECKED, 1)
    with pytest.raises(Refused, match="leave such photos out"):
        apply_import(row, by=owner)
    row = done(check_again(row, by=owner, partly=True, take_theirs=False))
    assert done(apply_import(row, by=owner)).state == ImportState.DONE
    assert image.faces.count() == 1


def test_a_file_that_cannot_be_read_fails_with_a_sentence_and_is_not_kept(project, send):
    row = send([{"id": 1}], format_name="labelstudio")
    assert (row.state, row.job.state) == (ImportState.FAILED, State.FAILED)
    assert row.message.startswith("Task 1 of theirs.json cannot be read")
    assert not storage.exists(row.key)
    assert is_clean(project)


def test_an_import_at_once_that_is_refused_leaves_nothing(project, add_photo, send):
    add_photo(project, "a")
    row = send(tasks("Ann", "Bo"), dry_run=False)
    assert (row.state, "nothing was imported" in row.message) == (ImportState.FAILED, True)
    assert not Event.objects.exists() and not storage.exists(row.key)


def test_cancelled_before_its_end_a_check_is_over_and_an_import_can_be_asked_for_again(project, owner, add_photo, send):
    add_photo(project, "a")
    row = send(tasks("Ann"), do=False)
    request_cancel(row.job)
    row.refresh_from_db()
    assert row.state == ImportState.FAILED and not storage.exists(row.key)
    row = apply_import(send(tasks("Ann")), by=owner)
    request_cancel(row.job)
    row.refresh_from_db()
    assert row.state == ImportState.CHECKED and storage.exists(row.key)


def test_the_same_id_again_is_the_same_import(project, owner, send):
    uid = uuid4()
    rows = {keep_file(project, file_with([]), "x.json", uid=uid, by=owner).pk for _ in range(2)}
    assert len(rows) == 1
    with pytest.raises(AlreadyUsed):
        keep_file(create_project("Elsewhere", by=owner), file_with([]), "x.json", uid=uid, by=owner)


def test_files_that_nobody_comes_back_to_expire(project, add_photo, send):
    add_photo(project, "a")
    row = send(tasks("Ann"))
    Import.objects.filter(pk=row.pk).update(created_at=timezone.now() - KEPT_FOR - timedelta(hours=1))
    forget_expired(project)
    row.refresh_from_db()
    assert (row.state, storage.exists(row.key)) == (ImportState.EXPIRED, False)
    with pytest.raises(Stale, match="Send the file again"):
        apply_import(row)


def test_fsck_knows_files_that_wait_and_finds_those_that_are_gone(project, send):
    row = send([])
    assert is_clean(project)
    storage.delete(row.key)
    (finding,) = fsck.check(project)
    assert (finding.kind, finding.key) == ("missing", row.key)
    Import.objects.filter(pk=row.pk).update(state=ImportState.DONE)
    storage.put(row.key, b"left")
    (finding,) = fsck.check(project, grace=timedelta(0))
    assert finding.kind == "leftover"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b" [1]", "labelstudio"),
        (b'\xef\xbb\xbf{"images": []}', "coco"),
        (b"<?xml version='1.0'?><annotations/>", "cvat"),
    ],
)
def test_the_format_is_found_by_what_is_inside(data, found):
    assert format_of(io.BytesIO(data)) == found


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"PK\x03\x04nothing", b"hello"])
def test_what_is_in_no_format_is_refused(data):
    with pytest.raises(Refused, match="none of the formats"):
        format_of(io.BytesIO(data))


# The API and the pages


def post_file(client, project, content, **fields):
    file = SimpleUploadedFile("theirs.json", json.dumps(content).encode())
    return client.post(reverse("api-imports", args=[project.slug]), {"file": file, **fields})


def test_the_api_checks_tells_and_imports(project, owner, add_photo, client_for):
    image = add_photo(project, "a")
    client = client_for(owner)
    answer = post_file(client, project, tasks("Ann"))
    assert answer.status_code == 201
    perform(answer.json()["job"]["id"])
    told = client.get(reverse("api-import", args=[answer.json()["id"]])).json()
    assert (told["state"], told["report"]["new"]) == ("checked", 1)
    applied = client.post(reverse("api-import-apply", args=[told["id"]])).json()
    assert applied["state"] == "importing"
    perform(applied["job"]["id"])
    assert image.faces.count() == 1
    assert [row["state"] for row in client.get(reverse("api-imports", args=[project.slug])).json()["results"]] == [
        "done"
    ]


def test_the_api_says_what_is_wrong(project, owner, client_for):
    client = client_for(owner)
    assert client.post(reverse("api-imports", args=[project.slug])).status_code == 400
    answer = post_file(client, project, [], format="pickle")
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["format"])


@pytest.mark.parametrize(("role", "status"), [(Role.ANNOTATOR, 403), (Role.REVIEWER, 403), (Role.ENGINEER, 200)])
def test_only_engineers_and_owners_import(project, owner, stranger, client_for, send, role, status):
    row = send([])
    set_member(project, stranger, role)
    client = client_for(stranger)
    pages = [reverse("imports", args=[project.slug]), reverse("import", args=[project.slug, row.pk])]
    pages += [reverse("api-imports", args=[project.slug]), reverse("api-import", args=[row.pk])]
    assert [client.get(page).status_code for page in pages] == [status] * 4
    assert ("Import labels" in client.get(reverse("versions", args=[project.slug])).text) == (status == 200)


def test_the_page_takes_a_file_shows_the_report_and_imports(project, owner, add_photo, client_for):
    image = add_photo(project, "a")
    add_photo(project, "b", ["Bo"])
    client = client_for(owner)
    file = SimpleUploadedFile("theirs.json", json.dumps(tasks("Ann", "Cem")).encode())
    sent = client.post(reverse("imports", args=[project.slug]), {"file": file})
    page = sent["Location"]
    row = Import.objects.get()
    assert "Check labels of theirs.json" in client.get(page).text
    done(row)
    shown = client.get(page).text
    assert "Import 2 faces" in shown and "New boxes" in shown and "Ann, Cem" in shown
    client.post(page, {"apply": "1"})
    done(Import.objects.get())
    assert "Imported." in client.get(page).text
    assert image.faces.get().identity.name == "Ann"


def test_the_page_says_what_it_cannot_read(project, owner, client_for):
    client = client_for(owner)
    answer = client.post(reverse("imports", args=[project.slug]), {"file": SimpleUploadedFile("a.jpg", b"\xff\xd8")})
    assert "none of the formats" in answer.text
    assert not Import.objects.exists() and not Job.objects.filter(kind="import").exists()


def test_a_list_of_imports_asks_a_fixed_number_of_questions(project, owner, client_for, send):
    client, url = client_for(owner), reverse("imports", args=[project.slug])
    send([])
    client.get(url)
    with CaptureQueriesContext(connection) as one:
        client.get(url)
    for _ in range(4):
        send([])
    with CaptureQueriesContext(connection) as more:
        client.get(url)
    assert len(more) == len(one)
