"""What the page about the detector shows: how its proposals fared, and what each confidence would have found."""

from labelling.models import Project
from recognition.detector_evidence import LATEST, Evidence, read_evidence
from recognition.ledger_figures import share
from recognition.metrics.curves import decimate_curve
from recognition.metrics.proposals import ProposalCurve, threshold_for_recall

MOST_POINTS = 200
TABLE_STEPS = (0.99, 0.98, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)


def detector_page(project: Project) -> dict:
    """The template's context; `evidence` is None before any photo tells something."""
    settings = project.settings
    told = read_evidence(project)
    if not told:
        return {"evidence": None, "settings": settings}
    latest = told[0]
    curve = latest.curve
    in_force = max(settings.min_score, latest.floor)
    chosen = threshold_for_recall(curve, settings.recall_target)
    return {
        "evidence": latest,
        "settings": settings,
        "most_photos": LATEST,
        "in_force": _at(curve, in_force),
        "is_below_floor": settings.min_score < latest.floor,
        "can_go_lower": latest.floor > latest.least,
        "hits": int(curve.hits[-1]) if curve.hits.size else 0,
        "false_alarms": int(curve.false_alarms[-1]) if curve.hits.size else 0,
        "faces": curve.faces,
        "chosen": chosen,
        "at_chosen": None if chosen.threshold is None else _at(curve, chosen.threshold),
        "steps": [_at(curve, step) for step in _steps(latest)] if curve.hits.size else [],
        "detectors": [_row(one) for one in told],
        "charts": _charts(curve, in_force, chosen.threshold),
    }


def _steps(evidence: Evidence) -> list[float]:
    return sorted({evidence.floor, *(step for step in TABLE_STEPS if step > evidence.floor)}, reverse=True)


def _at(curve: ProposalCurve, threshold: float) -> dict:
    """What proposing from `threshold` on would have found."""
    hits, false_alarms = curve.at(threshold)
    return {
        "threshold": threshold,
        "hits": hits,
        "false_alarms": false_alarms,
        "recall": share(hits, curve.faces),
        "precision": share(hits, hits + false_alarms),
    }


def _row(evidence: Evidence) -> dict:
    return {"evidence": evidence, "photos": len(evidence.photos), **_at(evidence.curve, evidence.floor)}


def _charts(curve: ProposalCurve, in_force: float, chosen: float | None) -> dict:
    if not curve.faces or not curve.hits.size:
        return {"threshold": [], "precision": [], "recall": [], "in_force": in_force, "chosen": chosen}
    kept = decimate_curve(curve.thresholds, curve.recall, MOST_POINTS)
    return {
        "threshold": curve.thresholds[kept].tolist(),
        "precision": curve.precision[kept].tolist(),
        "recall": curve.recall[kept].tolist(),
        "in_force": in_force,
        "chosen": chosen,
    }
