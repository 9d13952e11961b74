"""A decision that is sent again while the first request is still under way is stored once, and answered alike."""

import threading
import uuid

import pytest
from django.db import connection, transaction

from labelling.assign import assign_faces, decide_faces
from labelling.constraints import link_faces
from labelling.identities import create_identity, rename_identity
from labelling.models import Event, Identity, Image
from labelling.submit import FaceWord, submit_image
from tests.together import together, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def waiting_for_a_lock() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("what", ["submit", "assign", "decide", "link", "rename"])
def test_both_requests_get_the_same_answer(project, owner, make_image, what):
    image = make_image(seed=1, faces=2)
    first, second = image.faces.order_by("pk")
    person = create_identity(project, "Ada Ek")
    said = {"by": owner, "event_id": uuid.uuid4()}
    seen = {first.pk: first.version}
    word = FaceWord(id=first.pk, identity=person.pk, has_identity=True)
    send = {
        "submit": lambda: submit_image(image, [word], version=image.version, **said),
        "assign": lambda: assign_faces(project, [first.pk], person, seen=seen, **said),
        "decide": lambda: decide_faces(project, [first.pk], "unknown", seen=seen, **said),
        "link": lambda: link_faces(project, first.pk, second.pk, same=False, **said),
        "rename": lambda: rename_identity(person, "Ada Lovelace", **said),
    }[what]
    is_held = threading.Event()

    def hold_back():
        """Photos and people are in another's hands until both requests have come as far as they get."""
        with transaction.atomic():
            list(Image.objects.select_for_update())
            list(Identity.objects.select_for_update())
            is_held.set()
            wait_until(lambda: waiting_for_a_lock() >= 2, "both requests wait")

    def send_then():
        is_held.wait()
        return send()

    one, other, held = together(send_then, send_then, hold_back)
    assert held is None
    assert one == other == Event.objects.get()
