"""An evaluation made ready to read: figures beside what bounds them, curves as tables, and plain sentences.

Any figure may be missing; then there is a reason in its place, never a zero.
"""

from datasets.templatetags.figures import rate_limit
from recognition.enrolment import Enrolment
from recognition.metrics.intervals import highest_rate_without_errors
from recognition.models import Run
from recognition.recipe_list import BY_NAME
from recognition.verdict import verdict

RECALLS = tuple(step / 10 for step in range(1, 11))
# A share of fewer probes has an interval that says nothing.
FEW = 10
NO_PAIRS = "There are not enough pairs of test faces to say."


def report(run: Run, best: dict | None = None) -> dict:
    """The template's context. No queries: everything was written down when runs ended.

    best: the best baseline measured on this version (baselines.py), where it is better than the run's own.
    """
    metrics, curves = run.metrics, run.curves
    baseline = metrics.get("baseline") or {}
    if best:
        baseline = {**best["metrics"], "name": best["name"], "run": best["run"]}
        curves = curves | {f"baseline_{name}": best["curves"].get(name) for name in ("pr", "roc", "cmc")}
    return {
        "metrics": metrics,
        "verdict": verdict(run, baseline),
        "headlines": [_mean_ap(metrics, baseline), _rate(metrics, baseline), _verification(metrics, baseline)],
        "baseline": baseline,
        "pr_rows": _pr_rows(curves),
        "roc_rows": _roc_rows(metrics, baseline),
        "cmc_rows": _cmc_rows(curves),
        "histogram_rows": _histogram_rows(curves.get("histogram") or {}),
        "confusion": metrics.get("confusion"),
        "confusions": curves.get("confusions") or [],
        "charts": _charts(metrics, curves) | {"similarity": _similarity(run)},
        "parts": metrics.get("parts") or [],
        "few": FEW,
        "usual": Enrolment.of(run.params).is_usual,
    }


def _mean_ap(metrics: dict, baseline: dict) -> dict:
    own, simple = metrics.get("map") or {}, baseline.get("map") or {}
    enough = own.get("min_probes", 0)
    return {
        "name": "mAP",
        "what": "How well each person's test faces rank before everybody else's, averaged over people.",
        "value": own.get("macro"),
        "low": own.get("low"),
        "high": own.get("high"),
        "baseline": simple.get("macro"),
        "chance": None,
        "reason": f"Nobody has {enough} or more test faces." if own else "Not measured.",
        "notes": _said(
            f"over {own.get('measured', 0):,} people with {enough} or more test faces",
            own.get("too_few") and f"{own['too_few']:,} people have too few and are left out",
            own.get("weighted") is not None and f"{100 * own['weighted']:.1f} % when every face counts alike",
        ),
    }


def _rate(metrics: dict, baseline: dict) -> dict:
    own, simple = metrics.get("recognition_rate") or {}, baseline.get("recognition_rate") or {}
    return {
        "name": "Recognition rate",
        "what": "Share of test faces for which the person's own name came first; a tie counts as wrong.",
        "value": own.get("value"),
        "low": own.get("low"),
        "high": own.get("high"),
        "baseline": simple.get("value"),
        "chance": (metrics.get("chance") or {}).get("recognition_rate"),
        "human": metrics.get("human"),
        "reason": "No test face belongs to an enrolled person." if own else "Not measured.",
        "notes": _said(
            f"{own.get('correct', 0):,} of {own.get('probes', 0):,} test faces",
            own.get("no_gallery") and f"{own['no_gallery']:,} of people who are not enrolled are left out",
        ),
    }


