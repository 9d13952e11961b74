"""List pages ask the database a known number of questions, however long the list."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.models import Job
from labelling.identities import create_identity
from labelling.loop import loop_steps
from labelling.models import Membership, Role, Suggestion
from labelling.projects import create_project
from labelling.submit import FaceWord, submit_image

# Session, user, project with membership; then what the page itself needs. The strip of the loop comes on top.
OWN_QUERIES = {
    "images": 6, "identities": 5, "jobs": 6, "members": 4, "ingest": 8, "label": 3, "sort": 3, "project": 9, "work": 7,
}  # fmt: skip
# Session, user, project with membership; the person with the merged one and how many faces, faces, suggestions, events,
# people in those; from layers above figures and look-alikes. The strip is three more, two where it was just counted.
PERSON_QUERIES = 10
PROJECT_LIST_QUERIES = 5


def queries_of(client, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


@pytest.fixture
def fill(project, owner, make_user, make_image):
    """Adds some of everything: photos with named and suggested faces, people, members, jobs."""

    def add(start: int, count: int) -> None:
        for seed in range(start, start + count):
            image = make_image(seed=seed, faces=2, session=f"session {seed}")
            identity = create_identity(project, f"Person {seed}")
            named, other = image.faces.all()
            words = [FaceWord(id=named.pk, identity=identity.pk, has_identity=True)]
            submit_image(image, words, by=owner, version=image.version, event_id=uuid4())
            Suggestion.objects.create(face=other, rank=1, identity=identity, probability=0.8, model_name="test")
            Membership.objects.create(user=make_user(f"user{seed}"), project=project, role=Role.ANNOTATOR)
            for state in ("queued", "done"):
                Job.objects.create(kind="ingest", title="x", project_id=project.pk, state=state, created_by=owner)

    return add


def test_project_pages_ask_a_fixed_number_of_questions(fill, project, owner, client_for):
    client = client_for(owner)
    with CaptureQueriesContext(connection) as strip:
        loop_steps(project)
    urls = {page: reverse(page, args=[project.slug]) for page in OWN_QUERIES}
    fill(0, 2)
    few = {page: queries_of(client, url) - len(strip) for page, url in urls.items()}
    fill(10, 4)
    many = {page: queries_of(client, url) - len(strip) for page, url in urls.items()}
    assert few == many
    assert many == OWN_QUERIES


def test_the_page_of_a_person_asks_a_fixed_number_of_questions(fill, project, owner, client_for, make_image):
    client = client_for(owner)
    fill(0, 1)
    identity = project.identities.get()
    url = reverse("identity", args=[project.slug, identity.pk])
    with CaptureQueriesContext(connection) as strip:
        loop_steps(project)
    assert len(strip) == 3 and queries_of(client, url) == PERSON_QUERIES + len(strip)
    for seed in (1, 2, 3):
        image = make_image(seed=seed, faces=1)
        words = [FaceWord(id=image.faces.get().pk, identity=identity.pk, has_identity=True)]
        submit_image(image, words, by=owner, version=image.version, event_id=uuid4())
        waits = make_image(seed=seed + 10, faces=1).faces.get()
        Suggestion.objects.create(face=waits, rank=1, identity=identity, probability=0.8, model_name="test")
    assert queries_of(client, url) == PERSON_QUERIES + len(strip)


def test_the_list_of_projects_asks_no_more_for_many(fill, owner, client_for):
    client = client_for(owner)
    fill(0, 1)
    assert queries_of(client, reverse("projects")) == PROJECT_LIST_QUERIES
    for number in range(5):
        create_project(f"Project {number}", by=owner)
    assert queries_of(client, reverse("projects")) == PROJECT_LIST_QUERIES


def test_a_picture_is_one_question_beside_session_and_user(fill, owner, client_for, project):
    client = client_for(owner)
    fill(0, 1)
    image = project.images.get()
    face = image.faces.first()
    assert queries_of(client, reverse("picture", args=[image.pk, "small", image.sha256[:16]])) == 3
    assert queries_of(client, reverse("crop", args=[face.pk, face.box_key])) == 3


def test_a_large_project_is_not_counted_anew_on_each_page(fill, project, owner, client_for, monkeypatch):
    from django.core.cache import cache

    from labelling import progress

    cache.clear()
    fill(0, 1)
    client, url = client_for(owner), reverse("members", args=[project.slug])
    counted = queries_of(client, url)
    assert queries_of(client, url) == counted
    monkeypatch.setattr(progress, "COUNTED_EACH_TIME", 0)
    queries_of(client, url)
    assert queries_of(client, url) == counted - 1
    cache.clear()
