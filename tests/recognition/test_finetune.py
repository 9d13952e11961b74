"""FaceNet trained on: what each phase touches, what it sees, that it repeats and resumes, and its way as a recipe."""

import cv2
import numpy as np
import pytest
import torch
from facenet_pytorch import InceptionResnetV1
from pgvector import HalfVector
from safetensors.torch import save_file

from labelling.identities import get_or_create_identity
from labelling.models import Face, FaceState, Image, ImageState, Origin, Who
from recognition.drawing import draw_portrait
from recognition.embedders import FaceGeometry, FacenetEmbedder
from recognition.evaluate import scorer_of
from recognition.face_crops import with_vectors_by
from recognition.finetune import Pixels, fine_tune, learn_in, varied
from recognition.heads import Listeners
from recognition.labelled_faces import load_faces
from recognition.measure import compare_vectors, measure
from recognition.models import Embedding, Run, RunState
from recognition.recipe_list import BY_NAME, settled
from recognition.recipes import load_scorer
from recognition.recipes.facenet import artifact
from recognition.recipes.scorer import BadArtifact
from recognition.runs import TrainParams, start_training
from recognition.serving import why_unfit
from recognition.validation import CannotTrain
from tests.recognition.conftest import looks

SIDE, PEOPLE, PHOTOS = 24, 6, 6
SETTINGS = {
    "epochs": 5, "seed": 1,
    **settled(BY_NAME["facenet_tuned"], {"batch_size": 8, "learning_rate": 0.003, "frozen_epochs": 2, "patience": 50}),
}  # fmt: skip


class Tiny(torch.nn.Module):
    """Its last layers are called as FaceNet's."""

    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 5, 2), torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(4)
        )
        self.dropout = torch.nn.Dropout(0.2)
        self.last_linear = torch.nn.Linear(128, 16, bias=False)
        self.last_bn = torch.nn.BatchNorm1d(16)

    def forward(self, x):
        x = self.last_bn(self.last_linear(self.dropout(self.body(x).flatten(1))))
        return torch.nn.functional.normalize(x, dim=1)


class Stopped(Exception):
    pass


