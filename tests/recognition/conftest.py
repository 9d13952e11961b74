"""Versions, models and reports as rows alone: what the pages about runs read. And drawn photos, and labels
with made-up vectors, for the jobs that find, describe, learn and measure."""

import hashlib
import io
from functools import cache

import numpy as np
import pytest
from django.utils import timezone
from pgvector import HalfVector
from PIL import Image as Picture

from datasets.freeze import start_freeze
from datasets.models import Version, VersionState
from jobs.models import Job, State
from jobs.work import perform
from labelling.identities import get_or_create_identity
from labelling.ingest import ingest_photo
from labelling.models import Face, FaceState, Image, ImageState, Origin, Who
from recognition.drawing import draw_portrait
from recognition.models import Embedding, IdentityMetric, Model, Run, RunKind, RunState

HOSTILE = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://example.org")'


@pytest.fixture
def make_version(project):
    def make(project=project, people=(("Ana", 3, 1), ("Ben", 2, 1)), **fields):
        number = Version.objects.filter(project=project).count() + 1
        rows = [{"name": name, "train": train, "val": 0, "test": test} for name, train, test in people]
        ready = {"state": VersionState.READY, "content_hash": f"{number:064x}", "statistics": {"people": rows}}
        return Version.objects.create(project=project, number=number, frozen_at=timezone.now(), **(ready | fields))

    return make


@pytest.fixture
def make_model():
    def make(version, **fields):
        return Model.objects.create(
            project=version.project, name="Head", kind="arcface_head", embedder="dlib", version=version,
            artifact_key="x", artifact_sha256="a" * 64, **fields,
        )  # fmt: skip

    return make


@pytest.fixture
def make_metrics():
    """Figures as `evaluate` writes them: (recognition rate, mAP) of the model and of the baseline."""
    return metrics


def figures(rate: float | None, mean: float | None) -> dict:
    targets = ((0.1, rate), (0.01, rate), (0.001, None))
    return {
        "map": {
            "macro": mean, "weighted": mean, "low": mean and mean - 0.05, "high": mean and mean + 0.03,
            "min_probes": 3, "measured": 2, "too_few": 1,
        },
        "recognition_rate": {
            "value": rate, "low": rate and rate - 0.1, "high": rate and rate + 0.05, "probes": 40, "correct": 36,
            "no_gallery": 0,
        },
        "cmc": [rate, 1.0] if rate else [],
        "verification": {
            "genuine": 50, "impostors": 700, "auc": rate, "eer": rate and 0.04,
            "at_fpr": [
                {
                    "max_fpr": fpr, "tpr": tpr, "threshold": tpr and 0.6, "impostors": 700,
                    "impostors_needed": round(3 / fpr),
                }
                for fpr, tpr in targets
            ],
        },
    }  # fmt: skip


def metrics(own=(0.9, 0.85), simple=(0.8, 0.75), *, beats=True, model="Head") -> dict:
    return {
        "gallery": 120, "probes": 40, "identities": 3, "embedder": "dlib", "model": model,
        **figures(*own),
        "confusion": {
            "threshold": 0.6125, "max_fpr": 0.01, "tp": 45, "fp": 6, "fn": 5, "tn": 694,
            "tpr": 0.9, "fpr": 6 / 700, "precision": 45 / 51, "fnr": 0.1, "tnr": 694 / 700, "f1": 90 / 101,
        },
        "baseline": {"name": "Frozen embedding + nearest mean", **figures(*simple)},
        "chance": {"recognition_rate": 1 / 3},
        "beats_baseline": beats, "parts": [{"name": "size", "title": "Size", "what": "The shorter side.", "rows": [
            part("below 32 px", 3, 9), part("32 to 64 px", 30, 31)
        ]}],
    }  # fmt: skip


def part(words: str, correct: int, probes: int) -> dict:
    return {
        "words": words, "probes": probes, "correct": correct, "value": correct / probes, "low": 0.2, "high": 0.99,
        "map": 0.875, "people": 2,
    }  # fmt: skip


def curves(mistakes=()) -> dict:
    pr = {"recall": [0.2, 0.6, 1.0], "precision": [1.0, 0.9, 0.5]}
    roc = {"fpr": [0.0, 0.01, 1.0], "tpr": [0.5, 0.9, 1.0]}
    return {
        "pr": pr, "baseline_pr": pr, "roc": roc, "baseline_roc": roc, "cmc": [0.9, 1.0], "baseline_cmc": [0.8, 0.95],
        "histogram": {"edges": [-1, 0, 1], "genuine": [1, 49], "impostor": [650, 50]},
        "confusions": [{"truth": HOSTILE, "predicted": "Ben", "count": 2, "share": 0.5}],
        "mistakes": list(mistakes),
    }  # fmt: skip


