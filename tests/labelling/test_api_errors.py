"""Whatever goes wrong, the answer has one shape: a code, a sentence, and the fields it is about."""

import json
from uuid import uuid4

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from labelling import storage
from labelling.models import Face, Image
from labelling.projects import create_project
from labelling.queue import open_image

JSON = "application/json"


def error_of(answer, status: int, code: str) -> dict:
    """The error, checked for its shape."""
    assert answer.status_code == status, answer.content[:500]
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "fields"}
    assert error["code"] == code
    assert error["message"] and isinstance(error["fields"], dict)
    return error


def url(name: str, *args) -> str:
    return reverse(f"api-{name}", args=args)


@pytest.fixture
def image(make_image):
    return make_image(faces=2)


@pytest.fixture
def api(api_for, annotator):
    return api_for(annotator)


@pytest.fixture
def submit(api, image):
    def post(**changes):
        body = {"version": image.version, "event_id": str(uuid4()), "faces": []} | changes
        return api.post(url("submit", image.pk), body, format="json")

    return post


def test_401_for_nobody(project):
    error_of(APIClient().get(url("projects")), 401, "not_authenticated")
    error_of(APIClient().get(url("projects"), headers={"Authorization": "Bearer x"}), 401, "authentication_failed")


def test_403_for_members_below_the_role(api, make_image, api_for, reviewer):
    image = make_image()
    body = {"version": image.version, "event_id": str(uuid4()), "faces": []}
    event = api_for(reviewer).post(url("submit", image.pk), body, format="json").json()["event"]
    error = error_of(api.post(url("undo", event)), 403, "permission_denied")
    assert "reviewer" in error["message"]


@pytest.mark.parametrize(
    ("method", "name", "args"),
    [
        ("get", "image", [987_654]), ("post", "submit", [987_654]), ("get", "face", [987_654]),
        ("patch", "face", [987_654]), ("get", "images", ["nowhere"]), ("post", "undo", [uuid4()]),
        ("get", "job", [987_654]), ("get", "project", ["nowhere"]), ("get", "image", [10**18]),
    ],
)  # fmt: skip
def test_404_for_what_is_not_there(api, method, name, args):
    error_of(getattr(api, method)(url(name, *args)), 404, "not_found")


def test_404_for_what_is_not_ones_own(api_for, stranger, image):
    error_of(api_for(stranger).get(url("image", image.pk)), 404, "not_found")


def test_405_for_a_verb_that_is_not_meant(api, image):
    error_of(api.delete(url("image", image.pk)), 405, "method_not_allowed")
    error_of(api.get(url("submit", image.pk)), 405, "method_not_allowed")


def test_409_for_a_stale_version_with_the_present_state(submit, image):
    submit()
    answer = submit(faces=[{"uid": str(uuid4()), "box": [1, 1, 9, 9]}])
    error_of(answer, 409, "stale")
    current = answer.json()["current"]
    assert (current["id"], current["version"], len(current["faces"])) == (image.pk, image.version + 1, 2)


def test_409_for_a_photo_in_other_hands(submit, api, image, reviewer, project):
    open_image(image, reviewer)
    for answer in (submit(), api.post(url("queue-open", project.slug), {"image": image.pk}, format="json")):
        error_of(answer, 409, "leased")
        assert answer.json()["by"] == "rita"


def test_409_for_an_id_that_was_used(submit, make_image, api):
    event_id = str(uuid4())
    submit(event_id=event_id)
    other = make_image(seed=5)
    body = {"version": other.version, "event_id": event_id, "faces": []}
    error_of(api.post(url("submit", other.pk), body, format="json"), 409, "id_already_used")


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"version": None}, "version", "null"),
        ({"version": "two"}, "version", "integer"),
        ({"event_id": "not a uuid"}, "event_id", "UUID"),
        ({"faces": None}, "faces", "null"),
        ({"faces": {"0": {}}}, "faces", "list"),
        ({"faces": ["face"]}, "faces", "dictionary"),
        ({"faces": [{"state": "maybe"}]}, "faces", "maybe"),
        ({"faces": [{"box": [1, 2, 3]}]}, "faces", "4"),
        ({"faces": [{"box": ["a", 1, 2, 3]}]}, "faces", "number"),
        ({"faces": [{"box": ["nan", 1, 2, 3]}]}, "faces", "number"),
        ({"faces": [{"box": {"x": 1}}]}, "faces", ""),
        ({"faces": [{"identity": {"id": "x"}}]}, "faces", "whole number"),
        ({"faces": [{"identity": []}]}, "faces", "id or name"),
        ({"faces": [{"identity": True}]}, "faces", "id or name"),
        # The bad one comes second: the first says nothing.
        ({"faces": [{"uid": str(uuid4()), "box": [1, 1, 9, 9]}, {"box": "here"}]}, "faces", "list"),
    ],
)
def test_400_names_the_field_whose_shape_is_wrong(submit, image, body, field, words):
    error = error_of(submit(**body), 400, "invalid")
    assert field in error["fields"]
    assert words in error["message"]
    assert image.faces.count() == 2


