"""Evaluates a model on a version's test faces, beside the frozen embedding it was built on. Workers only."""

from collections import Counter, defaultdict
from dataclasses import asdict

import numpy as np
from django.utils import timezone

from datasets.models import Version
from jobs.errors import JobFailed
from jobs.work import Work
from labelling import storage
from labelling.models import Face
from recognition.baselines import standing_of
from recognition.by_part import figures_by_part
from recognition.calibrations import fitted_on
from recognition.enrolling import divided, enrolled, has_roles, pair_groups, under
from recognition.enrolment import Enrolment
from recognition.environment import environment_with
from recognition.face_crops import with_crops, with_vectors_by
from recognition.human_level import human_level
from recognition.labelled_faces import LabelledFaces, frozen_rows, load_faces
from recognition.latency import latency
from recognition.measure import (
    Compared,
    Measured,
    compare_vectors,
    confusion_at_strictest,
    confusions,
    curve_points,
    figures,
    measure,
    mistakes,
)
from recognition.metrics.confusion import identity_counts
from recognition.mirrors import mirrored
from recognition.models import IdentityMetric, Model, Run, RunState
from recognition.operating import operating_points
from recognition.pipelines import run_done
from recognition.probe_verdicts import store_verdicts, verdict_table
from recognition.promises import open_set, reliability
from recognition.recipe_list import BY_NAME, NEAREST_FACE, TITLES
from recognition.recipes import load_scorer
from recognition.recipes.metric_head import Head
from recognition.recipes.scorer import BadArtifact, Scorer
from recognition.worst_errors import false_accepts, false_rejects, label_doubts

BASELINE = "Frozen embedding + nearest mean"


def evaluate(run: Run, work: Work) -> dict:
    """Gallery: training and validation faces. Probes: test faces. Writes figures, curves and rows per person."""
    if run.state == RunState.DONE:
        return run.metrics
    embedder = run.model.embedder if run.model else run.project.settings.embedder
    work.progress(done=0, total=4, message="Gathering faces")
    faces = load_faces(run.version, embedder)
    enrolment = Enrolment.of(run.params)
    gallery, probes = divided(faces)
    gallery = enrolled(gallery, enrolment)
    if not len(gallery) or not len(probes):
        raise JobFailed("This version has no named test faces, or nobody to compare them with. Name more and freeze.")
    work.progress(done=1, message="Measuring the baseline")
    simple = under(compare_vectors(gallery, probes, by_template=True), gallery, probes, enrolment)
    groups = pair_groups(probes, enrolment)
    baseline = measure(simple, probes, seed=run.seed, groups=groups)
    work.progress(done=2, message="Measuring the model")
    scorer = scorer_of(run.model) if run.model else None
    compared = compared_by(scorer, run, gallery, probes, work) if scorer else compare_vectors(gallery, probes)
    compared = under(compared, gallery, probes, enrolment)
    measured = measure(compared, probes, seed=run.seed, groups=groups)
    work.progress(done=3, message="Writing the report")
    metrics = _metrics(run, embedder, gallery, probes, measured, baseline)
    metrics["protocol"] = {**asdict(enrolment), "words": enrolment.words(by_roles=has_roles(faces))}
    calibration = fitted_on(faces.vectors, faces.class_ids, faces.photos, embedder)
    curves = _curves(measured, baseline, gallery, probes)
    curves |= _errors(measured, gallery, probes, metrics["confusion"])
    curves["reliability"] = reliability(measured, gallery, probes, embedder)
    curves["open_set"] = open_set(measured, probes)
    curves["doubts"] = label_doubts(faces, calibration)
    rows = _rows(run, measured, baseline, gallery, probes)
    curves["verdicts"] = store_verdicts(run, verdict_table(measured, gallery, probes))
    run.metrics, run.curves, run.environment = metrics, curves, environment_with(embedder)
    run.environment["latency"] = _latency(run, embedder, scorer, gallery)
    with work.chunk():
        _store(run, rows)
    with mirrored(run, work) as mirrors:
        mirrors.log({"test/map": metrics["map"]["macro"], "test/recognition_rate": metrics["recognition_rate"]["value"],
                     "test/auc": metrics["verification"]["auc"]})  # fmt: skip
    rate = metrics["recognition_rate"]["value"]
    said = "" if rate is None else f"Recognition rate {rate:.1%}."
    return {"map": metrics["map"]["macro"], "recognition_rate": rate, "said": said}


def _latency(run: Run, embedder: str, scorer: Scorer | None, gallery: LabelledFaces) -> dict:
    """Of what can serve: the embedding, with or without a head."""
    if scorer is None:
        return latency(run.version, embedder, None, gallery.vectors)
    if isinstance(scorer, Head):
        return latency(run.version, embedder, scorer.trained, scorer.trained.project(gallery.vectors))
    return {"reason": f"“{TITLES[run.model.kind]}” is not served"}


def compared_by(scorer: Scorer, run: Run, gallery: LabelledFaces, probes: LabelledFaces, work: Work) -> Compared:
    """How the run's model sees them, with what its recipe looks at."""

    def tell(done: int, total: int) -> None:
        work.progress(message=f"Cutting faces out of photo {done:,} of {total:,}")

    sees = BY_NAME[run.model.kind].sees
    if sees == "pixels":
        gallery, probes = (with_vectors_by(scorer.embedder, faces, run.version, tell) for faces in (gallery, probes))
    elif sees == "crop":
        gallery, probes = (with_crops(faces, run.version, tell) for faces in (gallery, probes))
    return scorer.compare(gallery, probes)


