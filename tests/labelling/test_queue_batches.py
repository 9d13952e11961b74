"""Batches: waiting photos given to one person, handed on, and given back."""

import pytest

from labelling.batches import Choice, assign_batch, batches_of, give_back, make_batch
from labelling.errors import Refused
from labelling.models import Batch, Image, ImageState, Remark, RemarkKind
from labelling.projects import remove_member
from labelling.queue import next_image, open_image
from tests.together import together


def test_a_batch_takes_the_first_waiting_photos(project, owner, annotator, make_images):
    make_images(1, ImageState.LABELLED)
    images = make_images(3)
    batch = make_batch(project, " Hall  A ", Choice(2), by=owner, assigned_to=annotator)
    assert batch.name == "Hall A"
    assert list(batch.images.values_list("pk", "assigned_to")) == [(image.pk, annotator.pk) for image in images[:2]]


def test_photos_of_a_session_or_of_a_name(project, owner, make_images):
    make_images(2, session="Monday")
    tuesday = make_images(2, session="Tuesday")
    assert list(make_batch(project, "a", Choice(9, session="Tuesday"), by=owner).images.all()) == tuesday
    assert [image.name for image in make_batch(project, "b", Choice(9, q="1.J"), by=owner).images.all()] == ["1.jpg"]


def test_photos_come_in_the_order_of_the_queue(project, owner, make_images):
    images = make_images(2)
    Image.objects.filter(pk=images[1].pk).update(doubt=1)
    project.stored_settings = {"queue_order": "doubtful"}
    project.save()
    assert make_batch(project, "a", Choice(1), by=owner).images.get() == images[1]


def test_what_somebody_works_on_or_another_batch_holds_is_left_out(project, owner, reviewer, make_images):
    held, batched, free = make_images(3)
    open_image(held, reviewer)
    Image.objects.filter(pk=batched.pk).update(batch=Batch.objects.create(project=project, name="first"))
    assert make_batch(project, "second", Choice(9), by=owner).images.get() == free


def test_an_empty_batch_a_taken_name_and_no_name_are_refused(project, owner, make_images):
    with pytest.raises(Refused, match="No such photo waits"):
        make_batch(project, "a", Choice(9), by=owner)
    make_images(2)
    make_batch(project, "a", Choice(1), by=owner)
    with pytest.raises(Refused, match="already a batch called “a”"):
        make_batch(project, "a", Choice(1), by=owner)
    with pytest.raises(Refused, match="needs a name"):
        make_batch(project, " ", Choice(1), by=owner)
    assert [batch.name for batch in Batch.objects.all()] == ["a"]


def test_what_is_left_is_handed_on_or_given_back(project, owner, annotator, reviewer, make_images):
    done, left = make_images(2)
    batch = make_batch(project, "a", Choice(2), by=owner, assigned_to=annotator)
    Image.objects.filter(pk=done.pk).update(state=ImageState.LABELLED)
    assign_batch(batch, reviewer)
    assert next_image(project, annotator) is None
    assert next_image(project, reviewer).image_id == left.pk
    assert give_back(batch) == 1
    assert Image.objects.get(pk=left.pk).assigned_to is None and not Batch.objects.exists()


def test_a_returned_photo_stays_with_who_has_to_correct_it(project, owner, annotator, reviewer, make_images):
    (image,) = make_images(1)
    batch = make_batch(project, "a", Choice(1), by=owner, assigned_to=annotator)
    Remark.objects.create(
        project=project, image=image, kind=RemarkKind.RETURN, text="Whose?", author=reviewer, to=annotator
    )
    assign_batch(batch, reviewer)
    give_back(batch)
    assert Image.objects.get().assigned_to == annotator


def test_progress_of_a_batch(project, owner, make_images):
    images = make_images(3)
    make_batch(project, "a", Choice(3), by=owner)
    Image.objects.filter(pk=images[0].pk).update(state=ImageState.LABELLED)
    assert [(batch.total, batch.left) for batch in batches_of(project)] == [(3, 2)]


def test_who_leaves_the_project_leaves_their_photos(project, owner, annotator, make_images):
    make_images(1)
    make_batch(project, "a", Choice(1), by=owner, assigned_to=annotator)
    remove_member(project, annotator)
    assert Image.objects.get().assigned_to is None and Batch.objects.get().assigned_to is None


@pytest.mark.django_db(transaction=True)
def test_two_batches_made_at_once_share_no_photo(project, owner, make_images):
    make_images(40)
    made = together(*[lambda name=name: make_batch(project, name, Choice(20), by=owner) for name in "ab"])
    assert not [one for one in made if isinstance(one, Exception)]
    assert Image.objects.filter(batch=None).count() + sum(batch.total for batch in batches_of(project)) == 40