@pytest.mark.parametrize(
    ("face", "words"),
    [
        ({"id": 987_654, "state": "confirmed"}, "not in this photo"),
        ({"uid": str(uuid4()), "box": [500, 500, 9, 9]}, "inside the image (160 × 120 pixels)"),
        ({"uid": str(uuid4())}, "needs a box"),
        ({"uid": str(uuid4()), "box": [1, 1, 9, 9], "identity": 987_654}, "no person 987654"),
        ({"uid": str(uuid4()), "box": [1, 1, 9, 9], "identity": 10**30}, "no person"),
        ({"uid": str(uuid4()), "box": [1, 1, 9, 9], "identity": "x" * 500}, "120"),
        ({"id": 10**30, "state": "confirmed"}, "not in this photo"),
    ],
)
def test_400_says_what_makes_no_sense_and_stores_nothing(submit, image, face, words):
    good = {"uid": str(uuid4()), "box": [1, 1, 9, 9]}
    error = error_of(submit(faces=[good, face]), 400, "refused")
    assert words in error["message"]
    assert image.faces.count() == 2


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"version": NaN}', b"[1e999999]", b'"text"', b"[1, 2]", b"null"],
)
def test_400_for_a_body_that_is_no_object(api, image, body):
    for name, thing, send in (
        ("submit", image.pk, api.post),
        ("face", image.faces.first().pk, api.patch),
        ("assign", image.project.slug, api.post),
        ("identities", image.project.slug, api.post),
        ("queue-open", image.project.slug, api.post),
    ):
        answer = send(url(name, thing), body, content_type=JSON)
        assert answer.status_code == 400, (name, answer.content[:300])
        assert set(answer.json()["error"]) == {"code", "message", "fields"}


def test_413_for_requests_beyond_the_limits(api, submit, image, photo_file, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    files = {"file": [photo_file(seed) for seed in range(3)]}
    error_of(api.post(url("images", image.project.slug), files, format="multipart"), 413, "too_large")
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000
    error_of(submit(note="x" * 20_000), 413, "too_large")
    assert Image.objects.count() == 1


def test_400_for_more_faces_than_any_photo_has(submit, image):
    error_of(submit(faces=[{"id": 1}] * 2_001), 400, "invalid")


def test_numbers_beyond_all_bounds_are_no_crash(api, image, project):
    huge = 10**30
    face = image.faces.first()
    edit = {"version": huge, "event_id": str(uuid4())}
    assign = {"faces": [huge], "identity": "Ann", "event_id": str(uuid4())}
    error_of(api.patch(url("face", face.pk), edit, format="json"), 409, "stale")
    error_of(api.post(url("assign", project.slug), assign, format="json"), 400, "refused")
    error_of(api.post(url("queue-open", project.slug), {"image": huge}, format="json"), 400, "refused")
    assert api.post(url("queue-next", project.slug), {"after": huge}, format="json").status_code == 200
    assert api.get(url("images", project.slug), {"identity": str(huge)}).json()["results"] == []


@pytest.mark.parametrize("text", ["\0", "a\0b", "%", "_", "\\", "'", "²", "١", "?"])
def test_odd_letters_in_searches_are_only_letters(api, image, project, text):
    for name, fields in (("images", ("q", "session", "identity")), ("identities", ("q", "cursor", "limit"))):
        for field in fields:
            answer = api.get(url(name, project.slug), {field: text})
            assert answer.status_code in {200, 404}, (field, answer.content[:300])


def test_unknown_states_are_refused_by_name(api, project):
    error = error_of(api.get(url("images", project.slug), {"state": "done"}), 400, "refused")
    assert "new, proposed, disputed, labelled" in error["message"]


def test_filters_reach_no_other_fields(api, project, image):
    asked = {"project__name": "x", "created_by__password__startswith": "p", "_connector": "OR", "ordering": "-sha256"}
    assert len(api.get(url("images", project.slug), asked).json()["results"]) == 1


def test_503_when_the_object_store_is_away(api, project, photo_file, monkeypatch):
    def away(*args):
        raise storage.StoreAway("gone")

    monkeypatch.setattr(storage, "put", away)
    answer = api.post(url("images", project.slug), {"file": photo_file(1)}, format="multipart")
    error = error_of(answer, 503, "store_away")
    assert "Try again" in error["message"] and answer["Retry-After"]


def test_errors_are_json_even_when_something_else_is_asked_for(api):
    answer = api.get(url("image", 987_654), headers={"Accept": "text/html"})
    assert answer.status_code in {404, 406}
    assert "error" in json.loads(answer.content)


def test_a_face_of_another_project_is_not_there(api, owner, image):
    elsewhere = create_project("Elsewhere", by=owner)
    face = image.faces.first()
    Face.objects.filter(pk=face.pk).update(project=elsewhere)
    error_of(api.get(url("face", face.pk)), 404, "not_found")
