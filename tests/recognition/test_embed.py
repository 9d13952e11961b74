"""Describing faces: one vector for each face, embedder and box, by the real network."""

import uuid

import numpy as np
import pytest

from jobs.models import State
from labelling import storage
from labelling.assign import edit_face
from labelling.models import Face, FaceState
from labelling.submit import FaceWord
from recognition import embed
from recognition.models import Embedding, faces_without_embedding


@pytest.fixture
def faces(project, add_portrait, work_off):
    """Three people's proposed faces, not described yet."""
    for person in (1, 2, 3):
        add_portrait(person)
    work_off(project, "propose")
    return list(Face.objects.order_by("pk"))


def say(face, owner, **word):
    face.refresh_from_db()
    edit_face(face, FaceWord(id=face.pk, **word), by=owner, version=face.version, event_id=uuid.uuid4())


def vectors():
    return {row.face_id: np.asarray(row.vector, np.float32) for row in Embedding.objects.all()}


def test_every_face_gets_one_unit_vector_of_its_box(project, faces, work_off):
    (job,) = work_off(project, "embed")
    assert (job.state, job.done, job.result["embeddings"]) == (State.DONE, 3, 3)
    rows = Embedding.objects.select_related("face")
    assert {row.face_id for row in rows} == {face.pk for face in faces}
    for row in rows:
        assert (row.x, row.y, row.w, row.h) == row.face.box
        assert np.linalg.norm(np.asarray(row.vector, float)) == pytest.approx(1, abs=2e-3)


def test_a_second_run_describes_nothing_again(project, faces, work_off, ask_again):
    work_off(project, "embed")
    before = set(Embedding.objects.values_list("pk", "face"))
    ask_again(project, "embed")
    (job,) = work_off(project, "embed")
    assert job.result["embeddings"] == 0
    assert set(Embedding.objects.values_list("pk", "face")) == before


def test_a_moved_box_is_described_anew_and_only_that_one(project, owner, faces, work_off):
    work_off(project, "embed")
    before, moved = vectors(), faces[1]
    x, y, w, h = moved.box
    say(moved, owner, box=(x + 12, y + 8, w - 16, h - 12))
    (job,) = work_off(project, "embed")
    after = vectors()
    assert job.result["embeddings"] == 1
    assert [pk for pk in before if not np.array_equal(before[pk], after[pk])] == [moved.pk]
    moved.refresh_from_db()
    assert Embedding.objects.current("dlib").filter(face=moved).exists()


def test_what_is_no_face_is_left_out(project, owner, faces, work_off):
    say(faces[0], owner, state=FaceState.REJECTED)
    work_off(project, "embed")
    assert set(vectors()) == {faces[1].pk, faces[2].pk}


def test_faces_deleted_or_moved_meanwhile_do_no_harm(project, owner, faces, work_off, monkeypatch):
    real, gone, moved = embed._embed, faces[0].pk, faces[1]

    def changed_while_looking(*args):
        rows = real(*args)
        if Face.objects.filter(pk=gone).delete()[0]:
            say(moved, owner, box=(30, 30, 90, 110))
        return rows

    monkeypatch.setattr(embed, "_embed", changed_while_looking)
    job = work_off(project, "embed")[0]
    assert job.state == State.DONE
    assert set(vectors()) == {moved.pk, faces[2].pk}
    assert not faces_without_embedding(project.pk, "dlib").exists()


def test_an_unreadable_photo_is_counted_and_the_others_are_described(project, faces, work_off):
    image = faces[0].image
    storage.put(storage.original_key(project.pk, image.sha256), b"no picture")
    (job,) = work_off(project, "embed")
    assert job.state == State.DONE
    assert job.result == {"embeddings": 2, "unreadable_photos": 1}


def test_while_the_store_is_away_the_job_waits(project, faces, work_off, monkeypatch):
    def away(key):
        raise storage.StoreAway("no answer")

    monkeypatch.setattr(storage, "get", away)
    (job,) = work_off(project, "embed")
    assert (job.state, job.setbacks) == (State.QUEUED, 1)
    assert not Embedding.objects.exists()


def test_without_weights_the_job_fails_and_says_what_to_do(project, faces, work_off, monkeypatch, tmp_path):
    monkeypatch.setenv("FACET_FACENET_WEIGHTS", str(tmp_path / "none.pt"))
    project.stored_settings = {"embedder": "facenet"}
    project.save()
    (job,) = work_off(project, "embed")
    assert job.state == State.FAILED
    assert "none.pt" in job.message and "FaceNet weights" in job.message
    assert not Embedding.objects.exists()


def test_new_vectors_ask_for_new_suggestions(project, faces, work_off):
    work_off(project, "embed")
    assert [job.state for job in work_off(project, "suggest")] == [State.DONE]
