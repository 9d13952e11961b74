"""From a frozen version to a model and its report. Whatever is repeated gives the same bits and figures."""

import hashlib
import json
import math
import uuid
from collections import Counter

import numpy as np
import pytest

from datasets.splits import SplitPolicy
from jobs.models import Job, State
from jobs.steer import request_cancel
from labelling import storage
from labelling.assign import edit_face
from labelling.claims import accept_claims
from labelling.errors import Refused
from labelling.identities import rename_identity
from labelling.models import Face, Identity
from labelling.projects import create_project
from labelling.submit import FaceWord
from recognition import labelled_faces
from recognition import train as training_module
from recognition.enrolment import Enrolment
from recognition.labelled_faces import load_faces
from recognition.models import Embedding, Model, Run, RunKind, RunState
from recognition.probe_verdicts import read_verdicts
from recognition.rescore import with_todays_names
from recognition.run_again import repetition, run_again
from recognition.runs import TrainParams, start_evaluation, start_training
from recognition.today import score_again, today
from recognition.trained_head import TrainedHead
from recognition.vectors import unit, vectors_of_faces

PHOTOS = {"Ana": 15, "Ben": 15, "Cem": 4}
HARD = 4.0  # so far do faces lie from their person's direction that some are taken for others
QUICK = TrainParams(epochs=4)


@pytest.fixture
def label(add_faces, project):
    """Confirmed faces of three people, one of them with few."""

    def make(project=project, *, backwards=False):
        photos = [(name, number) for name, count in PHOTOS.items() for number in range(count)]
        for name, number in reversed(photos) if backwards else photos:
            look = (sorted(PHOTOS).index(name), number)
            add_faces(f"{name}-{number}", (look, name), spread=HARD, project=project)
        return project

    return make


@pytest.fixture
def train_now(work_off):
    def train(version, params=QUICK, **options):
        run = start_training(version, params=params, **options)
        work_off(version.project, "train", "evaluate")
        run.refresh_from_db()
        return run

    return train


@pytest.fixture
def trained(label, freeze_now, train_now):
    return train_now(freeze_now(label()))


def report_of(run):
    return run.children.get()


def evaluate_again(work_off, version, model):
    run = start_evaluation(version, model)
    work_off(version.project, "evaluate")
    run.refresh_from_db()
    assert run.state == RunState.DONE, run.message
    return run


def per_person(run):
    hidden = {"id", "run_id", "class_id"}
    return [{k: v for k, v in row.items() if k not in hidden} for row in run.identity_metrics.values()]


# ── training ──────────────────────────────────────────────────────────────────────────────────────────────


def test_training_registers_the_model_by_the_hash_of_its_bytes(trained):
    assert (trained.state, trained.job.state) == (RunState.DONE, State.DONE)
    model = trained.model
    data = storage.get(model.artifact_key)
    assert hashlib.sha256(data).hexdigest() == model.artifact_sha256 == trained.job.result["model_sha256"]
    assert TrainedHead.from_bytes(data).weight.shape == (128, 128)
    assert (model.version, model.embedder, model.kind) == (trained.version, "dlib", "arcface_head")


def test_training_writes_down_what_repeats_it(trained):
    assert trained.environment["packages"]["torch"] and trained.environment["embedder"]["name"] == "dlib"
    assert trained.metrics["params"]["seed"] == trained.seed == 1
    curves = trained.curves
    assert curves["epochs"] == list(range(5)) and curves["loss"][0] is None
    assert len({len(curve) for curve in curves.values()}) == 1


def test_training_asks_for_the_evaluation_of_its_model(trained):
    report = report_of(trained)
    assert (report.kind, report.model, report.version) == (RunKind.EVALUATE, trained.model, trained.version)
    assert report.state == RunState.DONE and report.finished_at is not None


def test_the_same_seed_gives_the_same_model_and_figures(trained, train_now):
    again = train_now(trained.version)
    assert again.pk != trained.pk
    assert again.model.artifact_sha256 == trained.model.artifact_sha256
    assert again.curves == trained.curves and again.metrics == trained.metrics
    first, second = report_of(trained), report_of(again)
    assert first.metrics == second.metrics
    assert first.curves == second.curves
    assert per_person(first) == per_person(second)


def test_equal_labels_give_equal_versions_and_figures_whatever_their_order(
    trained, label, owner, freeze_now, train_now
):
    other = train_now(freeze_now(label(create_project("Other order", by=owner), backwards=True)))
    assert other.version.content_hash == trained.version.content_hash
    assert other.model.artifact_sha256 == trained.model.artifact_sha256
    assert report_of(other).metrics == report_of(trained).metrics
    assert per_person(report_of(other)) == per_person(report_of(trained))