@pytest.fixture(scope="module")
def pixels():
    squares, names = [], []
    for person in range(PEOPLE):
        for photo in range(PHOTOS):
            shot = draw_portrait(person, photo, (96, 96))
            x, y, w, h = (int(side) for side in shot.faces[0].box)
            face = shot.image[max(0, y) : y + h, max(0, x) : x + w]
            squares.append(cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
            names.append(f"Person {person}")
    return Pixels(np.stack(squares), np.array(names), np.arange(len(names)) % PHOTOS >= 4)


def tiny():
    torch.manual_seed(3)
    return Tiny()


def tuned(pixels, network=None, resume=None, settings=SETTINGS, **tell):
    return fine_tune(
        network or tiny(), pixels, settings=settings, tell=Listeners(**tell), resume=resume, device="cpu"
    )  # fmt: skip


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# ── how it trains ─────────────────────────────────────────────────────────────────────────────────────────


def test_first_the_last_layer_learns_and_then_all_layers(pixels):
    network, states = tiny(), {0: tiny().state_dict()}

    def keep(epoch, data):
        states[epoch] = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    tuned(pixels, network, state=keep)

    def changed(first, second):
        return {name.split(".")[0] for name, was in states[first].items() if not torch.equal(was, states[second][name])}

    assert changed(0, 2) == {"last_linear", "last_bn"}  # statistics of the others stay as well
    assert changed(2, 3) == {"body", "last_linear", "last_bn"}


def test_it_learns_what_arcface_asks_for(pixels):
    losses = []
    long = SETTINGS | {"epochs": 20, "frozen_epochs": 0, "augment": 0}
    tuned(pixels, settings=long, epoch=lambda report: losses.append(report.loss))
    assert losses[0] is None and losses[-1] < 0.7 * losses[1]


def test_the_same_seed_gives_the_same_weights_and_going_on_gives_them_too(pixels):
    whole = tuned(pixels)
    kept, seen, resumed = {}, [], []

    def keep(epoch, data):
        kept[epoch] = data
        if epoch == 3:
            raise Stopped

    with pytest.raises(Stopped):
        tuned(pixels, state=keep)
    again = tuned(pixels, resume=kept[3], resumed=resumed.append, epoch=lambda report: seen.append(report.epoch))
    assert equal(again.weights, whole.weights) and again.metadata == whole.metadata
    assert resumed == [3] and seen == [0, 1, 2, 3, 4, 5]
    assert tuned(pixels, settings=SETTINGS | {"seed": 2}, resume=kept[3]).metadata != whole.metadata


def test_the_epoch_that_validation_chose_is_the_one_that_is_kept(pixels):
    network, states = tiny(), {}

    def keep(epoch, data):
        states[epoch] = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    reports = []
    result = tuned(pixels, network, state=keep, epoch=reports.append, settings=SETTINGS | {"epochs": 9})
    best = result.metadata["best_epoch"]
    assert equal(result.weights, states[best])
    assert reports[best].mean_ap == result.metadata["val_map"] >= reports[0].mean_ap


def test_it_stops_when_validation_stands_still(pixels):
    still = SETTINGS | {"epochs": 40, "learning_rate": 1e-7, "patience": 2, "frozen_epochs": 1}
    assert tuned(pixels, settings=still).metadata["epochs_run"] < 15


def test_without_validation_faces_some_are_held_back_and_one_person_is_refused(pixels):
    none = np.zeros(len(pixels.names), bool)
    held = tuned(Pixels(pixels.squares, pixels.names, none), settings=SETTINGS | {"epochs": 1})
    assert held.metadata["validation"] == "training faces held back"
    alone = pixels.names == "Person 0"
    with pytest.raises(CannotTrain, match="at least 2 people"):
        tuned(Pixels(pixels.squares[alone], pixels.names[alone], none[alone]))


def test_a_network_that_cannot_learn_is_stopped_by_what_is_checked_before(pixels):
    class Deaf(Tiny):
        def forward(self, x):
            return super().forward(torch.zeros_like(x))

    checks = []
    with pytest.raises(CannotTrain, match="Checked before training"):
        tuned(pixels, Deaf(), checks=checks.extend)
    assert len(checks) == 10 and not all(check.passed for check in checks)


def test_varied_faces_are_mirrored_moved_and_lit_otherwise_and_stay_pictures():
    square = np.tile(np.linspace(40, 200, 32, dtype=np.uint8)[None, :, None], (32, 1, 3))
    seen = [varied(square, np.random.default_rng(seed)) for seed in range(40)]
    assert all(one.shape == square.shape and one.dtype == np.uint8 for one in seen)
    mirrored = [one[:, 0].mean() > one[:, -1].mean() for one in seen]
    assert 8 < sum(mirrored) < 32
    light = [one.mean() / square.mean() for one in seen]
    assert min(light) < 0.9 < 1.1 < max(light)
    assert np.array_equal(varied(square, np.random.default_rng(5)), seen[5])


def test_only_the_last_layer_keeps_statistics_of_its_own_while_the_others_are_frozen():
    network = InceptionResnetV1(pretrained=None)
    learn_in(network, all_layers=False)
    training = {name for name, module in network.named_modules() if module.training}
    learning = {name for name, weight in network.named_parameters() if weight.requires_grad}
    assert training == {"dropout", "last_linear", "last_bn"}
    assert learning == {"last_linear.weight", "last_bn.weight", "last_bn.bias"}


# ── as a recipe ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def weights(tmp_path, monkeypatch):
    torch.manual_seed(7)
    network = InceptionResnetV1(pretrained=None)
    path = tmp_path / "random.safetensors"
    save_file(network.state_dict(), path)
    monkeypatch.setenv("FACET_FACENET_WEIGHTS", str(path))
    return network


def test_the_artifact_is_an_embedder_that_cuts_faces_as_facenet_does(weights, tmp_path):
    shot = draw_portrait(1, 1, (120, 120))
    faces = [FaceGeometry(tuple(shot.faces[0].box))]
    data = artifact(weights.state_dict(), 160)
    mine, theirs = load_scorer("facenet_tuned", data).embedder, FacenetEmbedder()
    assert np.array_equal(mine.embed(shot.image, faces), theirs.embed(shot.image, faces))
    for damaged in (data[:-9], b"", artifact(tiny().state_dict(), 160)):
        with pytest.raises(BadArtifact):
            load_scorer("facenet_tuned", damaged)


@pytest.fixture
def version(project, add_portrait, freeze_now):
    """Three drawn people, six photos each, with their true boxes and made-up vectors."""
    for person, name in enumerate(("Ana", "Ben", "Cem"), start=1):
        identity = get_or_create_identity(project, name)
        for photo in range(6):
            image = add_portrait(person, photo)
            box = dict(zip("xywh", map(float, draw_portrait(person, photo, (240, 240)).faces[0].box), strict=True))
            face = Face.objects.create(
                project=project, image=image, **box, image_w=image.width, image_h=image.height, origin=Origin.HUMAN,
                identity=identity, who=Who.ASSIGNED, state=FaceState.CONFIRMED,
            )  # fmt: skip
            Embedding.objects.create(face=face, embedder="dlib", **box, vector=HalfVector(looks(person, photo)))
            Image.objects.filter(pk=image.pk).update(state=ImageState.LABELLED)
    return freeze_now(project)


@pytest.mark.django_db(transaction=True)
def test_without_weights_a_run_says_where_to_put_them(version, project, work_off, tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_FACENET_WEIGHTS", str(tmp_path / "absent.pt"))
    run = start_training(version, params=TrainParams(recipe="facenet_tuned"))
    work_off(project, "train")
    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert "where the FaceNet weights should be" in run.message and "FACET_FACENET_WEIGHTS" in run.message


@pytest.mark.django_db(transaction=True)
def test_a_tuned_facenet_is_evaluated_by_vectors_of_its_own(version, project, work_off, weights):
    options = {"side": 80, "batch_size": 8, "frozen_epochs": 0}
    run = start_training(version, params=TrainParams(recipe="facenet_tuned", epochs=1, options=options))
    work_off(project, "train", "evaluate")
    run.refresh_from_db()
    assert run.state == RunState.DONE, run.message
    assert len(run.preflight) == 10 and run.curves["epochs"] == [0, 1]
    assert len(run.metrics["pretrained"]["weights_sha256"]) == 64
    report = Run.objects.get(parent=run)
    assert report.state == RunState.DONE, report.message
    faces, embedder = load_faces(version, "dlib"), scorer_of(run.model).embedder
    probes = with_vectors_by(embedder, faces.where("test"), version, lambda done, total: None)
    gallery = with_vectors_by(embedder, faces.where("train", "val"), version, lambda done, total: None)
    own = measure(compare_vectors(gallery, probes, by_template=True), probes, seed=1)
    assert (probes.vectors.shape[1], faces.vectors.shape[1]) == (512, 128)
    assert report.curves["histogram"] == own.histogram and report.metrics["map"]["macro"] == own.ap.macro
    assert "not served" in report.environment["latency"]["reason"]
    assert "makes vectors of its own" in why_unfit(run.model)
