"""Taking the source at its word: whose folder a photo lay in is who stands in its middle."""

import uuid

import pytest

from labelling.assign import assign_faces
from labelling.claims import accept_claims
from labelling.identities import get_or_create_identity
from labelling.models import Event, Face, FaceState, ImageState, Who
from labelling.submit import FaceWord, submit_image


def faces(image):
    return list(image.faces.order_by("x"))


def said(image):
    return [(face.state, face.who, face.identity and face.identity.name) for face in faces(image)]


OPEN = (FaceState.PROPOSED, Who.UNASSIGNED, None)


@pytest.fixture
def filed(add_faces):
    """A photo filed under Ana: a bystander at the left edge, her in the middle."""
    return add_faces("filed", ((1, 1), None), ((1, 2), None), claim="Ana")


def test_the_middle_face_is_named_and_the_bystander_is_not(project, owner, filed):
    assert accept_claims(project, by=owner) == 1
    assert said(filed) == [OPEN, (FaceState.CONFIRMED, Who.ASSIGNED, "Ana")]
    filed.refresh_from_db()
    assert filed.state == ImageState.PROPOSED  # the bystander still waits for somebody
    assert Event.objects.get(project=project).actor == owner


def test_a_photo_with_one_face_is_done(project, add_faces):
    image = add_faces("alone", ((1, 1), None), claim="Ana", size=(140, 480))
    accept_claims(project)
    image.refresh_from_db()
    assert image.state == ImageState.LABELLED


def test_accepting_again_names_nobody(project, filed):
    accept_claims(project)
    before = list(Face.objects.order_by("pk").values())
    assert accept_claims(project) == 0
    assert list(Face.objects.order_by("pk").values()) == before


def test_what_people_said_stays(project, owner, filed):
    middle = faces(filed)[1]
    assign_faces(project, [middle.pk], get_or_create_identity(project, "Ben"), by=owner, event_id=uuid.uuid4())
    assert accept_claims(project) == 0
    assert said(filed)[1] == (FaceState.CONFIRMED, Who.ASSIGNED, "Ben")


def test_what_is_no_face_is_passed_over(project, owner, filed):
    _, middle = faces(filed)
    words = [FaceWord(id=middle.pk, state=FaceState.REJECTED)]
    submit_image(filed, words, by=owner, version=filed.version, event_id=uuid.uuid4())
    assert accept_claims(project) == 0  # who is left stands at the edge
    assert said(filed) == [OPEN, (FaceState.REJECTED, Who.UNASSIGNED, None)]


def test_a_photo_without_a_claim_is_untouched(project, add_faces):
    image = add_faces("unfiled", ((1, 1), None), size=(140, 480))
    before = (image.version, image.state, said(image))
    assert accept_claims(project) == 0
    image.refresh_from_db()
    assert (image.version, image.state, said(image)) == before


def test_another_projects_claims_are_left_alone(project, owner, add_faces):
    from labelling.projects import create_project

    other = create_project("Other", by=owner)
    image = add_faces("theirs", ((1, 1), None), claim="Ana", size=(140, 480), project=other)
    assert accept_claims(project) == 0
    assert said(image) == [OPEN]
