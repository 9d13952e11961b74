"""The model in production makes the suggestions; without one everything is as the frozen embedding says."""

import hashlib
import uuid

import numpy as np
import pytest

from jobs.models import Job, State
from labelling import storage
from labelling.assign import assign_faces
from labelling.identities import get_or_create_identity
from labelling.models import ClusterRun, Face, Suggestion
from recognition import gallery_cache, serving, suggest
from recognition.calibrations import calibration_for
from recognition.gallery_cache import faces_of
from recognition.gate_evidence import weigh
from recognition.models import CalibrationFit, Model, Stage
from recognition.promotion import CannotCompareYet, promote, roll_back
from recognition.runs import TrainParams, start_training
from recognition.serving import Served, served_now
from recognition.suggest import read_gallery
from recognition.trained_head import TrainedHead
from tests.recognition.conftest import looks

ANA, BEN = 1, 2


@pytest.fixture(autouse=True)
def empty():
    gallery_cache.forget()
    serving.forget()


@pytest.fixture
def add_model(project, make_version):
    """A model whose head moves vectors by a lot, so that it cannot be mistaken for none."""

    def add(seed=1, scale=0.15):
        weight = np.random.default_rng(seed).normal(scale=scale, size=(128, 128)).astype(np.float32)
        data = TrainedHead(weight).to_bytes()
        digest = hashlib.sha256(data).hexdigest()
        storage.put(f"projects/{project.pk}/models/{digest}.safetensors", data)
        return Model.objects.create(
            project=project, name=f"Head {seed}", kind="arcface_head", embedder="dlib", version=make_version(),
            artifact_key=f"projects/{project.pk}/models/{digest}.safetensors", artifact_sha256=digest,
        )  # fmt: skip

    return add


@pytest.fixture
def faces(add_faces, project):
    """Two faces of each person named, three waiting."""
    for person, name in ((ANA, "Ana"), (BEN, "Ben")):
        for photo in range(5):
            add_faces(f"{name}-{photo}", ((person, photo), name if photo < 2 else None))


@pytest.fixture
def work(work_off, project):
    """Do what a promotion asks for."""

    def do():
        Job.objects.filter(project_id=project.pk, state=State.QUEUED).update(not_before=None)
        done = work_off(project, "suggest", "suggest_everywhere")
        assert all(job.state == State.DONE for job in done), [job.message for job in done]
        return done

    return do


def said() -> list[tuple]:
    rows = Suggestion.objects.order_by("face", "rank")
    return list(
        rows.values_list("face", "rank", "identity", "probability", "similarity", "model_name", "model_version")
    )


def head_of(model) -> TrainedHead:
    return TrainedHead.from_bytes(storage.get(model.artifact_key))


def test_suggestions_are_of_the_production_model_and_say_so(faces, project, work, ask_again, add_model):
    ask_again(project, "suggest")
    work()
    before, model = said(), add_model()
    assert before and not any("." in row[-1] for row in before)
    promote(model, reason="A test.")
    work()
    head = head_of(model)
    assert len(said()) == len(before)
    for row in Suggestion.objects.select_related("face__image", "nearest_face__image"):
        photo, nearest = (
            looks(ANA if image.name.startswith("Ana") else BEN, int(image.name[4]))
            for image in (row.face.image, row.nearest_face.image)
        )
        one, other = (head.project(vector[None].astype(np.float16).astype(np.float32)) for vector in (photo, nearest))
        assert row.similarity == pytest.approx(float((one @ other.T).item()), abs=2e-3)
        assert f".{model.artifact_sha256[:8]}-" in row.model_version and row.model_name == "dlib"


def test_rolling_back_brings_the_same_suggestions_back(faces, project, work, ask_again, add_model):
    ask_again(project, "suggest")
    work()
    before = said()
    promote(add_model(), reason="A test.")
    work()
    assert said() != before
    roll_back(project)
    work()
    assert said() == before


def test_a_head_that_changes_nothing_is_named_all_the_same(faces, project, work, ask_again, add_model):
    ask_again(project, "suggest")
    work()
    before, model = said(), add_model(scale=0.0)
    promote(model, reason="A test.")
    work()
    assert [row[:3] for row in said()] == [row[:3] for row in before]
    assert all(model.artifact_sha256[:8] in row[-1] for row in said())


def test_each_model_has_a_calibration_of_its_own(add_faces, project, add_model):
    for person in range(6):
        for photo in range(4):
            add_faces(f"{person}-{photo}", ((person, photo), f"P{person}"), spread=0.6)

    def fitted():
        served = served_now(project)
        gallery = read_gallery(project, served)
        return calibration_for(project, gallery.vectors, gallery.people, gallery.photos, served)

    frozen = fitted()
    model = add_model()
    promote(model, reason="A test.")
    moved = fitted()
    assert moved[0] != frozen[0] and model.artifact_sha256[:8] in moved[1]
    assert fitted() == moved
    roll_back(project)
    assert fitted() == frozen
    assert CalibrationFit.objects.count() == 2