def scorer_of(model: Model) -> Scorer:
    """Raises JobFailed when the stored model is gone or is none."""
    try:
        return load_scorer(model.kind, storage.get(model.artifact_key))
    except (storage.ObjectMissing, BadArtifact) as error:
        raise JobFailed(f"The model “{model.name}” cannot be read; train it again. {error}") from error


def _metrics(run: Run, embedder: str, gallery, probes, measured: Measured, baseline: Measured) -> dict:
    own, simple = figures(measured), figures(baseline)
    people = len(measured.compared.ranking.identities)
    return {
        "gallery": len(gallery),
        "probes": len(probes),
        "identities": people,
        "embedder": embedder,
        "model": run.model.name if run.model else None,
        "named_by": BY_NAME[run.model.kind].named_by if run.model else NEAREST_FACE,
        "test_photos_seen_in_training": _seen_in_training(run),
        **own,
        "confusion": confusion_at_strictest(measured),
        "baseline": {"name": BASELINE, **simple},
        "chance": {"recognition_rate": 1 / people},
        "human": human_level(run.project),
        "beats_baseline": _beats(own, simple),
        "parts": figures_by_part(measured, gallery, probes),
    }


def _seen_in_training(run: Run) -> int:
    """Test photos that this very model was trained on, when it was trained on another version."""
    if run.model is None or run.model.version_id == run.version_id:
        return 0
    tested = _photos_in(run.version, {"test"})
    return len(tested & _photos_in(run.model.version, {"train", "val"}))


def _photos_in(version: Version, splits: set[str]) -> set[str]:
    rows = frozen_rows(version, "images", ["image_sha256", "split"])
    return {row["image_sha256"] for row in rows if row["split"] in splits}


def _beats(own: dict, simple: dict) -> bool | None:
    """Better in mAP, or as good in mAP and better at rank 1; None where neither can be measured."""
    if any(None in (figure["map"]["macro"], figure["recognition_rate"]["value"]) for figure in (own, simple)):
        return None
    return standing_of(own) > standing_of(simple)


def _curves(measured: Measured, baseline: Measured, gallery, probes) -> dict:
    own, simple = curve_points(measured, probes), curve_points(baseline, probes)
    wrong = mistakes(measured, gallery, probes)
    images = dict(Face.objects.filter(pk__in=[row["face_id"] for row in wrong]).values_list("pk", "image_id"))
    return {
        **own,
        **{f"baseline_{name}": curve for name, curve in simple.items()},
        "histogram": measured.histogram,
        "operating": operating_points(measured.roc),
        "confusions": confusions(measured, probes),
        "mistakes": [{**row, "image_id": images.get(row["face_id"])} for row in wrong],
    }


def _errors(measured: Measured, gallery, probes, confusion: dict | None) -> dict:
    threshold = confusion["threshold"] if confusion else None
    return {
        "false_accepts": false_accepts(measured, gallery, probes, threshold),
        "false_rejects": false_rejects(measured, gallery, probes, threshold),
    }


def _rows(run: Run, measured: Measured, baseline: Measured, gallery, probes) -> list[IdentityMetric]:
    class_of = dict(zip(gallery.names.tolist(), gallery.class_ids.tolist(), strict=True))
    class_of |= dict(zip(probes.names.tolist(), probes.class_ids.tolist(), strict=True))
    in_gallery, in_probes = Counter(gallery.names.tolist()), Counter(probes.names.tolist())
    aps = {row.identity: row for row in measured.ap.identities}
    simple_aps = {row.identity: row.ap for row in baseline.ap.identities}
    truth = probes.names[measured.search.counted]
    counts = {row.identity: row.counts for row in identity_counts(truth, measured.search.predicted)}
    taken_for = _taken_for(truth, measured.search.predicted)
    rows = []
    for name in sorted(class_of):
        ap, count = aps.get(name), counts.get(name)
        searched = bool(count and count.tp + count.fn)
        rows.append(
            IdentityMetric(
                run=run,
                identity_name=name,
                class_id=class_of[name],
                gallery=in_gallery[name],
                probes=in_probes[name],
                ap=ap.ap if ap else None,
                ap_low=ap.interval.low if ap and ap.interval else None,
                ap_high=ap.interval.high if ap and ap.interval else None,
                baseline_ap=simple_aps.get(name),
                recognition_rate=count.recall if searched else None,
                precision=count.precision if count else None,
                recall=count.recall if searched else None,
                confusions=[{"name": other, "count": n} for other, n in taken_for[name].most_common(3)],
            )
        )
    return rows


def _taken_for(truth: np.ndarray, predicted: np.ndarray) -> dict[str, Counter]:
    taken: dict[str, Counter] = defaultdict(Counter)
    for name, other in sorted(zip(truth.tolist(), predicted.tolist(), strict=True)):
        if name != other:
            taken[name][other] += 1
    return taken


def _store(run: Run, rows: list[IdentityMetric]) -> None:
    IdentityMetric.objects.filter(run=run).delete()
    IdentityMetric.objects.bulk_create(rows, batch_size=1000)
    run.state, run.finished_at = RunState.DONE, timezone.now()
    run.save()
    run_done(run)