def test_a_job_that_is_done_twice_makes_one_model_and_one_evaluation(trained, ask_again, work_off):
    report = report_of(trained)
    before = (report.metrics, report.finished_at, per_person(report))
    ask_again(trained.project, "train", run=trained.pk)
    ask_again(trained.project, "evaluate", run=report.pk)
    assert [job.state for job in work_off(trained.project, "train", "evaluate")] == [State.DONE, State.DONE]
    assert (Model.objects.count(), Run.objects.count()) == (1, 2)
    report = report_of(trained)
    assert (report.metrics, report.finished_at, per_person(report)) == before


def test_a_worker_that_dies_before_it_registers_leaves_one_model_in_the_end(label, freeze_now, work_off, monkeypatch):
    run = start_training(freeze_now(label()), params=QUICK)
    with monkeypatch.context() as dying:

        def dies(*args):
            raise ConnectionError("the machine went down")

        dying.setattr(training_module, "_register", dies)
        (job,) = work_off(run.project, "train")
    assert job.state == State.QUEUED and not Model.objects.exists()
    Job.objects.filter(pk=job.pk).update(not_before=None)
    work_off(run.project, "train")
    run.refresh_from_db()
    assert (run.state, Model.objects.count(), run.children.count()) == (RunState.DONE, 1, 1)


def test_cancelled_training_says_so_and_leaves_no_model(label, freeze_now, work_off, monkeypatch):
    run = start_training(freeze_now(label()), params=QUICK)

    def cancelled_meanwhile(version, embedder):
        request_cancel(Job.objects.get(pk=run.job_id))
        return load_faces(version, embedder)

    monkeypatch.setattr(training_module, "load_faces", cancelled_meanwhile)
    (job,) = work_off(run.project, "train")
    run.refresh_from_db()
    assert job.state == State.CANCELLED
    assert run.state == RunState.FAILED and "Cancelled" in run.message
    assert not Model.objects.exists()


def test_training_cancelled_before_it_began_is_no_longer_waiting(label, freeze_now):
    run = start_training(freeze_now(label()), params=QUICK)
    request_cancel(run.job)
    run.refresh_from_db()
    assert run.state == RunState.FAILED and run.message


def test_one_person_alone_is_refused(project, add_faces, freeze_now):
    for number in range(4):
        add_faces(f"Ana-{number}", ((1, number), "Ana"))
    version = freeze_now(project)
    with pytest.raises(Refused, match="of 1 people; at least 2"):
        start_training(version)
    assert not Run.objects.exists() and not Job.objects.filter(kind="train").exists()


def test_too_few_photos_to_validate_on_are_told(project, add_faces, freeze_now, train_now):
    for person, name in enumerate(("Ana", "Ben")):
        add_faces(name, ((person, 1), name))
    run = train_now(freeze_now(project))
    assert (run.state, run.job.state) == (RunState.FAILED, State.FAILED)
    assert "Label more photos of each person" in run.message


def test_without_test_faces_the_model_is_kept_and_not_evaluated(label, freeze_now, train_now):
    version = freeze_now(label(), policy=SplitPolicy(train=0.8, val=0.2, test=0.0))
    run = train_now(version)
    assert run.state == RunState.DONE and run.model is not None and not run.children.exists()
    run.job.refresh_from_db()
    assert "no test faces" in run.job.log
    with pytest.raises(Refused, match="no named test faces"):
        start_evaluation(version, run.model)


# ── evaluating ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_report_has_every_figure(trained):
    metrics = report_of(trained).metrics
    figures = {"map", "recognition_rate", "cmc", "verification"}
    about = {"gallery", "probes", "identities", "embedder", "model", "named_by", "human"}
    assert set(metrics) == figures | about | {"confusion", "baseline", "chance", "beats_baseline"} | {
        "test_photos_seen_in_training",
        "parts",
        "protocol",
    }
    assert set(metrics["baseline"]) == figures | {"name"}
    assert set(metrics["verification"]) == {"genuine", "impostors", "auc", "eer", "at_fpr"}
    assert [point["max_fpr"] for point in metrics["verification"]["at_fpr"]] == sorted(
        (point["max_fpr"] for point in metrics["verification"]["at_fpr"]), reverse=True
    )
    assert metrics["chance"]["recognition_rate"] == pytest.approx(1 / 3)
    assert (metrics["identities"], metrics["gallery"] + metrics["probes"]) == (3, sum(PHOTOS.values()))


