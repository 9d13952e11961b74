"""The annotator's loop over the API: next photo, submit, edit, name many, take back."""

from uuid import uuid4

import pytest
from django.urls import reverse

from labelling.identities import create_identity
from labelling.models import Event, Face, Identity, Image, Lease, Suggestion


@pytest.fixture
def api(api_for, annotator):
    return api_for(annotator)


def post(api, name: str, thing, body: dict | None = None):
    return api.post(reverse(f"api-{name}", args=[thing]), body or {}, format="json")


def words(image: dict, *faces: dict, **more) -> dict:
    return {"version": image["version"], "event_id": str(uuid4()), "faces": list(faces), **more}


def test_the_whole_loop(api, project, make_image):
    make_image(1), make_image(2)
    leased = post(api, "queue-next", project.slug).json()
    assert set(leased) == {"lease", "until", "purpose", "image", "faces", "waiting", "remarks"}
    assert leased["waiting"] == 2
    image, (face,) = leased["image"], leased["faces"]
    assert "faces" not in image
    done = post(
        api, "submit", image["id"], words(image, {"id": face["id"], "identity": {"name": "Ann"}}, lease=leased["lease"])
    )
    assert done.status_code == 200
    body = done.json()
    assert (body["image"]["state"], body["image"]["version"]) == ("labelled", image["version"] + 1)
    assert (body["faces"][0]["identity"]["name"], body["faces"][0]["who"]) == ("Ann", "assigned")
    following = post(api, "queue-next", project.slug, {"after": image["id"]}).json()
    assert following["image"]["id"] != image["id"] and following["waiting"] == 1
    second = following["image"]
    post(api, "submit", second["id"], words(second, {"id": following["faces"][0]["id"], "state": "rejected"}))
    assert post(api, "queue-next", project.slug).status_code == 204


def test_two_annotators_get_two_photos(api, api_for, reviewer, project, make_image):
    make_image(1), make_image(2)
    mine = post(api, "queue-next", project.slug).json()["image"]["id"]
    theirs = post(api_for(reviewer), "queue-next", project.slug).json()["image"]["id"]
    assert mine != theirs


def test_leases_are_renewed_and_released(api, api_for, reviewer, project, make_image):
    image = make_image(1)
    leased = post(api, "queue-open", project.slug, {"image": image.pk}).json()
    assert leased["image"]["id"] == image.pk
    renewed = post(api, "lease-renew", leased["lease"])
    assert renewed.status_code == 200 and renewed.json()["until"] >= leased["until"]
    for verb in ("lease-renew", "lease-release"):  # it is not theirs
        assert post(api_for(reviewer), verb, leased["lease"]).status_code == 404
    assert Lease.objects.exists()
    assert post(api, "lease-release", leased["lease"]).status_code == 204
    assert not Lease.objects.exists()
    assert post(api, "lease-renew", leased["lease"]).json()["error"]["fields"] == {"lease": ["Gone."]}


def test_faces_as_read_can_be_sent_back_and_nothing_changes(api, project, make_image):
    image = make_image(1, faces=5)
    faces = list(image.faces.order_by("pk"))
    ann = create_identity(project, "Ann")
    Suggestion.objects.create(face=faces[0], rank=1, identity=ann, probability=0.9, model_name="test")
    Face.objects.filter(pk=faces[1].pk).update(landmarks=[10.5 + n for n in range(10)])
    body = api.get(reverse("api-image", args=[image.pk])).json()
    said = [
        {"id": faces[1].pk, "identity": "Ann"}, {"id": faces[2].pk, "who": "unknown"},
        {"id": faces[3].pk, "state": "rejected"}, {"uid": str(uuid4()), "box": [33.333, 81.119, 20.055, 20.5]},
    ]  # fmt: skip
    post(api, "submit", image.pk, words(body, *said))
    read = api.get(reverse("api-image", args=[image.pk])).json()
    assert post(api, "submit", image.pk, words(read, *read["faces"])).status_code == 200
    again = api.get(reverse("api-image", args=[image.pk])).json()
    assert again["state"] == read["state"] == "proposed"
    for face in (*read["faces"], *again["faces"]):
        face.pop("version")
    assert again["faces"] == read["faces"]
    assert Identity.objects.count() == 1


def test_a_repeated_submit_answers_the_same(api, make_image):
    image = make_image(1)
    body = words({"version": image.version}, {"uid": str(uuid4()), "box": [1, 1, 9, 9], "identity": "Ann"})
    first, again = post(api, "submit", image.pk, body), post(api, "submit", image.pk, body)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert (image.faces.count(), Event.objects.count()) == (2, 1)


@pytest.mark.parametrize("as_id", [lambda pk: pk, lambda pk: {"id": pk}, lambda pk: {"id": str(pk), "name": "ignored"}])
def test_a_person_may_be_given_by_number(api, project, make_image, as_id):
    ann = create_identity(project, "Ann")
    image = make_image(1)
    face = {"id": image.faces.get().pk, "identity": as_id(ann.pk)}
    assert post(api, "submit", image.pk, words({"version": image.version}, face)).status_code == 200
    assert image.faces.get().identity == ann
    assert Identity.objects.count() == 1