def _verification(metrics: dict, baseline: dict) -> dict:
    """The share of genuine pairs accepted at the strictest false positive rate that the pairs support."""
    own, simple = metrics.get("verification") or {}, baseline.get("verification") or {}
    supported = [point for point in own.get("at_fpr") or [] if point["tpr"] is not None]
    point = supported[-1] if supported else {}
    limit = point.get("max_fpr")
    same = (other["tpr"] for other in simple.get("at_fpr") or [] if other["max_fpr"] == limit)
    return {
        "name": "Verification" if limit is None else f"Verification at FPR {rate_limit(limit)}",
        "what": "Share of pairs of one person that are accepted while at most that share of pairs of strangers is.",
        "value": point.get("tpr"),
        "low": None,
        "high": None,
        "baseline": next(same, None) if limit is not None else None,
        "chance": limit,
        "reason": NO_PAIRS,
        "notes": _said(
            f"{own.get('genuine', 0):,} genuine and {own.get('impostors', 0):,} impostor pairs",
            own.get("auc") is not None and f"AUC {own['auc']:.4f}",
            own.get("eer") is not None and f"equal error rate {100 * own['eer']:.2f} %",
        ),
    }


def _said(*notes) -> list[str]:
    return [note for note in notes if note]


def _pr_rows(curves: dict) -> list[dict]:
    own, simple = curves.get("pr") or {}, curves.get("baseline_pr") or {}
    return [{"recall": at, "own": _precision_at(own, at), "baseline": _precision_at(simple, at)} for at in RECALLS]


def _precision_at(curve: dict, recall: float) -> float | None:
    """Precision where the curve first reaches `recall`; None where it never does."""
    points = zip(curve.get("recall") or [], curve.get("precision") or [], strict=True)
    return next((precision for reached, precision in points if reached >= recall - 1e-9), None)


def _roc_rows(metrics: dict, baseline: dict) -> list[dict]:
    simple = {row["max_fpr"]: row["tpr"] for row in (baseline.get("verification") or {}).get("at_fpr") or []}
    rows = (metrics.get("verification") or {}).get("at_fpr") or []
    return [
        {**row, "baseline": simple.get(row["max_fpr"]), "fnmr": None if row["tpr"] is None else 1 - row["tpr"]}
        for row in rows
    ]


def _cmc_rows(curves: dict) -> list[dict]:
    own, simple = curves.get("cmc") or [], curves.get("baseline_cmc") or []
    return [
        {"rank": rank, "own": share, "baseline": simple[rank - 1] if rank <= len(simple) else None}
        for rank, share in enumerate(own, start=1)
    ]


def _histogram_rows(histogram: dict) -> list[dict]:
    """Bins in which there is any pair."""
    edges = histogram.get("edges") or []
    counts = zip(edges, edges[1:], histogram.get("genuine") or [], histogram.get("impostor") or [], strict=False)
    return [
        {"low": low, "high": high, "genuine": genuine, "impostor": impostor}
        for low, high, genuine, impostor in counts
        if genuine or impostor
    ]


def _charts(metrics: dict, curves: dict) -> dict:
    """What the page's scripts draw. `support` is the lowest FPR the impostor pairs can speak of."""
    pairs = metrics.get("verification") or {}
    impostors, genuine = pairs.get("impostors") or 0, pairs.get("genuine") or 0
    return {
        "own": {"name": "Model" if metrics.get("model") else "Embedding", **_three(curves, "")},
        "baseline": {"name": "Baseline", **_three(curves, "baseline_")},
        "chance": (metrics.get("chance") or {}).get("recognition_rate"),
        "histogram": curves.get("histogram"),
        "threshold": (metrics.get("confusion") or {}).get("threshold"),
        "support": highest_rate_without_errors(impostors),
        "lowest_fpr": 0.5 / impostors if impostors else None,
        "lowest_fnr": 0.5 / genuine if genuine else None,
        "reliability": curves.get("reliability"),
        "open_set": curves.get("open_set"),
    }


def _similarity(run: Run) -> str:
    """What the axis of similarities is called."""
    kind = run.model.kind if run.model else "nearest_neighbour"
    return BY_NAME[kind].similarity if kind in BY_NAME else "Similarity"


def _three(curves: dict, prefix: str) -> dict:
    return {name: curves.get(prefix + name) for name in ("pr", "roc", "cmc")}