def test_the_cache_gives_what_the_database_gives_through_the_head(faces, project, add_model, monkeypatch):
    promote(add_model(), reason="A test.")
    served = served_now(project)
    anew = read_gallery(project, served)
    monkeypatch.setattr(suggest, "READ_ANEW", 1)
    kept = read_gallery(project, served)
    assert kept.face_ids.tolist() == anew.face_ids.tolist()
    assert np.allclose(kept.vectors, anew.vectors, atol=1e-6)
    assert np.allclose(np.linalg.norm(kept.vectors, axis=1), 1, atol=1e-5)


def test_a_model_goes_from_training_through_the_gate_into_suggestions(add_faces, project, work, work_off, freeze_now):
    """The whole way with real jobs: the second model waits until the first was evaluated on the newer version."""
    for name, person in (("Ana", ANA), ("Ben", BEN), ("Cem", 3)):
        for photo in range(15):
            add_faces(f"{name}-{photo}", ((person, photo), name), spread=4.0)
    add_faces("waits", ((ANA, 99), None), spread=4.0)
    models = []
    for _ in range(2):
        run = start_training(freeze_now(project), params=TrainParams(epochs=3, seed=len(models) + 1))
        work_off(project, "train", "evaluate")
        run.refresh_from_db()
        models.append(run.model)
        add_faces(f"more-{len(models)}", ((BEN, 50), "Ben"), spread=4.0)
    first, second = models
    assert promote(first).verdict["passed"]
    with pytest.raises(CannotCompareYet):
        promote(second)
    (evaluation,) = work_off(project, "evaluate")
    assert evaluation.state == State.DONE
    judged = weigh(second)
    assert not judged.missing and judged.served == first and judged.other.model == first
    promote(second, reason="" if judged.verdict.passed else "Chance decided between two equal heads.")
    work()
    assert Suggestion.objects.exists()
    assert all(f".{second.artifact_sha256[:8]}-" in row[-1] for row in said())


class Counting(Served):
    """Tells how many vectors went through the head."""

    rows = 0

    def project(self, vectors):
        type(self).rows += len(vectors)
        return super().project(vectors)


def test_each_vector_goes_through_the_head_once(faces, add_faces, project, add_model):
    Counting.rows = 0
    model = add_model()
    served = Counting(model.pk, model.artifact_sha256, head_of(model))
    for _ in range(3):
        known = faces_of(project.pk, "dlib", served)
    assert Counting.rows == len(known) == 10
    add_faces("new", ((ANA, 9), None))
    known = faces_of(project.pk, "dlib", served)
    assert Counting.rows == len(known) == 11
    frozen = faces_of(project.pk, "dlib")
    assert np.allclose(served.head.project(frozen.vectors), known.vectors, atol=1e-6)


def test_another_model_and_none_are_never_mixed_up(faces, project, add_model):
    one, two = ((model, head_of(model)) for model in (add_model(1), add_model(2)))
    frozen = faces_of(project.pk, "dlib").vectors
    for model, head in (one, two, one):
        served = Served(model.pk, model.artifact_sha256, head)
        assert np.allclose(faces_of(project.pk, "dlib", served).vectors, head.project(frozen), atol=1e-6)
    assert np.array_equal(faces_of(project.pk, "dlib").vectors, frozen)


def test_groups_are_made_anew_when_another_model_serves(faces, project, work_off, ask_again, add_model):
    ask_again(project, "cluster")
    work_off(project, "cluster")
    assert "model" not in ClusterRun.objects.get().params
    model = add_model(scale=0.02)
    promote(model, reason="A test.")
    Job.objects.filter(state=State.QUEUED).update(not_before=None)
    work_off(project, "cluster")
    assert ClusterRun.objects.first().params["model"] == model.artifact_sha256
    roll_back(project)
    ask_again(project, "rank_clusters")
    (rank,) = work_off(project, "rank_clusters")
    assert rank.result["fresh"] is True


def test_a_model_over_another_embedder_serves_nobody(faces, project, add_model):
    promote(add_model(), reason="A test.")
    project.stored_settings = {"embedder": "facenet"}
    project.save()
    assert served_now(project) is None


def test_a_model_whose_file_is_gone_says_what_to_do(faces, project, ask_again, work_off, add_model):
    model = add_model()
    promote(model, reason="A test.")
    storage.delete(model.artifact_key)
    serving.forget()
    Job.objects.filter(state=State.QUEUED).delete()
    ask_again(project, "suggest")
    (job,) = work_off(project, "suggest")
    assert job.state == State.FAILED and "Roll back, or train it again" in job.message
    roll_back(project)
    assert Model.objects.get().stage == Stage.ARCHIVED


def test_naming_somebody_goes_on_helping_while_a_model_serves(faces, project, work, add_model):
    promote(add_model(scale=0.02), reason="A test.")
    work()
    face = Face.objects.waiting().filter(image__name="Ana-4.jpg").get()
    assert face.suggestions.get(rank=1).identity.name == "Ana"
    cem = get_or_create_identity(project, "Cem")
    other = Face.objects.waiting().filter(image__name="Ana-3.jpg").get()
    assign_faces(project, [other.pk], cem, by=None, event_id=uuid.uuid4())
    work()
    assert {row.identity.name for row in face.suggestions.all()} == {"Ana", "Ben", "Cem"}