def test_the_recognition_rate_is_what_counting_by_hand_gives(trained, work_off):
    """With a head that bends the space much, so that measuring the frozen vectors instead would be seen."""
    head = TrainedHead(np.random.default_rng(7).normal(size=(128, 128)).astype(np.float32))
    storage.put(trained.model.artifact_key, head.to_bytes())
    report = evaluate_again(work_off, trained.version, trained.model)
    faces = load_faces(trained.version, "dlib")
    vectors = head.project(faces.vectors)
    gallery = [i for i in range(len(faces)) if faces.splits[i] in ("train", "val")]
    means = {name: np.sum([vectors[i] for i in gallery if faces.names[i] == name], axis=0) for name in PHOTOS}
    right, wrong = Counter(), Counter()
    for probe in (i for i in range(len(faces)) if faces.splits[i] == "test"):
        named = max(means, key=lambda name: float(vectors[probe] @ means[name] / np.linalg.norm(means[name])))
        (right if named == faces.names[probe] else wrong)[faces.names[probe]] += 1
    probes = right.total() + wrong.total()
    rate = report.metrics["recognition_rate"]
    assert (rate["correct"], rate["probes"]) == (right.total(), probes)
    assert rate["value"] == pytest.approx(right.total() / probes)
    assert rate["low"] <= rate["value"] <= rate["high"]
    assert report.metrics["baseline"] == trained.children.get().metrics["baseline"]
    assert report.metrics["verification"] != report.metrics["baseline"]["verification"]
    for row in report.identity_metrics.all():
        own = right[row.identity_name] + wrong[row.identity_name]
        assert row.probes == own
        assert row.recognition_rate == row.recall == pytest.approx(right[row.identity_name] / own)


def test_the_pairs_are_all_pairs_of_test_faces(trained):
    metrics = report_of(trained).metrics
    probes = [row.probes for row in report_of(trained).identity_metrics.all()]
    genuine = sum(math.comb(count, 2) for count in probes)
    assert metrics["verification"]["genuine"] == genuine
    assert metrics["verification"]["impostors"] == math.comb(sum(probes), 2) - genuine


def test_a_person_with_too_few_probes_has_no_ap(trained):
    report = report_of(trained)
    rows = {row.identity_name: row for row in report.identity_metrics.all()}
    assert set(rows) == set(PHOTOS)
    assert rows["Cem"].probes < 3 and rows["Cem"].ap is rows["Cem"].ap_low is rows["Cem"].baseline_ap is None
    assert rows["Ana"].probes >= 3 and rows["Ana"].ap_low <= rows["Ana"].ap <= rows["Ana"].ap_high
    mean = report.metrics["map"]
    assert (mean["measured"], mean["too_few"], mean["min_probes"]) == (2, 1, 3)
    assert mean["macro"] == pytest.approx((rows["Ana"].ap + rows["Ben"].ap) / 2)


def test_what_is_written_is_strict_json(trained):
    report = report_of(trained)
    for stored in (trained.metrics, trained.curves, report.metrics, report.curves, report.environment):
        json.dumps(stored, allow_nan=False)


def test_mistakes_lead_to_the_faces_they_are_about(trained):
    report = report_of(trained)
    rate = report.metrics["recognition_rate"]
    mistakes = report.curves["mistakes"]
    assert len(mistakes) == rate["probes"] - rate["correct"] > 0
    for mistake in mistakes:
        face = Face.objects.select_related("identity").get(pk=mistake["face_id"])
        nearest = Face.objects.select_related("identity").get(pk=mistake["nearest_face_id"])
        assert (face.identity.name, nearest.identity.name) == (mistake["truth"], mistake["predicted"])
        assert face.image_id == mistake["image_id"]
        # Named by means: a single face of its own may still be nearer than any of the other's.
        assert -1 <= mistake["own_score"] <= 1 and -1 <= mistake["score"] <= 1


def test_test_photos_that_the_model_has_seen_are_counted(trained, freeze_now, work_off):
    other = freeze_now(trained.project, policy=SplitPolicy(seed=5, sticky=False))

    def photos(version, *splits):
        return set(load_faces(version, "dlib").where(*splits).face_ids.tolist())  # one face a photo

    seen = photos(other, "test") & photos(trained.version, "train", "val")
    assert seen
    again = evaluate_again(work_off, other, trained.model)
    assert again.metrics["test_photos_seen_in_training"] == len(seen)
    assert report_of(trained).metrics["test_photos_seen_in_training"] == 0


def test_the_frozen_embedding_alone_can_be_evaluated(trained, work_off):
    plain = evaluate_again(work_off, trained.version, None)
    assert plain.metrics["model"] is None
    assert plain.metrics["map"]["macro"] == plain.metrics["baseline"]["map"]["macro"]
    assert plain.metrics["baseline"] == report_of(trained).metrics["baseline"]


