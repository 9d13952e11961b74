"""facet bench recipes: every recipe on one frozen version, evaluated by the same figures.

Faces are those of $FACET_DATA/faces (Person/Person_0001.jpg), the people with most photos first, or drawn people where
there are none. The face in the middle of each photo, found by MTCNN, is the person's. Half of the photos train, a fifth
validate, and the rest test; whoever has fewer than six photos is left out. FACET_BENCH_SCALE changes how many people.
Fine-tuning is left out, and named, where there are no weights to begin with (FACET_FACENET_WEIGHTS).
"""

import os
from collections.abc import Callable
from pathlib import Path

from django.contrib.auth import get_user_model

from config.bench._recipes_project import frozen_people
from config.embedded.folders import REPOSITORY
from recognition.models import Run, RunState
from recognition.recipe_list import ALL, TITLES
from recognition.runs import TrainParams, start_training

PEOPLE, MOST_PHOTOS = 60, 20


def run(say: Callable[[str], None]) -> dict:
    scale = float(os.environ.get("FACET_BENCH_SCALE", "1"))
    folder = Path(os.environ.get("FACET_DATA") or REPOSITORY.parent / "shared" / "data") / "faces"
    owner = get_user_model().objects.get_or_create(username="bench-owner")[0]
    kind, version = frozen_people(folder, max(4, round(PEOPLE * scale)), MOST_PHOTOS, owner, say)
    rows = {}
    left_out = [] if os.environ.get("FACET_FACENET_WEIGHTS") else ["facenet_tuned"]
    for recipe in ALL:
        if recipe.name in left_out:
            continue
        say(f"{recipe.title} …")
        rows[recipe.name] = _row(start_training(version, params=TrainParams(recipe=recipe.name)))
        say(f"  {rows[recipe.name]['recognition_rate']}")
    frozen = version.statistics
    return {
        "photos_are": kind,
        "images": frozen["images"],
        "people": frozen["identities"],
        "fewest_gallery_faces": min(person["train"] + person["val"] for person in frozen["people"]),
        "gallery": rows["chance"].pop("gallery"),
        "probes": rows["chance"].pop("probes"),
        "recipes": [{key: value for key, value in row.items() if key not in ("gallery", "probes")}
                    for row in rows.values()],
        "left_out": left_out,
        "order": _order(rows),
    }  # fmt: skip


def _row(training: Run) -> dict:
    """Both jobs are done here, one after the other, so that none waits for the other's memory."""
    from jobs.work import perform

    perform(training.job_id)
    training.refresh_from_db()
    evaluation = training.children.first()
    if training.state != RunState.DONE or evaluation is None:
        raise RuntimeError(f"{training.params['recipe']}: {training.message or 'nothing to evaluate on'}")
    perform(evaluation.job_id)
    evaluation.refresh_from_db()
    if evaluation.state != RunState.DONE:
        raise RuntimeError(f"{training.params['recipe']}: {evaluation.message}")
    metrics, rate = evaluation.metrics, evaluation.metrics["recognition_rate"]
    return {
        "recipe": training.params["recipe"],
        "title": TITLES[training.params["recipe"]],
        "recognition_rate": _rounded(rate),
        "map": _rounded({"value": metrics["map"]["macro"], **metrics["map"]}),
        "auc": None if metrics["verification"]["auc"] is None else round(metrics["verification"]["auc"], 4),
        "eer": None if metrics["verification"]["eer"] is None else round(metrics["verification"]["eer"], 4),
        "train_s": _seconds(training),
        "evaluate_s": _seconds(evaluation),
        "best_epoch": training.metrics.get("best_epoch"),
        "gallery": metrics["gallery"],
        "probes": metrics["probes"],
    }


def _rounded(figure: dict) -> dict:
    return {name: None if figure[name] is None else round(figure[name], 4) for name in ("value", "low", "high")}


def _seconds(one: Run) -> float:
    one.job.refresh_from_db()
    return round((one.job.finished_at - one.job.started_at).total_seconds(), 1)


def _order(rows: dict) -> dict:
    """Whether baselines stand as expected by recognition rate; heads as well by mAP, which they are trained for."""

    def best(figure: str, *names: str) -> float:
        return max(rows[name][figure]["value"] for name in names)

    opencv, frozen = ("lbph", "eigenfaces"), ("nearest_mean", "nearest_neighbour")
    heads = [recipe.name for recipe in ALL if recipe.is_head]
    rates = [best("recognition_rate", *names) for names in (("chance",), opencv, frozen, heads)]
    maps = [best("map", *names) for names in (("chance",), opencv, frozen, heads)]
    return {
        "expected": "chance < OpenCV < frozen embedding <= trained head",
        "recognition_rate": rates,
        "map": maps,
        "holds": rates[0] < rates[1] < rates[2] and maps[0] < maps[1] < maps[2] <= maps[3] and rates[2] <= rates[3],
    }
