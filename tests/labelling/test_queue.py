"""Photos are handed out to one person each, and come back when they are given up."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from labelling.errors import Leased
from labelling.models import Image, ImageState, Lease, Membership, Role
from labelling.queue import free, held_by_another, next_image, open_image, release, renew
from tests.together import together


def let_expire(lease: Lease) -> None:
    Lease.objects.filter(pk=lease.pk).update(until=timezone.now() - timedelta(seconds=1))


def test_the_oldest_waiting_photo_comes_first(project, annotator, make_images):
    make_images(2, ImageState.NEW)
    make_images(2, ImageState.LABELLED)
    first, _ = make_images(2)
    lease = next_image(project, annotator)
    assert lease.image_id == first.pk
    assert timezone.now() < lease.until <= timezone.now() + timedelta(minutes=5)


def test_nothing_is_handed_out_when_nothing_waits(project, annotator, make_images):
    make_images(2, ImageState.LABELLED)
    assert next_image(project, annotator) is None


def test_photos_of_other_projects_are_not_handed_out(owner, make_images, annotator):
    from labelling.projects import create_project

    make_images(1)
    assert next_image(create_project("Elsewhere", by=owner), owner) is None


def test_two_people_get_different_photos(project, annotator, reviewer, make_images):
    make_images(2)
    mine, theirs = next_image(project, annotator), next_image(project, reviewer)
    assert mine.image_id != theirs.image_id
    assert held_by_another(mine.image, reviewer) == annotator.username
    assert held_by_another(mine.image, annotator) is None


def test_when_all_are_held_there_is_none_left(project, annotator, reviewer, make_images):
    make_images(1)
    next_image(project, annotator)
    assert next_image(project, reviewer) is None


def test_ones_own_photo_is_given_again_under_the_same_lease(project, annotator, make_images):
    make_images(2)
    first, again = next_image(project, annotator), next_image(project, annotator)
    assert (first.image_id, first.token) == (again.image_id, again.token)
    assert again.until >= first.until


def test_an_expired_lease_gives_the_photo_to_the_next_person(project, annotator, reviewer, make_images):
    (image,) = make_images(1)
    old = next_image(project, annotator)
    let_expire(old)
    new = next_image(project, reviewer)
    assert new.image_id == image.pk and new.token != old.token
    assert renew(old.token, annotator) is None
    release(old.token, annotator)
    assert Lease.objects.get().user == reviewer


def test_an_expired_lease_that_nobody_took_can_be_renewed(project, annotator, reviewer, make_images):
    make_images(1)
    lease = next_image(project, annotator)
    let_expire(lease)
    assert renew(lease.token, annotator).until > timezone.now()
    assert next_image(project, reviewer) is None


def test_after_goes_on_behind_and_skipped_photos_come_back_last(project, annotator, make_images):
    images = make_images(3)
    seen = []
    after = None
    for _ in range(4):
        lease = next_image(project, annotator, after=after)
        seen.append(lease.image_id)
        release(lease.token, annotator)
        after = lease.image_id
    assert seen == [image.pk for image in [*images, images[0]]]


def test_the_only_photo_comes_back_even_when_it_was_skipped(project, annotator, make_images):
    (image,) = make_images(1)
    assert next_image(project, annotator, after=image.pk).image_id == image.pk


def test_after_a_photo_that_no_longer_waits_the_next_one_comes(project, annotator, make_images):
    first, second = make_images(2)
    Image.objects.filter(pk=first.pk).update(state=ImageState.LABELLED)
    assert next_image(project, annotator, after=first.pk).image_id == second.pk
    assert next_image(project, annotator, after=10**12).image_id == second.pk


def test_a_chosen_photo_is_leased_whatever_its_state(project, annotator, make_images):
    (image,) = make_images(1, ImageState.LABELLED)
    assert open_image(image, annotator).image_id == image.pk


def test_a_photo_somebody_else_works_on_cannot_be_opened(project, annotator, reviewer, make_images):
    (image,) = make_images(1)
    open_image(image, annotator)
    with pytest.raises(Leased, match="anna is working on this photo") as refusal:
        open_image(image, reviewer)
    assert refusal.value.extra["by"] == "anna"
    assert open_image(image, annotator).user == annotator


def test_released_and_freed_photos_go_to_others(project, annotator, reviewer, make_images):
    (image,) = make_images(1)
    lease = next_image(project, annotator)
    release(lease.token, reviewer)  # not theirs to give up
    assert next_image(project, reviewer) is None
    release(lease.token, annotator)
    assert next_image(project, reviewer).image_id == image.pk
    free(image)
    assert next_image(project, annotator).image_id == image.pk


def test_a_lease_is_renewed_by_its_holder_only(project, annotator, reviewer, make_images):
    make_images(1)
    lease = next_image(project, annotator)
    assert renew(lease.token, reviewer) is None
    assert renew(uuid4(), annotator) is None
    assert renew(lease.token, annotator).until >= lease.until


def test_the_project_says_how_long_a_lease_lasts(project, annotator, make_images):
    project.stored_settings = {"lease_minutes": 60}
    project.save()
    make_images(1)
    lease = next_image(project, annotator)
    assert lease.until > timezone.now() + timedelta(minutes=59)


@pytest.mark.django_db(transaction=True)
def test_twenty_people_at_once_never_get_the_same_photo_and_nobody_goes_away_empty(project, make_images):
    make_images(50)
    users = get_user_model().objects.bulk_create(
        get_user_model()(username=f"annotator {number}", password="!") for number in range(20)
    )
    Membership.objects.bulk_create(Membership(user=user, project=project, role=Role.ANNOTATOR) for user in users)

    def takes_two(user):
        first = next_image(project, user)
        return [first.image_id, next_image(project, user, after=first.image_id).image_id]

    taken = together(*[lambda user=user: takes_two(user) for user in users])
    assert not [error for error in taken if isinstance(error, Exception)]
    assert len({image_id for pair in taken for image_id in pair}) == 40
    assert Lease.objects.count() == 40


@pytest.mark.django_db(transaction=True)
def test_one_photo_opened_by_many_at_once_goes_to_one(project, make_images, make_user):
    (image,) = make_images(1)
    users = [make_user(f"user {number}") for number in range(6)]
    results = together(*[lambda user=user: open_image(image, user) for user in users])
    assert sum(isinstance(result, Lease) for result in results) == 1
    assert sum(isinstance(result, Leased) for result in results) == 5
