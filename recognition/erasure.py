"""What an erasure does to what was measured and learnt: figures about the person go, their models are marked."""

import hashlib
import json

from django.utils import timezone

from datasets.models import Version, VersionState
from jobs.work import Work
from labelling import storage
from labelling.erase_words import Names, Texts, register
from labelling.models import Erasure
from recognition.mistakes import LISTS
from recognition.models import (
    CalibrationFit,
    IdentityMetric,
    LookAlike,
    Model,
    Pipeline,
    PromotionEvent,
    Rule,
    Run,
    Suspicion,
)
from recognition.probe_verdicts import forget_people

REGISTERED = (
    Texts(Run, "project_id", ("message",), ("params", "environment", "metrics", "curves")),
    Texts(Model, "project_id", ("name",), ("threshold", "onnx")),
    Texts(PromotionEvent, "project_id", ("reason",), ("verdict",)),
    Texts(IdentityMetric, "run__project_id", (), ("confusions",)),
    Texts(Suspicion, "project_id", (), ("detail",)),
    Texts(CalibrationFit, "project_id", (), ("params",)),
    Texts(Pipeline, "project_id", ("why", "message"), ("verdict",)),
    Texts(Rule, "project_id", ("said",)),
)

# So that nobody is ever taken for a class that is gone.
NEVER = -1e9


def listen() -> None:
    from labelling.erase import add_step

    register(*REGISTERED)
    add_step("recognition", erase_recognition)


def erase_recognition(erasure: Erasure, people: list[int], class_ids: list[int], names: Names, work: Work) -> dict:
    """The step of this layer; done again, it marks what is marked already."""
    held = [
        version.pk
        for version in Version.objects.filter(project=erasure.project, state=VersionState.READY).defer("statistics")
        if any(record["erasure"] == erasure.pk and record["faces"] for record in version.erasures)
    ]
    models = Model.objects.filter(version__in=held)
    runs = Run.objects.filter(version__in=held)
    now = timezone.now()
    with work.chunk():
        LookAlike.objects.filter(identity__in=people).delete()
        LookAlike.objects.filter(other__in=people).delete()
        Suspicion.objects.filter(identity__in=people).delete()
        figures, _ = IdentityMetric.objects.filter(run__project=erasure.project, class_id__in=class_ids).delete()
        models.filter(erased_at=None).update(erased_at=now)
        runs.filter(erased_at=None).update(erased_at=now)
    _forget_checkpoints(runs, work)
    _rewrite_artifacts(erasure, models, names, work)
    for run in runs.exclude(curves={}):
        curves = _without_errors(run.curves, names)
        kept = forget_people(run, class_ids)
        curves = curves | {"verdicts": kept} if kept else curves
        if curves != run.curves:
            with work.chunk(0):
                Run.objects.filter(pk=run.pk).update(curves=curves)
    return {
        "models": [
            {"model": model.pk, "version": model.version.number, "stage": model.stage, "sha256": model.artifact_sha256}
            for model in models.select_related("version").order_by("pk")
        ],
        "runs": sorted(runs.values_list("pk", flat=True)),
        "figures": figures,
    }


def _forget_checkpoints(runs, work: Work) -> None:
    """Of trainings that did not finish: what they had learnt of each person."""
    for run in runs.exclude(checkpoint={}):
        for stored in list(storage.listed(f"{storage.project_prefix(run.project_id)}runs/{run.pk}/")):
            storage.delete(stored.key)
        with work.chunk(0):
            Run.objects.filter(pk=run.pk).update(checkpoint={})


def _rewrite_artifacts(erasure: Erasure, models, names: Names, work: Work) -> None:
    """Some recipes keep a row of numbers for each person, under the name. Both go; the model is marked all the same."""
    for key in set(models.values_list("artifact_key", flat=True)):
        try:
            data = _without_person(storage.get(key), names)
        except storage.ObjectMissing:
            continue
        if data is None:
            continue
        digest = hashlib.sha256(data).hexdigest()
        new_key = f"{storage.project_prefix(erasure.project_id)}models/{digest}.safetensors"
        storage.put(new_key, data)
        with work.chunk(0):
            same = Model.objects.filter(project=erasure.project_id, artifact_key=key)
            same.update(artifact_key=new_key, artifact_sha256=digest)
    # What an interruption left is in no row any more.
    spoken_of = set(Model.objects.filter(project=erasure.project_id).values_list("artifact_key", flat=True))
    for stored in list(storage.listed(f"{storage.project_prefix(erasure.project_id)}models/")):
        if stored.key not in spoken_of and _without_person(storage.get(stored.key), names) is not None:
            storage.delete(stored.key)


def _without_person(data: bytes, names: Names) -> bytes | None:
    """The file of a model without the names and their numbers; None where it has none of them."""
    from safetensors.numpy import load, save  # workers only

    try:
        length = int.from_bytes(data[:8], "little")
        notes = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["facet"])
    except (KeyError, TypeError, ValueError):
        return None
    new = names.without(notes)
    if new == notes:
        return None
    classes, left = notes.get("classes") or [], new.get("classes") or []
    gone = [place for place, (was, now) in enumerate(zip(classes, left, strict=True)) if was != now]
    arrays = {name: array.copy() for name, array in load(data).items()}
    for name, array in arrays.items():
        if array.shape[:1] == (len(classes),):
            array[gone] = NEVER if name == "bias" else 0
    return save(arrays, {"facet": json.dumps(new, sort_keys=True)})


def _without_errors(curves: dict, names: Names) -> dict:
    """Pairs of faces of which one is, or was taken for, a person who goes."""
    shown = {name: curves[name] for name in LISTS if curves.get(name)}
    kept = {name: [row for row in rows if not _speaks_of(row, names)] for name, rows in shown.items()}
    return {**curves, **kept}


def _speaks_of(mistake: dict, names: Names) -> bool:
    return any(names.without(mistake.get(side) or "") != (mistake.get(side) or "") for side in ("truth", "predicted"))
