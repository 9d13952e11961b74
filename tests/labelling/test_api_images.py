"""Photos over the API: each uploaded file has its own outcome; lists come in pages that never shift."""

from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from labelling.identities import create_identity
from labelling.ingest import ingest_photo
from labelling.models import Face, Identity, Image, Intake, IntakeFile
from labelling.projects import create_project
from labelling.submit import FaceWord, submit_image
from tests.conftest import picture_bytes


@pytest.fixture
def api(api_for, annotator):
    return api_for(annotator)


@pytest.fixture
def images_url(project):
    return reverse("api-images", args=[project.slug])


@pytest.fixture
def upload(api, images_url):
    def post(*files, **fields):
        return api.post(images_url, {"file": list(files), **fields}, format="multipart")

    return post


def test_each_file_has_its_own_outcome(upload, photo_file, annotator):
    answer = upload(
        photo_file(1), photo_file(1, "twin.jpg"), SimpleUploadedFile("letter.jpg", b"Dear Sir"), photo_file(2)
    )
    assert answer.status_code == 201
    created, duplicate, rejected, second = answer.json()["results"]
    assert set(created) == {"name", "status", "id", "reason"}
    assert (created["name"], created["status"], created["reason"]) == ("photo_1.jpg", "created", "")
    assert (duplicate["status"], duplicate["id"]) == ("duplicate", created["id"])
    assert (rejected["status"], rejected["id"], rejected["name"]) == ("rejected", None, "letter.jpg")
    assert "Convert it" in rejected["reason"]
    assert second["status"] == "created"
    assert set(Image.objects.values_list("pk", "created_by")) == {
        (created["id"], annotator.pk), (second["id"], annotator.pk)
    }  # fmt: skip


def test_files_that_are_here_need_not_be_sent(api, images_url, project, owner, make_image):
    image, elsewhere = make_image(1), create_project("Elsewhere", by=owner)
    other = Image.objects.get(pk=ingest_photo(elsewhere, "b.jpg", picture_bytes(2)).id)
    answer = api.post(f"{images_url}known/", {"sha256": [image.sha256, other.sha256, "0" * 64]}, format="json")
    assert answer.json()["results"] == [{"id": image.pk, "sha256": image.sha256, "name": image.name}]
    assert api.post(f"{images_url}known/", {"sha256": ["nonsense"]}, format="json").status_code == 400


def outcomes(uid) -> dict[str, str]:
    return dict(IntakeFile.objects.filter(intake__uid=uid).values_list("path", "status"))


def test_what_became_of_each_file_is_kept_where_asked(upload, photo_file, project, annotator):
    uid = uuid4()
    broken = SimpleUploadedFile("b.jpg", b"nothing", "image/jpeg")
    upload(photo_file(1, "a.jpg"), broken, intake=str(uid), path=["Ana/a.jpg", "Ana/b.jpg"], session="Monday")
    assert outcomes(uid) == {"Ana/a.jpg": "created", "Ana/b.jpg": "rejected"}
    upload(photo_file(1, "a.jpg"), intake=str(uid), path=["Ana/a.jpg"])  # the answer was lost, say
    assert outcomes(uid)["Ana/a.jpg"] == "created"
    intake = Intake.objects.get()
    assert (intake.source, intake.session, intake.created_by) == ("browser", "Monday", annotator)


def test_files_that_need_not_be_sent_are_told_as_well(api, images_url, make_image):
    uid, image = uuid4(), make_image(1)
    body = {"sha256": [image.sha256, "0" * 64], "path": ["x/1.jpg", "x/2.jpg"], "intake": str(uid)}
    api.post(f"{images_url}known/", body, format="json")
    assert outcomes(uid) == {"x/1.jpg": "duplicate"}


def test_outcomes_are_never_kept_under_the_intake_of_another_project(upload, photo_file, owner):
    uid = uuid4()
    Intake.objects.create(uid=uid, project=create_project("Elsewhere", by=owner), source="browser", name="x")
    assert upload(photo_file(1), intake=str(uid)).status_code == 409
    assert outcomes(uid) == {}


def test_a_session_and_a_person_may_be_told(upload, photo_file):
    upload(photo_file(1), session="Monday", identity=" ann  lee ")
    upload(photo_file(2), session="Tuesday", identity="Ann Lee")
    assert list(Image.objects.values_list("session", "claimed_identity__name")) == [
        ("Monday", "ann lee"), ("Tuesday", "ann lee")
    ]  # fmt: skip
    assert Identity.objects.count() == 1