def test_an_evaluation_keeps_to_the_protocol_that_was_asked_for(trained, work_off):
    usual = report_of(trained)
    assert usual.params == {}
    one = start_evaluation(trained.version, trained.model, enrolment=Enrolment("one", apart_sessions=True))
    work_off(trained.project, "evaluate")
    one.refresh_from_db()
    assert one.state == RunState.DONE, one.message
    assert one.metrics["gallery"] == len(PHOTOS) < usual.metrics["gallery"]
    assert one.metrics["probes"] == usual.metrics["probes"]
    assert one.metrics["protocol"]["words"].startswith("gallery of one face a person, never compared with the same")
    assert one.metrics["baseline"]["map"] != usual.metrics["baseline"]["map"]
    assert list(Run.objects.filter(kind=RunKind.EVALUATE).as_usual()) == [usual]


def test_a_version_frozen_as_gallery_and_probes_is_evaluated_so(label, freeze_now, work_off):
    version = freeze_now(label(), policy=SplitPolicy(kind="gallery_probe", gallery=2))
    roles = version.statistics["roles"]
    run = evaluate_again(work_off, version, None)
    assert (run.metrics["gallery"], run.metrics["probes"]) == (roles["gallery"], roles["probe"])
    assert "as the version was frozen" in run.metrics["protocol"]["words"]


def test_a_classifier_is_evaluated_with_the_whole_gallery_only(label, freeze_now, train_now):
    run = train_now(freeze_now(label()), TrainParams(recipe="logistic_regression"))
    assert report_of(run).state == RunState.DONE
    with pytest.raises(Refused, match="classifier"):
        start_evaluation(run.version, run.model, enrolment=Enrolment("one"))


def test_a_model_that_is_gone_from_the_store_is_told(trained, work_off):
    Model.objects.update(artifact_key="projects/0/models/none.safetensors")
    run = start_evaluation(trained.version, Model.objects.get())
    work_off(trained.project, "evaluate")
    run.refresh_from_db()
    assert run.state == RunState.FAILED and "train it again" in run.message


def test_a_version_whose_file_is_not_the_frozen_one_is_told(trained, work_off):
    storage.put(trained.version.key("faces"), b"something else")
    run = start_evaluation(trained.version, trained.model)
    work_off(trained.project, "evaluate")
    run.refresh_from_db()
    assert run.state == RunState.FAILED and "not the file that was frozen" in run.message


def test_an_old_version_gives_the_same_figures_after_labels_moved_on(
    project, owner, add_portrait, freeze_now, train_now, work_off, monkeypatch
):
    """Real pixels: what is not in the database any more is described again from the frozen boxes."""
    for person, name in ((1, "Ana"), (2, "Ben")):
        for photo in (1, 2, 3, 4):
            add_portrait(person, photo, claim=name)
    work_off(project, "propose", "embed")
    assert accept_claims(project, by=owner) == 8
    run = train_now(freeze_now(project))
    report = report_of(run)
    with monkeypatch.context() as untouched:  # as long as nothing moved, nothing is described again
        untouched.delattr(labelled_faces, "embed_boxes")
        before = load_faces(run.version, "dlib")
    test_face, other = (int(before.where(split).face_ids[0]) for split in ("test", "train"))

    moved = Face.objects.get(pk=test_face)
    box = (moved.x + 15, moved.y + 15, moved.w - 30, moved.h - 30)
    edit_face(moved, FaceWord(id=moved.pk, box=box), by=owner, version=moved.version, event_id=uuid.uuid4())
    Face.objects.filter(pk=other).delete()
    Identity.objects.filter(name="Ben").update(name="Benedikt")
    back = Face.objects.get(pk=int(before.where("train").face_ids[-1]))
    frozen_box = back.box
    for box in ((5, 5, 60, 60), frozen_box):
        edit_face(back, FaceWord(id=back.pk, box=box), by=owner, version=back.version, event_id=uuid.uuid4())
        back.refresh_from_db()
        work_off(project, "embed")
    assert back.box == frozen_box and back.landmarks is None
    assert Embedding.objects.current("dlib").filter(face=test_face).exists()

    again = evaluate_again(work_off, run.version, run.model)
    now = vectors_of_faces([back.pk], "dlib")[back.pk][2]
    assert not np.allclose(unit(now[None])[0], before.vectors[before.face_ids == back.pk][0], atol=1e-3)
    assert np.array_equal(load_faces(run.version, "dlib").vectors, before.vectors)
    assert again.metrics == report.metrics
    assert per_person(again) == per_person(report)
    new = freeze_now(project)
    assert new.content_hash != run.version.content_hash


