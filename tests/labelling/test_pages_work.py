"""The Work page: who is at what, freeing, the order, batches, skipped photos, speed."""

from uuid import uuid4

import pytest
from django.core.cache import cache
from django.urls import reverse

from labelling.models import Batch, Image, Lease, Project
from labelling.queue import open_image
from labelling.skips import skip_image

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture(autouse=True)
def nothing_kept():
    cache.clear()


@pytest.fixture
def at(project):
    return lambda name, *more: reverse(name, args=[project.slug, *more])


def test_the_page_says_who_works_on_what(project, annotator, reviewer, client_for, make_image, at):
    open_image(make_image(1), annotator)
    text = client_for(reviewer).get(at("work")).text
    assert "photo_1.jpg" in text and "anna" in text and at("work-free", Image.objects.get().pk) in text
    assert "photo_1.jpg" in client_for(annotator).get(at("work-now")).text


def test_only_reviewers_see_the_ways_to_change_things(project, annotator, engineer, client_for, make_image, at):
    open_image(make_image(1), annotator)
    Batch.objects.create(project=project, name="Hall A")
    text = client_for(annotator).get(at("work")).text
    assert "Hall A" in text
    for way in ("work/free", "batches/new", "work/order"):
        assert way not in text
    text = client_for(engineer).get(at("work")).text
    for way in ("work/free", "batches/new", "work/order"):
        assert way in text


def test_an_empty_project_says_what_is_not_there(annotator, client_for, at):
    text = client_for(annotator).get(at("work")).text
    for sentence in ("No photo waits", "Nobody holds a photo", "every waiting photo is for everybody", "was skipped"):
        assert sentence in text
    assert "Nobody has decided anything" in client_for(annotator).get(at("work-pace")).text


def test_a_reviewer_frees_a_photo(annotator, reviewer, client_for, make_image, at):
    image = make_image(1)
    open_image(image, annotator)
    answer = client_for(reviewer).post(at("work-free", image.pk), **HTMX)
    assert "Nobody holds a photo" in answer.text and not Lease.objects.exists()
    assert client_for(reviewer).post(at("work-free", image.pk)).status_code == 302


@pytest.mark.parametrize("name", ["work-free", "batch-new", "work-order"])
def test_annotators_change_nothing(annotator, client_for, make_image, at, name):
    image = make_image(1)
    more = [image.pk] if name == "work-free" else []
    assert client_for(annotator).post(at(name, *more)).status_code == 403


def test_the_order_is_switched_and_other_settings_stay(project, engineer, reviewer, client_for, at):
    project.stored_settings = {"lease_minutes": 9}
    project.save()
    client_for(engineer).post(at("work-order"), {"order": "doubtful"})
    assert Project.objects.get(pk=project.pk).stored_settings == {"lease_minutes": 9, "queue_order": "doubtful"}
    client_for(engineer).post(at("work-order"), {"order": "alphabetical"})
    assert Project.objects.get(pk=project.pk).settings.queue_order == "doubtful"
    assert client_for(reviewer).post(at("work-order"), {"order": "oldest"}).status_code == 403


def test_a_batch_is_made_handed_on_and_given_back(annotator, reviewer, client_for, make_images, at):
    make_images(3)
    client = client_for(reviewer)
    form = {"name": "Hall A", "count": "2", "assigned_to": annotator.pk, "session": "", "q": ""}
    assert "holds 2 photos for anna" in client.post(at("batch-new"), form, follow=True).text
    batch = Batch.objects.get()
    text = client.post(at("batch-change", batch.pk), {"assigned_to": reviewer.pk}, follow=True).text
    assert "for rita now" in text and "0 of 2" in text
    assert Image.objects.filter(assigned_to=reviewer).count() == 2
    assert "2 photos of it went back" in client.post(at("batch-end", batch.pk), follow=True).text
    assert not Image.objects.exclude(assigned_to=None).exists()


def test_what_is_refused_is_said_beside_the_field(reviewer, stranger, client_for, make_images, at):
    make_images(1)
    client = client_for(reviewer)
    form = {"name": "Hall A", "count": "0", "assigned_to": stranger.pk}
    answer = client.post(at("batch-new"), form)
    assert answer.status_code == 200 and answer.context["form"].errors.keys() == {"count", "assigned_to"}
    batch = Batch.objects.create(name="Other", project=Project.objects.get())
    client.post(at("batch-change", batch.pk), {"assigned_to": stranger.pk})
    assert Batch.objects.get().assigned_to is None
    answer = client.post(at("batch-new"), {"name": "Other", "count": "1"})
    assert "already a batch called “Other”" in answer.text


def test_skipped_photos_are_listed_with_their_reason(project, annotator, client_for, make_images, at):
    (image,) = make_images(1)
    skip_image(image, by=annotator, reason="Too dark <b>", event_id=uuid4())
    text = client_for(annotator).get(at("work")).text
    assert "Too dark &lt;b&gt;" in text and f"?image={image.pk}" in text


def test_speed_is_shown_per_person(project, annotator, reviewer, client_for, make_images, at):
    from labelling.models import Event, Verb

    (image,) = make_images(1)
    after = {"faces": [{"id": 1}, {"id": 2}]}
    Event.objects.create(id=uuid4(), project=project, actor=annotator, verb=Verb.SUBMIT, image=image, after=after)
    text = client_for(reviewer).get(at("work-pace")).text
    assert "anna" in text and "Faces a day, oldest first: 0, 0, 0, 0, 0, 0, 2" in text
