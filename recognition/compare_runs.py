"""Evaluations side by side: what was different about them, their figures and curves, and who gained or lost.

The first is held against each of the others. Faces count that both of them were tested on.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from labelling.errors import Refused
from labelling.models import Face, Project
from recognition.enrolment import Enrolment
from recognition.models import IdentityMetric, Run, RunKind, RunState
from recognition.probe_verdicts import VerdictsGone, read_verdicts

MOST = 6
CROPS = 24


@dataclass(frozen=True, eq=False)
class Exchange:
    """Faces that were wrong in the first run and are right in the other, and the other way round, with their people."""

    faces: int
    gained: np.ndarray
    lost: np.ndarray
    gained_of: Counter
    lost_of: Counter


def runs_to_compare(project: Project, asked: list[int]) -> list[Run]:
    """Finished evaluations in the order asked for; a training stands for its evaluation. Refused for fewer than two."""
    asked = list(dict.fromkeys(asked))
    if len(asked) > MOST:
        raise Refused(f"At most {MOST} runs fit side by side.")
    runs = Run.objects.filter(project=project).select_related("version", "model", "parent").defer(
        "version__statistics", "parent__curves", "parent__metrics"
    )  # fmt: skip
    found = {run.pk: run for run in runs.filter(pk__in=asked, kind=RunKind.EVALUATE, state=RunState.DONE)}
    for child in runs.filter(parent__in=asked, kind=RunKind.EVALUATE, state=RunState.DONE).order_by("pk"):
        found.setdefault(child.parent_id, child)
    chosen = list({found[pk].pk: found[pk] for pk in asked if pk in found}.values())
    if len(chosen) < 2:
        raise Refused("Choose two or more finished evaluations of this project.")
    return chosen


def comparison(runs: list[Run]) -> dict:
    """Plain values: `parameters` that differ, `figures`, `people`, and for each run but the first its `changes`."""
    exchanges = [exchange(runs[0], run) for run in runs[1:]]
    return {
        "runs": [_about(run) for run in runs],
        "parameters": _parameters(runs),
        "figures": _figures(runs),
        "people": _people(runs, exchanges),
        "changes": [_change(run, told) for run, told in zip(runs[1:], exchanges, strict=True)],
    }


def exchange(first: Run, other: Run) -> Exchange | str:
    """A sentence in its place where what was said of each face is not to be had."""
    try:
        before, after = (_answers(run) for run in (first, other))
    except VerdictsGone as error:
        return str(error)
    common, mine, theirs = np.intersect1d(before[0], after[0], return_indices=True)
    was, now = before[2][mine], after[2][theirs]
    class_ids = after[1][theirs]
    gained, lost = now & ~was, was & ~now
    counts = (Counter(class_ids[rows].tolist()) for rows in (gained, lost))
    return Exchange(len(common), common[gained], common[lost], *counts)


def _answers(run: Run) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the probes that could be found at all: face, person, and whether it was named right."""
    table = read_verdicts(run)
    face, person, rank = (np.asarray(table[name]) for name in ("face_id", "class_id", "rank"))
    counted = rank > 0
    return face[counted], person[counted], rank[counted] == 1


def crops_of(project: Project, told: Exchange | str) -> dict[str, list[Face]]:
    """Some faces of each kind, in one query; those deleted since are left out."""
    if isinstance(told, str):
        return {"gained": [], "lost": []}
    shown = {"gained": told.gained[:CROPS].tolist(), "lost": told.lost[:CROPS].tolist()}
    wanted = [pk for faces in shown.values() for pk in faces]
    faces = Face.objects.in_project(project).select_related("identity").in_bulk(wanted)
    return {kind: [faces[pk] for pk in pks if pk in faces] for kind, pks in shown.items()}


def _about(run: Run) -> dict:
    return {
        "id": run.pk, "name": run.metrics.get("model") or "The frozen embedding alone",
        "version": run.version.number, "finished_at": run.finished_at,
        "seen": run.metrics.get("test_photos_seen_in_training") or 0,
    }  # fmt: skip