# ── errors, and labels that change after the freeze ───────────────────────────────────────────────────────


def test_the_worst_errors_are_pairs_of_faces_ranked_by_how_wrong_they_are(trained):
    report = report_of(trained)
    faces = load_faces(trained.version, "dlib")
    name_of = dict(zip(faces.face_ids.tolist(), faces.names.tolist(), strict=True))
    accepts, rejects = report.curves["false_accepts"], report.curves["false_rejects"]
    assert accepts and rejects
    for row in (*accepts, *rejects):
        assert (name_of[row["face_id"]], name_of[row["nearest_face_id"]]) == (row["truth"], row["predicted"])
    assert all(row["truth"] != row["predicted"] for row in accepts)
    assert all(row["truth"] == row["predicted"] for row in rejects)
    assert [row["score"] for row in accepts] == sorted((row["score"] for row in accepts), reverse=True)
    assert [row["score"] for row in rejects] == sorted(row["score"] for row in rejects)
    assert {row["where"] for row in report.curves["doubts"]} <= {"train", "val", "test"}


def test_what_was_said_of_each_probe_is_kept_and_adds_up(trained):
    report = report_of(trained)
    table = read_verdicts(report)
    assert table.num_rows == report.metrics["probes"] == report.curves["verdicts"]["probes"]
    rank = np.asarray(table["rank"])
    assert (rank == 1).sum() == report.metrics["recognition_rate"]["correct"]
    named, truth = np.asarray(table["named"]), np.asarray(table["class_id"])
    assert ((named == truth) == (rank == 1)).all()
    wrong = {row["face_id"] for row in report.curves["mistakes"]}
    assert wrong == set(np.asarray(table["face_id"])[named != truth].tolist())
    assert ((np.asarray(table["score"]) > np.asarray(table["runner_up"])) == (rank == 1)).all()


def test_a_report_is_scored_again_with_todays_labels(trained, owner, work_off):
    report = report_of(trained)
    before = (report.metrics, report.curves)
    job = score_again(report, by=owner)
    assert score_again(report, by=owner) == job
    work_off(trained.project, "rescore")
    job.refresh_from_db()
    assert job.state == State.DONE, job.message
    for figure in ("map", "recognition_rate", "cmc"):
        assert job.result[figure] == report.metrics[figure]
    assert (job.result["changed"], job.result["gone"]) == (0, 0)

    wrong = report.curves["mistakes"][0]
    face = Face.objects.get(pk=wrong["face_id"])
    right = Identity.objects.get(name=wrong["predicted"])
    word = FaceWord(id=face.pk, identity=right.name, has_identity=True)
    edit_face(face, word, by=owner, version=face.version, event_id=uuid.uuid4())
    told = today(report)
    assert (told["is_stale"], told["changed"], told["result"]["changed"]) == (True, 1, 0)
    score_again(report, by=owner)
    work_off(trained.project, "rescore")
    told = today(report)
    assert (told["is_stale"], told["result"]["changed"]) == (False, 1)
    rate, old = told["result"]["recognition_rate"], report.metrics["recognition_rate"]
    assert (rate["correct"], rate["probes"]) == (old["correct"] + 1, old["probes"])
    report.refresh_from_db()
    assert (report.metrics, report.curves) == before


def test_people_renamed_or_set_aside_since_the_freeze(trained, owner):
    faces = load_faces(trained.version, "dlib")
    ana = Identity.objects.get(name="Ana")
    rename_identity(ana, "Anna", by=owner, event_id=uuid.uuid4())
    face = Face.objects.filter(identity__name="Ben").first()
    edit_face(face, FaceWord(id=face.pk, who="unknown"), by=owner, version=face.version, event_id=uuid.uuid4())
    now, changed, gone = with_todays_names(faces)
    assert (changed, gone) == (0, 1)
    assert set(now.names.tolist()) == set(PHOTOS) and face.pk not in now.face_ids


def test_a_run_that_is_repeated_comes_out_the_same_to_the_last_digit(trained, owner, work_off):
    again = run_again(trained, by=owner)
    work_off(trained.project, "train", "evaluate")
    again.refresh_from_db()
    assert again.state == RunState.DONE and repetition(again).is_identical
    report = run_again(report_of(trained), by=owner)
    work_off(trained.project, "evaluate")
    report.refresh_from_db()
    told = repetition(report)
    assert told.is_identical and not told.elsewhere and told.figures > 500
