"""Each project says which waiting photo comes next; batches and skips come before that."""

from uuid import uuid4

import pytest

from labelling.models import Image, QueueOrder, Skip
from labelling.queue import next_image, release


@pytest.fixture
def order_by(project):
    def choose(order: str) -> None:
        project.stored_settings = {"queue_order": order}
        project.save()

    return choose


def walk(project, user, count: int) -> list[int]:
    """The photos a person is given one after the other, none of them decided."""
    seen, after = [], None
    for _ in range(count):
        lease = next_image(project, user, after=after)
        seen.append(lease.image_id)
        after = lease.image_id
    return seen


def rate(images: list[Image], **by) -> None:
    for name, values in by.items():
        for image, value in zip(images, values, strict=True):
            Image.objects.filter(pk=image.pk).update(**{name: value})


def test_the_least_certain_comes_first(project, annotator, reviewer, make_images, order_by):
    images = make_images(3)
    rate(images, doubt=[0.2, 0.9, 0.5])
    order_by(QueueOrder.DOUBTFUL)
    assert next_image(project, annotator).image_id == images[1].pk
    assert next_image(project, reviewer).image_id == images[2].pk


def test_photos_of_people_who_lack_faces_come_first(project, annotator, make_images, order_by):
    images = make_images(3)
    rate(images, need=[0.0, 0.1, 1.0])
    order_by(QueueOrder.NEEDED)
    assert next_image(project, annotator).image_id == images[2].pk


def test_what_became_more_urgent_is_not_passed_by(project, annotator, make_images, order_by):
    images = make_images(3)
    rate(images, doubt=[0.9, 0.5, 0.1])
    order_by(QueueOrder.DOUBTFUL)
    first = next_image(project, annotator)
    rate(images, doubt=[0.9, 0.5, 1.0])
    assert next_image(project, annotator, after=first.image_id).image_id == images[2].pk


def test_the_random_order_stays_the_same_for_everybody(project, annotator, make_images, order_by):
    images = make_images(4)
    rate(images, lot=[0.7, 0.1, 0.9, 0.3])
    order_by(QueueOrder.SAMPLED)
    assert walk(project, annotator, 5) == [images[place].pk for place in (1, 3, 0, 2, 1)]


def test_equals_come_in_the_order_they_were_taken_in(project, annotator, make_images, order_by):
    images = make_images(2)
    for order in QueueOrder.values:
        order_by(order)
        if order != QueueOrder.SAMPLED:
            lease = next_image(project, annotator)
            assert lease.image_id == images[0].pk
            release(lease.token, annotator)


def test_an_order_nobody_knows_is_the_plain_one(project, annotator, make_images, order_by):
    images = make_images(2)
    order_by("alphabetical")
    assert next_image(project, annotator).image_id == images[0].pk


def test_ones_own_photos_come_first_and_those_of_others_never(project, annotator, reviewer, make_images):
    anybody, mine, theirs = make_images(3)
    Image.objects.filter(pk=mine.pk).update(assigned_to=annotator)
    Image.objects.filter(pk=theirs.pk).update(assigned_to=reviewer)
    assert walk(project, annotator, 2) == [mine.pk, anybody.pk]
    Image.objects.filter(pk__in=[mine.pk, anybody.pk]).delete()
    assert next_image(project, annotator) is None


@pytest.mark.parametrize("order", QueueOrder.values)
def test_skipped_photos_come_last_to_who_skipped_them_and_first_to_others(
    project, annotator, reviewer, make_images, order_by, order
):
    skipped, other = make_images(2)
    rate([skipped, other], doubt=[1, 0], need=[1, 0], lot=[0, 1])
    order_by(order)
    Skip.objects.create(image=skipped, user=annotator, reason="Too dark")
    assert walk(project, annotator, 2) == [other.pk, skipped.pk]
    Image.objects.filter(pk=other.pk).delete()
    release(next_image(project, annotator).token, annotator)
    assert next_image(project, reviewer).image_id == skipped.pk


def test_photos_one_has_labelled_blindly_are_not_given_again(project, annotator, reviewer, make_images):
    from labelling.models import Opinion

    project.stored_settings = {"overlap": 2}
    project.save()
    first, second = make_images(2)
    Opinion.objects.create(project=project, image=first, user=annotator, faces=[])
    assert next_image(project, annotator).image_id == second.pk
    assert next_image(project, reviewer).image_id == first.pk


def test_the_photo_comes_as_it_stands(project, annotator, make_images):
    from labelling.identities import create_identity

    ann = create_identity(project, "Ann")
    (image,) = make_images(1, claimed_identity=ann, session="Monday")
    lease = next_image(project, annotator)
    assert lease.image == image and lease.image.session == "Monday"
    assert lease.image.claimed_identity.name == "Ann"
    assert lease.token != uuid4() and lease.user == annotator
