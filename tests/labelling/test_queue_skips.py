"""Skipping a photo with a reason, freeing one, and taking one over."""

from uuid import uuid4

import pytest
from django.urls import reverse

from labelling.models import Event, Lease, Skip, Verb
from labelling.queue import next_image, open_image
from labelling.skips import skipped
from labelling.undo import undo_event
from tests.together import together


def post(api, name: str, project, **body):
    return api.post(reverse(f"api-queue-{name}", args=[project.slug]), body, format="json")


def test_a_skip_is_remembered_with_its_reason_and_gives_the_photo_up(api_for, annotator, project, make_images):
    (image,) = make_images(1)
    lease = next_image(project, annotator)
    answer = post(
        api_for(annotator), "skip", project, image=image.pk, lease=lease.token, reason="Too  dark", event_id=uuid4()
    )
    event = Event.objects.get(pk=answer.json()["event"])
    assert (event.verb, event.image, event.images, event.after) == (
        Verb.SKIP,
        image,
        [image.pk],
        {"reason": "Too dark"},
    )
    assert not Lease.objects.exists()
    assert [(skip.image, skip.user, skip.reason) for skip in skipped(project)] == [(image, annotator, "Too dark")]


def test_a_repeated_skip_changes_nothing(api_for, annotator, project, make_images):
    (image,) = make_images(1)
    body = {"image": image.pk, "reason": "", "event_id": str(uuid4())}
    api = api_for(annotator)
    assert post(api, "skip", project, **body).json() == post(api, "skip", project, **body).json()
    assert post(api, "skip", project, **{**body, "event_id": str(uuid4())}).status_code == 200
    assert (Skip.objects.count(), Event.objects.count()) == (1, 2)


def test_an_id_of_another_event_is_refused(api_for, annotator, project, make_images):
    first, second = make_images(2)
    body = {"reason": "", "event_id": str(uuid4())}
    api = api_for(annotator)
    post(api, "skip", project, image=first.pk, **body)
    assert post(api, "skip", project, image=second.pk, **body).status_code == 409
    assert Skip.objects.get().image == first


def test_a_skip_can_be_taken_back(annotator, api_for, project, make_images):
    (image,) = make_images(1)
    event = post(api_for(annotator), "skip", project, image=image.pk, event_id=uuid4()).json()["event"]
    undo_event(Event.objects.get(pk=event), by=annotator)
    assert not Skip.objects.exists()


def test_labelled_photos_are_no_longer_listed_as_skipped(annotator, api_for, project, make_images):
    (image,) = make_images(1)
    post(api_for(annotator), "skip", project, image=image.pk, event_id=uuid4())
    image.state = "labelled"
    image.save()
    assert not skipped(project)


@pytest.mark.parametrize(
    ("role", "status"), [("annotator", 403), ("reviewer", 204), ("engineer", 204), ("stranger", 404)]
)
def test_who_may_free_a_photo(request, api_for, owner, project, make_images, role, status):
    (image,) = make_images(1)
    open_image(image, owner)
    assert post(api_for(request.getfixturevalue(role)), "free", project, image=image.pk).status_code == status
    assert Lease.objects.exists() == (status != 204)


@pytest.mark.parametrize(("role", "status"), [("annotator", 403), ("reviewer", 200), ("stranger", 404)])
def test_who_may_take_a_photo_over(request, api_for, owner, project, make_image, role, status):
    image = make_image(1)
    held = open_image(image, owner)
    user = request.getfixturevalue(role)
    assert post(api_for(user), "open", project, image=image.pk, take_over=True).status_code == status
    now = Lease.objects.get()
    assert (now.user == user, now.token != held.token) == (status == 200, status == 200)


def test_the_one_it_was_taken_from_is_told_when_submitting(api_for, annotator, reviewer, project, make_image):
    image = make_image(1)
    api = api_for(annotator)
    lease = post(api, "open", project, image=image.pk).json()
    post(api_for(reviewer), "open", project, image=image.pk, take_over=True)
    word = {"lease": lease["lease"], "version": image.version, "event_id": str(uuid4()), "faces": []}
    answer = api.post(reverse("api-submit", args=[image.pk]), word, format="json")
    assert answer.status_code == 409 and answer.json()["error"]["code"] == "leased"
    assert api.post(reverse("api-lease-renew", args=[lease["lease"]])).status_code == 400


def test_ones_own_photo_needs_no_taking_over(api_for, annotator, project, make_image):
    image = make_image(1)
    first = post(api_for(annotator), "open", project, image=image.pk).json()
    again = post(api_for(annotator), "open", project, image=image.pk).json()
    assert first["lease"] == again["lease"]


@pytest.mark.django_db(transaction=True)
def test_a_skip_and_a_claim_at_once_leave_one_holder(project, annotator, reviewer, make_images):
    from labelling.skips import skip_image

    (image,) = make_images(1)
    next_image(project, annotator)
    results = together(
        lambda: skip_image(image, by=annotator, reason="", event_id=uuid4()), lambda: next_image(project, reviewer)
    )
    assert not [result for result in results if isinstance(result, Exception)]
    assert Lease.objects.filter(user=annotator).count() == 0
