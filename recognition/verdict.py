"""Whether a model is worth having, said plainly above its report."""

from recognition.baselines import is_baseline, standing_of
from recognition.models import Run
from recognition.recipe_list import BY_NAME


def verdict(run: Run, baseline: dict | None = None) -> dict:
    """`tone` of the notice, `title`, `text`. baseline: what it is held against; when None its own."""
    metrics = run.metrics
    own = metrics.get("map") or {}
    baseline = (metrics.get("baseline") or {}) if baseline is None else baseline
    simple = baseline.get("map") or {}
    name = baseline.get("name") or "the frozen embedding with the nearest mean"
    if seen := metrics.get("test_photos_seen_in_training"):
        return _words(
            "warn",
            "These figures flatter the model: it has seen the test.",
            f"{seen:,} of the test photos were training photos of the version it learned from. "
            "Evaluate it on that version, or train on this one.",
        )
    if not metrics.get("model"):
        return _words(
            "info",
            "No trained model: this is the embedding alone.",
            "Each probe goes to the nearest face; the baseline beside it compares with the mean of each person.",
        )
    if is_baseline(run):
        return _words(
            "info",
            "This is a baseline: a simple way to hold models against.",
            f"Models trained on this version must do better. The best other simple way here is: {name}.",
        )
    if metrics.get("beats_baseline") is None:
        return _words(
            "warn",
            "Too few test faces to compare the model with the simpler way.",
            f"An mAP needs people with at least {own.get('min_probes', 'some')} test faces each. "
            "Label more photos of the people below and freeze again.",
        )
    if _is_head(run) and run.parent and run.parent.metrics.get("best_epoch") == 0:
        return _words(
            "info",
            "Training gained nothing: this model is the frozen embedding itself.",
            "No epoch did better on validation than the start, so its figures are those of the embedding alone, "
            "with the nearest mean of each person.",
        )
    if not metrics["beats_baseline"] or standing_of(metrics) <= standing_of(baseline):
        return _words(
            "warn",
            "The model does not beat the simpler way.",
            f"“{name}” does as well or better on these test faces. "
            "Use that, or give training more faces of the people it confuses.",
        )
    if _reaches_down(own.get("low"), simple.get("macro")):
        return _words(
            "info",
            "The model is ahead of the simpler way, but not surely.",
            "The 95 % interval of its mAP still reaches down to the baseline's figure, so the lead may be chance. "
            "More test faces would tell.",
        )
    return _words(
        "success",
        "The model beats the simpler way.",
        "The whole 95 % interval of its mAP lies above the baseline's figure.",
    )


def _is_head(run: Run) -> bool:
    """A network that makes vectors of its own differs from the embedding even where training gained nothing."""
    return run.model is None or run.model.kind not in BY_NAME or BY_NAME[run.model.kind].is_head


def _reaches_down(low: float | None, baseline: float | None) -> bool:
    """Without an interval nothing is sure either."""
    return low is None or baseline is None or low <= baseline


def _words(tone: str, title: str, text: str) -> dict:
    return {"tone": tone, "title": title, "text": text}