def test_a_box_may_be_an_object(api, make_image):
    image = make_image(1)
    face = {"uid": str(uuid4()), "box": {"x": 1, "y": 2, "w": 9, "h": 8}}
    post(api, "submit", image.pk, words({"version": image.version}, face))
    assert image.faces.latest("pk").box == (1, 2, 9, 8)


def test_fields_that_are_not_ones_to_say_are_ignored(api, owner, make_image):
    image = make_image(1)
    face = image.faces.get()
    mine = {"project": 999, "image": 999, "origin": "human", "score": 1, "image_w": 9999, "version": 77, "quality": 1,
            "updated_by": owner.pk, "identity_id": 1, "model_name": "x"}  # fmt: skip
    post(api, "submit", image.pk, words({"version": image.version}, {"id": face.pk, "state": "confirmed", **mine}))
    row = Face.objects.values("project", "image", "origin", "score", "image_w", "version", "quality").get()
    assert row == {"project": image.project_id, "image": image.pk, "origin": "model", "score": 0.99, "image_w": 160,
                   "version": 2, "quality": None}  # fmt: skip


def test_one_face_is_read_and_edited(api, make_image):
    face = make_image(1).faces.get()
    url = reverse("api-face", args=[face.pk])
    read = api.get(url).json()
    edited = api.patch(url, {"version": read["version"], "event_id": str(uuid4()), "identity": "Ann"}, format="json")
    assert edited.status_code == 200
    assert (edited.json()["identity"]["name"], edited.json()["state"]) == ("Ann", "confirmed")
    stale = api.patch(url, {"version": read["version"], "event_id": str(uuid4()), "who": "ignored"}, format="json")
    assert stale.status_code == 409
    assert (stale.json()["error"]["code"], stale.json()["current"]["identity"]["name"]) == ("stale", "Ann")


def test_an_edit_speaks_of_no_face_but_its_own(api, make_image):
    one, two = make_image(1, faces=2).faces.order_by("pk")
    body = {"id": two.pk, "uid": str(two.uid), "version": 1, "event_id": str(uuid4()), "who": "unknown"}
    api.patch(reverse("api-face", args=[one.pk]), body, format="json")
    assert list(Face.objects.order_by("pk").values_list("who", flat=True)) == ["unknown", "unassigned"]


def test_many_faces_get_one_name_once(api, project, make_image):
    ids = [make_image(seed).faces.get().pk for seed in (1, 2, 3)]
    body = {"faces": ids, "identity": "Ann", "event_id": str(uuid4())}
    first, again = post(api, "assign", project.slug, body), post(api, "assign", project.slug, body)
    assert first.status_code == 200
    assert first.json()["assigned"] == 3 and first.json() == again.json()
    assert Identity.objects.with_face_counts().get().face_count == 3
    assert Event.objects.count() == 1


def test_assigning_foreign_faces_changes_nothing(api_for, stranger, make_image):
    from labelling.projects import create_project

    face = make_image(1).faces.get()
    elsewhere = create_project("Elsewhere", by=stranger)
    body = {"faces": [face.pk], "identity": "Eve", "event_id": str(uuid4())}
    assert post(api_for(stranger), "assign", elsewhere.slug, body).status_code == 400
    assert Face.objects.get().identity is None
    assert not Event.objects.exists()


def test_undo_gives_the_photo_back_as_it_was(api, make_image):
    image = make_image(1)
    before = api.get(reverse("api-image", args=[image.pk])).json()
    event = post(api, "submit", image.pk, words(before, {"id": before["faces"][0]["id"], "state": "rejected"})).json()
    undone = post(api, "undo", event["event"])
    assert undone.status_code == 200 and undone.json()["undone"] == event["event"]
    after = undone.json()["image"]
    assert (after["state"], after["faces"][0]["state"]) == ("proposed", "proposed")
    assert post(api, "undo", event["event"]).json()["image"] == after
    assert Image.objects.get().version == after["version"]


def test_undo_is_refused_when_something_built_on_it(api, make_image):
    image = make_image(1)
    face = image.faces.get()
    first = post(api, "submit", image.pk, words({"version": 2}, {"id": face.pk, "identity": "Ann"})).json()
    post(api, "submit", image.pk, words({"version": 3}, {"id": face.pk, "identity": "Bo"}))
    refused = post(api, "undo", first["event"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "stale")


def test_a_reviewer_takes_back_what_an_annotator_did_and_not_the_other_way(api, api_for, reviewer, make_image):
    image = make_image(1)
    theirs = post(api_for(reviewer), "submit", image.pk, words({"version": 2})).json()["event"]
    assert post(api, "undo", theirs).status_code == 403
    mine = post(api, "submit", image.pk, words({"version": 3})).json()["event"]
    assert post(api_for(reviewer), "undo", mine).status_code == 200


def test_a_stranger_takes_nothing_back(api, api_for, stranger, make_image):
    image = make_image(1)
    event = post(api, "submit", image.pk, words({"version": 2})).json()["event"]
    assert post(api_for(stranger), "undo", event).status_code == 404
    assert Image.objects.get().version == 3