def test_a_request_without_a_file_is_told_so(api, images_url):
    for options in ({"data": {}, "format": "multipart"}, {"data": {"file": "text"}, "format": "json"}):
        answer = api.post(images_url, **options)
        assert answer.status_code == 400
        assert "file" in answer.json()["error"]["fields"]


def test_a_file_that_is_too_large_stops_no_other(upload, photo_file, settings):
    settings.INGEST_MAX_BYTES = 2**20
    results = upload(SimpleUploadedFile("big.jpg", b"\xff\xd8" + b"\0" * 2**20), photo_file(1)).json()["results"]
    assert [result["status"] for result in results] == ["rejected", "created"]
    assert "1 MB" in results[0]["reason"]


def test_strangers_upload_nothing(api_for, stranger, images_url, photo_file):
    answer = api_for(stranger).post(images_url, {"file": photo_file(1)}, format="multipart")
    assert answer.status_code == 404
    assert not Image.objects.exists()


def test_a_photo_says_all_that_the_label_screen_needs(api, make_image):
    image = make_image(faces=2, session="Monday")
    body = api.get(reverse("api-image", args=[image.pk])).json()
    assert {
        "id": image.pk, "name": "photo_0.jpg", "sha256": image.sha256, "width": 160, "height": 120,
        "state": "proposed", "version": 2, "session": "Monday", "claimed_identity": None, "note": "",
    }.items() <= body.items()  # fmt: skip
    assert all(address.startswith("/media/") for address in body["urls"].values()) and body["urls"]["large"]
    face = body["faces"][0]
    assert {"box": [10, 20, 24, 30], "landmarks": None, "score": 0.99, "origin": "model", "state": "proposed",
            "who": "unassigned", "identity": None, "version": 1, "suggestions": []}.items() <= face.items()  # fmt: skip
    assert face["crop"].startswith("/media/faces/")
    assert api.get(body["urls"]["small"]).status_code == 200
    assert api.get(face["crop"]).status_code == 200


def test_lists_come_in_pages_that_do_not_shift_when_rows_are_added(api, images_url, upload, photo_file):
    upload(*[photo_file(seed) for seed in range(5)])
    first = api.get(images_url, {"limit": 2}).json()
    upload(photo_file(9))
    second = api.get(first["next"]).json()
    third = api.get(second["next"]).json()
    names = [image["name"] for page in (first, second, third) for image in page["results"]]
    assert names == ["photo_0.jpg", "photo_1.jpg", "photo_2.jpg", "photo_3.jpg", "photo_4.jpg", "photo_9.jpg"]
    assert third["next"] is None
    assert api.get(second["previous"]).json()["results"] == first["results"]


def test_a_list_costs_the_same_number_of_queries_whatever_its_length(api, images_url, make_image,
                                                                     django_assert_max_num_queries):  # fmt: skip
    for seed in range(6):
        make_image(seed)
    with django_assert_max_num_queries(8):
        assert len(api.get(images_url).json()["results"]) == 6


def test_lists_are_narrowed_by_what_is_asked(api, images_url, project, annotator, make_image):
    ann = create_identity(project, "Élodie")
    shown, other = make_image(1, session="Monday"), make_image(2)
    face = Face.objects.get(image=shown)
    word = FaceWord(id=face.pk, identity=ann.pk, has_identity=True)
    submit_image(shown, [word], by=annotator, version=shown.version, event_id=uuid4())

    def ids(**asked):
        return [image["id"] for image in api.get(images_url, asked).json()["results"]]

    assert ids(state="labelled") == ids(session="Monday") == ids(q="O_1") == [shown.pk]
    assert ids(identity=ann.pk) == ids(identity="éLODIE") == ids(who="assigned") == [shown.pk]
    assert ids(state="proposed") == ids(who="unassigned") == [other.pk]
    assert ids(state="", q="") == [shown.pk, other.pk]
    assert ids(identity="nobody") == ids(session="monday") == []


def test_a_face_says_which_detector_proposed_it_and_how_that_was_set_up(api, owner, project, make_image):
    image = make_image(1)
    word = FaceWord(box=(100, 60, 30, 30))
    submit_image(image, [word], by=owner, version=image.version, event_id=uuid4())
    proposed, drawn = api.get(reverse("api-image", args=[image.pk])).json()["faces"]
    (setup,) = api.get(reverse("api-detectors", args=[project.slug])).json()["results"]
    assert (proposed["detector"], drawn["detector"]) == (setup["id"], None)
    assert (setup["name"], setup["description"]) == ("test", {"name": "test"})
