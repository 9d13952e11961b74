"""Models with evaluations, as trainings leave them, for the pages of the registry."""

import hashlib


def make_models(name: str, figures: list[tuple[float, float]]) -> dict:
    """A project with a model for each (mAP, the embedding's mAP), evaluated on one version."""
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from datasets.models import Version, VersionState
    from labelling.projects import create_project

    project = create_project(name, by=get_user_model().objects.get(username="admin"))
    people = [{"name": person, "train": 4, "val": 1, "test": 6} for person in ("Ada Ek", "Bo Li")]
    version = Version.objects.create(
        project=project, number=1, state=VersionState.READY, content_hash="c" * 64, frozen_at=timezone.now(),
        statistics={"people": people},
    )  # fmt: skip
    models = [_model(version, seed, *pair) for seed, pair in enumerate(figures, start=1)]
    return {
        "slug": project.slug, "models": [model.pk for model in models],
        "runs": [model.runs.get().pk for model in models],
    }  # fmt: skip


def _model(version, seed: int, mean_ap: float, simple: float):
    import numpy as np
    from django.utils import timezone

    from labelling import storage
    from recognition.models import IdentityMetric, Model, Run, RunKind, RunState
    from recognition.trained_head import TrainedHead
    from tests.recognition.conftest import metrics

    data = TrainedHead(np.random.default_rng(seed).normal(scale=0.01, size=(128, 128)).astype(np.float32)).to_bytes()
    digest = hashlib.sha256(data).hexdigest()
    key = f"projects/{version.project_id}/models/{digest}.safetensors"
    storage.put(key, data)
    model = Model.objects.create(
        project=version.project, name=f"ArcFace head over frozen embeddings, version {version.number}",
        kind="arcface_head", embedder="dlib", version=version, artifact_key=key, artifact_sha256=digest,
    )  # fmt: skip
    run = Run.objects.create(
        project=version.project, kind=RunKind.EVALUATE, version=version, model=model, state=RunState.DONE,
        metrics=metrics((0.93, mean_ap), (0.9, simple), model=model.name), curves=_curves(),
        environment={"latency": {"median_ms": 38.2, "faces": 9}}, finished_at=timezone.now(),
    )  # fmt: skip
    for number, person in enumerate(("Ada Ek", "Bo Li")):
        IdentityMetric.objects.create(
            run=run, identity_name=person, class_id=number, gallery=5, probes=6, ap=mean_ap - 0.1 * number,
            baseline_ap=simple,
        )  # fmt: skip
    return model


def _curves() -> dict:
    import numpy as np

    from recognition.metrics.roc import roc_curve
    from recognition.operating import operating_points
    from tests.recognition.conftest import curves

    rng = np.random.default_rng(1)
    roc = roc_curve(rng.normal(0.8, 0.06, 400), rng.normal(0.6, 0.06, 20_000))
    return {**curves(), "operating": operating_points(roc)}


def threshold(model_id: int) -> dict | None:
    from recognition.models import Model

    return Model.objects.get(pk=model_id).threshold


def stages(slug: str) -> list[str]:
    from recognition.models import Model

    return list(Model.objects.filter(project__slug=slug).order_by("pk").values_list("stage", flat=True))


def make_search(name: str) -> dict:
    """A training that searched for its parameters in nine trials, one of which failed; and one that waits."""
    from django.utils import timezone

    from datasets.models import Version
    from recognition.models import Run, RunKind, RunState
    from recognition.runs import TrainParams, start_training

    version = Version.objects.get(project__slug=make_models(name, [])["slug"])
    waiting = start_training(version, params=TrainParams(trials=9))
    trials = []
    for number in range(1, 10):
        values = {"learning_rate": [3e-4, 2.31e-3, 4.4e-5][number % 3], "margin": 40 / number, "scale": 14.0 * number}
        row = {"number": number, "params": values, "val_map": 0.9 + 0.003 * number}
        row |= {"val_recognition_rate": 0.9, "best_epoch": number, "epochs_run": 20}
        trials.append(row)
    trials[8] |= {"val_map": None, "said": "Checked before training, and stopped: Learns one batch by heart."}
    trials[7]["val_map"], trials[2]["val_map"] = 0.91, 0.927
    run = Run.objects.create(
        project=version.project, kind=RunKind.TRAIN, version=version, state=RunState.DONE, params=waiting.params,
        trials=trials, finished_at=timezone.now(),
        metrics={"best_epoch": 2, "epochs_run": 4, "val_map": 0.927, "val_recognition_rate": 0.95, "trials": 9,
                 "best_trial": 3, "start": {"val_map": 0.9, "val_recognition_rate": 0.94}},
        curves={"epochs": [0, 1, 2, 3, 4], "loss": [None, 3, 2, 1, 1], "val_map": [0.9, 0.91, 0.927, 0.92, 0.92],
                "val_recognition_rate": [0.94, 0.94, 0.95, 0.94, 0.95]},
    )  # fmt: skip
    return {"slug": version.project.slug, "run": run.pk, "waiting": waiting.pk}