@pytest.fixture
def make_report(make_version):
    """A finished evaluation with figures of three people, as `evaluate` writes them."""

    def make(version=None, mistakes=(), people=(HOSTILE, "Ben", FORMULA), **fields):
        version = version or make_version()
        done = {"state": RunState.DONE, "metrics": metrics(), "curves": curves(mistakes), "finished_at": timezone.now()}
        run = Run.objects.create(project=version.project, kind=RunKind.EVALUATE, version=version, **(done | fields))
        for number, name in enumerate(people):
            ap = None if number == 2 else 0.5 + 0.3 * (number % 2)
            IdentityMetric.objects.create(
                run=run, identity_name=name, class_id=number, gallery=4, probes=5 - 2 * number if number < 2 else 1,
                ap=ap, ap_low=ap and ap - 0.2, ap_high=ap and ap + 0.1, baseline_ap=ap and 0.6,
                recognition_rate=0.8, precision=0.75, recall=0.8, confusions=[{"name": "Ben", "count": 2}],
            )  # fmt: skip
        return run

    return make


@cache
def portrait(person: int, photo: int = 1) -> bytes:
    """A drawn face of 240 pixels' photo. Of people 1 to 8 the detector finds photos 1 to 4, one face each."""
    out = io.BytesIO()
    Picture.fromarray(draw_portrait(person, photo, (240, 240)).image).save(out, "JPEG", quality=92)
    return out.getvalue()


@pytest.fixture
def add_portrait(project, transactional_db):
    """Take a drawn portrait in. With `claim`, as if it had lain in that person's folder."""

    def add(person, photo=1, *, project=project, claim=None):
        identity = get_or_create_identity(project, claim) if claim else None
        outcome = ingest_photo(project, f"{person}_{photo}.jpg", portrait(person, photo), identity=identity)
        return Image.objects.get(pk=outcome.id)

    return add


@pytest.fixture
def work_off(transactional_db):
    """Do the waiting jobs of these kinds as a worker would; returns them as they ended."""
    import datasets.tasks  # noqa: F401  (registers handlers)
    import recognition.tasks  # noqa: F401

    def work(project, *kinds):
        ended = []
        for kind in kinds:
            waiting = Job.objects.filter(project_id=project.pk, kind=kind, state=State.QUEUED, not_before=None)
            while job := waiting.order_by("pk").first():
                perform(job.pk)
                ended.append(Job.objects.get(pk=job.pk))
        return ended

    return work


@pytest.fixture
def ask_again(transactional_db):
    """A job row as if the work had been asked for once more."""

    def ask(project, kind, **params):
        return Job.objects.create(kind=kind, title=kind, project_id=project.pk, params=params)

    return ask


def looks(person: int, photo: int, *, spread: float = 0.25) -> np.ndarray:
    """A made-up unit vector of 128 numbers: each person has a direction, their faces lie around it."""
    centre = np.random.default_rng(1000 + person).normal(size=128)
    vector = centre / np.linalg.norm(centre)
    away = np.random.default_rng([person, photo]).normal(size=128)
    vector = vector + spread * away / np.linalg.norm(away)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@pytest.fixture
def add_faces(project, transactional_db):
    """A photo row, no pixels, with faces and their vectors.

    Each face is (which vector, name or None): (3, 1) looks like person 3. Faces stand from left to right.
    """

    def add(key, *faces, project=project, claim=None, spread=0.25, size=(640, 480)):
        claimed = get_or_create_identity(project, claim) if claim else None
        open_boxes = any(name is None for _, name in faces)
        image = Image.objects.create(
            project=project, sha256=hashlib.sha256(str(key).encode()).hexdigest(), name=f"{key}.jpg", byte_size=1000,
            format="JPEG", width=size[0], height=size[1], phash=0, sharpness=1.0, brightness=100.0,
            claimed_identity=claimed, state=ImageState.PROPOSED if open_boxes else ImageState.LABELLED,
        )  # fmt: skip
        for place, (look, name) in enumerate(faces):
            box = (40.0 + 250 * place, 200.0, 60.0, 80.0)
            identity = get_or_create_identity(project, name) if name else None
            face = Face.objects.create(
                project=project, image=image, **dict(zip("xywh", box, strict=True)), image_w=size[0], image_h=size[1],
                origin=Origin.MODEL, identity=identity, who=Who.ASSIGNED if name else Who.UNASSIGNED,
                state=FaceState.CONFIRMED if name else FaceState.PROPOSED,
            )  # fmt: skip
            Embedding.objects.create(
                face=face, embedder="dlib", **dict(zip("xywh", box, strict=True)),
                vector=HalfVector(looks(*look, spread=spread)),
            )  # fmt: skip
        return image

    return add


@pytest.fixture
def freeze_now(work_off):
    def freeze(project, **options):
        version = start_freeze(project, **options)
        work_off(project, "freeze")
        return Version.objects.get(pk=version.pk)

    return freeze
