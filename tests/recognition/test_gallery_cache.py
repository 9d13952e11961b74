"""What a worker keeps of a project's faces always equals what the database holds."""

import uuid

import numpy as np
import pytest
from pgvector import HalfVector

from labelling.assign import assign_faces, decide_faces
from labelling.identities import get_or_create_identity
from labelling.models import Face
from recognition import gallery_cache
from recognition.gallery_cache import faces_of, gallery_of
from recognition.models import Embedding
from recognition.vectors import read_vectors
from tests.recognition.conftest import looks


@pytest.fixture(autouse=True)
def empty():
    gallery_cache.forget()


@pytest.fixture
def photos(add_faces):
    """Three photos, each with somebody named and somebody who waits."""
    return [add_faces(n, ((n, 1), f"P{n}"), ((n + 10, 1), None)) for n in range(3)]


def check(project) -> None:
    """Everything kept is as a fresh look into the database."""
    known = faces_of(project.pk, "dlib")
    open_faces = Face.objects.in_project(project).waiting() | Face.objects.in_project(project).named()
    ids, vectors = read_vectors(Embedding.objects.current("dlib").filter(face__in=open_faces))
    faces = Face.objects.in_bulk(ids)
    assert known.face_ids.tolist() == ids
    assert np.array_equal(known.vectors, vectors)
    assert known.people.tolist() == [faces[pk].identity_id or 0 for pk in ids]
    assert known.photos.tolist() == [faces[pk].image_id for pk in ids]


def test_named_and_waiting_faces_are_known(project, photos):
    check(project)
    known = faces_of(project.pk, "dlib")
    assert (len(known.named()), len(known.waiting())) == (3, 3)
    face_ids, vectors, people = gallery_of(project.pk, "dlib")
    assert (face_ids.tolist(), vectors.shape) == (known.named().face_ids.tolist(), (3, 128))
    assert set(people) == set(Face.objects.named().values_list("identity", flat=True))


def test_changes_are_followed(project, photos, add_faces):
    check(project)
    waiting = list(Face.objects.waiting().order_by("pk"))
    assign_faces(project, [waiting[0].pk], "Ann", by=None, event_id=uuid.uuid4())
    check(project)
    decide_faces(project, [waiting[1].pk], "rejected", by=None, event_id=uuid.uuid4())
    check(project)
    decide_faces(project, [waiting[0].pk, waiting[1].pk], "unassigned", by=None, event_id=uuid.uuid4())
    check(project)
    add_faces("new", ((20, 1), None))
    check(project)
    assert len(faces_of(project.pk, "dlib")) == 7


def test_changes_without_a_date_are_noticed(project, photos):
    check(project)
    Face.objects.waiting().first().delete()
    check(project)
    Face.objects.named().filter(pk=photos[0].faces.first().pk).update(
        identity=get_or_create_identity(project, "Merged")
    )
    check(project)


def test_a_moved_box_has_no_vector_until_it_is_described_again(project, photos):
    check(project)
    face = photos[0].faces.order_by("pk").first()
    face.x += 5
    face.save()
    Face.objects.filter(pk=face.pk).update(updated_at=photos[0].created_at)
    face.refresh_from_db()
    decide_faces(project, [face.pk], "unassigned", by=None, event_id=uuid.uuid4())
    assert face.pk not in faces_of(project.pk, "dlib").face_ids
    check(project)
    Embedding.objects.filter(face=face).update(x=face.x, vector=HalfVector(looks(40, 1)))
    check(project)
    assert face.pk in faces_of(project.pk, "dlib").face_ids


def test_a_project_without_faces_is_empty(project):
    known = faces_of(project.pk, "dlib")
    assert (len(known), len(known.named())) == (0, 0)


def test_only_what_changed_is_read_again(project, photos, django_assert_num_queries):
    faces_of(project.pk, "dlib")
    with django_assert_num_queries(2):  # faces touched since, and the check of the sums
        faces_of(project.pk, "dlib")


def test_few_projects_are_kept(make_user, photos, project):
    from labelling.projects import create_project

    user = make_user("many")
    for number in range(gallery_cache.PROJECTS + 2):
        faces_of(create_project(f"P{number}", by=user).pk, "dlib")
    assert len(gallery_cache._tables) == gallery_cache.PROJECTS
    check(project)