def _parameters(runs: list[Run]) -> list[dict]:
    """Only what is not the same in all of them."""
    told = [_settings(run) for run in runs]
    names = dict.fromkeys(name for settings in told for name in settings)
    rows = [{"name": name, "values": [settings.get(name) for settings in told]} for name in names]
    return [row for row in rows if any(value != row["values"][0] for value in row["values"])]


def _settings(run: Run) -> dict:
    trained = run.parent.params if run.parent else {}
    options = {f"option {name}": value for name, value in (trained.get("options") or {}).items()}
    packages = {f"package {name}": value for name, value in (run.environment.get("packages") or {}).items()}
    return {
        "version": run.version.number,
        "content hash": run.version.content_hash[:16],
        "model": run.metrics.get("model"),
        "recipe": run.model.kind if run.model else None,
        "model sha256": run.model.artifact_sha256[:16] if run.model else None,
        "embedder": run.metrics.get("embedder"),
        "seed": run.seed,
        "protocol": Enrolment.of(run.params).words(),
        "epochs at most": trained.get("epochs"),
        "training seed": trained.get("seed"),
        **options,
        "code": (run.environment.get("commit") or "")[:12] or None,
        "machine": run.environment.get("machine"),
        **packages,
    }


def _figures(runs: list[Run]) -> list[dict]:
    """value, low and high of each run; low and high None where there is no interval."""
    rows = [
        {"name": "mAP", "values": [_share(run, "map", "macro") for run in runs]},
        {"name": "Recognition rate", "values": [_share(run, "recognition_rate", "value") for run in runs]},
        {"name": "Baseline mAP", "values": [_share(run, "baseline", "map", "macro") for run in runs]},
        {"name": "AUC", "values": [_share(run, "verification", "auc") for run in runs]},
        {"name": "Equal error rate", "values": [_share(run, "verification", "eer") for run in runs]},
    ]
    limits = sorted({p["max_fpr"] for run in runs for p in _points(run)}, reverse=True)
    rows += [{"name": f"TPR at FPR {limit:g}", "values": [_tpr(run, limit) for run in runs]} for limit in limits]
    return [row for row in rows if any(value["value"] is not None for value in row["values"])]


def _points(run: Run) -> list[dict]:
    return (run.metrics.get("verification") or {}).get("at_fpr") or []


def _tpr(run: Run, limit: float) -> dict:
    found = next((point["tpr"] for point in _points(run) if point["max_fpr"] == limit), None)
    return {"value": found, "low": None, "high": None}


def _share(run: Run, *path: str) -> dict:
    held = run.metrics
    for name in path[:-1]:
        held = held.get(name) or {}
    return {"value": held.get(path[-1]), "low": held.get("low"), "high": held.get("high")}


def _people(runs: list[Run], exchanges: list[Exchange | str]) -> list[dict]:
    """AP in each run, and faces gained and lost from the first to the last; whoever changed most comes first."""
    rows = IdentityMetric.objects.filter(run__in=runs).values_list("run", "class_id", "identity_name", "ap")
    aps: dict[int, dict[int, float | None]] = {}
    names = {}
    for run, class_id, name, ap in rows:
        aps.setdefault(class_id, {})[run] = ap
        names[class_id] = name
    last = exchanges[-1]
    found = []
    for class_id, name in names.items():
        values = [aps[class_id].get(run.pk) for run in runs]
        known = values[0] is not None and values[-1] is not None
        found.append({
            "class_id": class_id, "name": name, "ap": values, "change": values[-1] - values[0] if known else None,
            "gained": None if isinstance(last, str) else last.gained_of[class_id],
            "lost": None if isinstance(last, str) else last.lost_of[class_id],
        })  # fmt: skip
    return sorted(found, key=_most_changed_first)


def _most_changed_first(row: dict) -> tuple:
    exchanged = (row["gained"] or 0) + (row["lost"] or 0)
    return (-abs(row["change"] or 0.0), -exchanged, row["name"].casefold())


def _change(run: Run, told: Exchange | str) -> dict:
    if isinstance(told, str):
        return {"run": run.pk, "reason": told, "faces": 0, "gained": [], "lost": []}
    return {
        "run": run.pk, "reason": "", "faces": told.faces, "gained": told.gained.tolist(), "lost": told.lost.tolist(),
    }  # fmt: skip
