"""What an annotator waits for asks the database a known number of questions, however many faces a photo has."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labelling.identities import create_identity
from labelling.models import Suggestion

# Session, user, project with membership, the claim, faces, suggestions, how many wait. Remarks only when there are any.
NEXT_QUERIES = 7
# Session, user, photo; begin, lock, known event, lease, faces, people, rewrite, photo, event, ledger, lease gone,
# commit. What is announced after commit comes on top.
SUBMIT_QUERIES = 15


@pytest.fixture
def leased(api_for, annotator, project, make_image):
    """Asks for the next photo, which has that many faces with suggestions; gives the API, the answer, the queries."""
    api = api_for(annotator)
    people = [create_identity(project, f"Person {number}") for number in range(3)]

    def ask(seed: int, faces: int, **body) -> tuple:
        image = make_image(seed, faces=faces)
        for face in image.faces.all():
            for rank, identity in enumerate(people, start=1):
                Suggestion.objects.create(
                    face=face, rank=rank, identity=identity, probability=1 / rank, similarity=0.5, model_name="test"
                )
        with CaptureQueriesContext(connection) as asked:
            answer = api.post(reverse("api-queue-next", args=[project.slug]), body, format="json")
        return api, answer.json(), len(asked)

    return ask


def submit(api, leased: dict) -> int:
    words = [{"id": face["id"], "identity": face["suggestions"][0]["identity"]} for face in leased["faces"]]
    body = {"lease": leased["lease"], "version": leased["image"]["version"], "event_id": str(uuid4()), "faces": words}
    with CaptureQueriesContext(connection) as asked:
        assert api.post(reverse("api-submit", args=[leased["image"]["id"]]), body, format="json").status_code == 200
    return len(asked)


def test_the_next_photo_asks_the_same_questions_however_many_faces_it_has(leased):
    api, few, asked = leased(1, faces=1)
    assert len(few["faces"]) == 1 and asked == NEXT_QUERIES
    submit(api, few)
    _, many, asked = leased(2, faces=5, after=few["image"]["id"])
    assert len(many["faces"]) == 5 and asked == NEXT_QUERIES


def test_a_submit_asks_the_same_questions_however_many_faces_it_names(leased):
    api, few, _ = leased(1, faces=1)
    assert submit(api, few) == SUBMIT_QUERIES
    api, many, _ = leased(2, faces=5)
    assert submit(api, many) == SUBMIT_QUERIES
